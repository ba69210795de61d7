"""Growth: the same calls to tables with ever more contacts of ever more tenants."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import batched, chain, product
from time import perf_counter
from typing import Any

import boto3
from botocore.config import Config
from pynamodb.connection.table import TableConnection
from rich.progress import Progress

from benchmarks.capacity import Item
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_lines
from benchmarks.spread import Spread
from contacts import timestamps
from contacts.repository import TAG_LIMIT, ContactRepository
from contacts.resources import Source
from contacts.settings import table_name
from contacts.tables import ContactItem, ContactPointer, TableItem, TagItem

CALLS = 100
"""Of each operation to each table."""

_TAG_IDS = [f"cgrowth{number:018}" for number in range(TAG_LIMIT)]
_FULL = 10**8
"""Added to a contact's number it is that of another one, of the same tenant, with all its tags."""
_BATCH, _WRITERS = 25, 4


@dataclass(frozen=True)
class Size:
    tenants: int
    contacts: int
    """Of all tenants, evenly."""

    @property
    def table(self) -> str:
        return f"growth-{self.tenants}-{self.contacts}"

    def contact(self, number: int) -> "Contact":
        return Contact(f"c{self.tenants}x{self.contacts}x{number % self.tenants}", number)


TENANTS, CONTACTS = (1, 100, 10_000), (100, 1_000, 10_000, 100_000)
SIZES = [Size(tenants, contacts) for tenants, contacts in product(TENANTS, CONTACTS) if tenants <= contacts]


@dataclass(frozen=True)
class Contact:
    tenant_id: str
    number: int

    @property
    def phone(self) -> str:
        return f"4915{self.number:09}"

    @property
    def id(self) -> str:
        return f"c{self.number:024}"

    @property
    def full(self) -> "Contact":
        return Contact(self.tenant_id, self.number + _FULL)

    @property
    def repository(self) -> ContactRepository:
        return ContactRepository(self.tenant_id)


OPERATIONS: dict[str, Callable[[Contact], object]] = {
    "by phone": lambda each: each.repository.get_by_phone(each.phone),
    "by phone, 20 tags": lambda each: each.repository.get_by_phone(each.full.phone),
    "by id, first time": lambda each: each.repository.get(each.id),
    "upsert": lambda each: each.repository.upsert(each.phone, None),
    "upsert, 20 tags": lambda each: each.repository.upsert(each.full.phone, None),
    "assign tag": lambda each: each.repository.assign_tag(each.id, _TAG_IDS[0], Source.API, None),
}


def measure() -> Section:
    samples = _fill_tables()
    latencies: dict[tuple[str, Size], list[float]] = defaultdict(list)
    requests: dict[str, set[int]] = defaultdict(set)
    sent: list[object] = []
    with _back_to_our_table(), Progress() as progress:
        connections = {size: _connect(size.table, sent) for size in SIZES}
        # One call to each table in turn: what else the machine does meets all of them alike.
        for contacts in progress.track(zip(*samples.values(), strict=True), total=CALLS, description="Growth"):
            for size, contact in zip(SIZES, contacts, strict=True):
                TableItem.Meta.table_name, TableItem._connection = size.table, connections[size]  # noqa: SLF001
                for name, operation in OPERATIONS.items():
                    sent.clear()
                    started = perf_counter()
                    operation(contact)
                    latencies[name, size].append(perf_counter() - started)
                    requests[name].add(len(sent))
    return _section(latencies, requests)


def _fill_tables() -> dict[Size, list[Contact]]:
    """Some contacts of each."""
    client = boto3.client("dynamodb", config=Config(parameter_validation=False))  # it takes half of the time
    like = client.describe_table(TableName=table_name())["Table"]
    samples = {}
    with Progress() as progress, ThreadPoolExecutor(_WRITERS) as writers:
        task = progress.add_task("Filling tables", total=sum(size.contacts for size in SIZES))
        for size in SIZES:
            client.create_table(
                TableName=size.table,
                KeySchema=like["KeySchema"],
                AttributeDefinitions=like["AttributeDefinitions"],
                BillingMode="PAY_PER_REQUEST",
            )
            contacts = [size.contact(number) for number in range(size.contacts)]
            samples[size] = random.sample(contacts, CALLS)
            items = chain(_bare_items(contacts), _items_beside(samples[size]))
            batches = batched(items, _BATCH, strict=False)
            for written in writers.map(partial(_put, client, size.table), batches):
                progress.advance(task, written)
    return samples


@contextmanager
def _back_to_our_table() -> Iterator[None]:
    """At the end."""
    ours = TableItem.Meta.table_name, TableItem._connection  # noqa: SLF001
    try:
        yield
    finally:
        TableItem.Meta.table_name, TableItem._connection = ours  # noqa: SLF001


def _connect(table: str, sent: list[object]) -> TableConnection:
    """Notes what it sends."""
    TableItem.Meta.table_name = table
    made = TableItem._get_connection()  # noqa: SLF001
    made.connection.client.meta.events.register("before-send.dynamodb", lambda request, **_: sent.append(request))
    return made


def _bare_items(contacts: Sequence[Contact]) -> Iterator[Item]:
    bare = _contact_item(contacts[0], [])
    for contact in contacts:
        pk, _ = ContactItem.key(contact.tenant_id, contact.phone)
        yield bare | {"pk": {"S": pk}, "id": {"S": contact.id}}  # serializing each would take longer than all the rest


def _items_beside(contacts: Sequence[Contact]) -> Iterator[Item]:
    """What the operations need besides the contacts."""
    now = timestamps.now()
    for tenant_id in {each.tenant_id for each in contacts}:
        yield TagItem(*TagItem.key(tenant_id, _TAG_IDS[0]), name="VIP", created_at=now).serialize()
    for contact in contacts:
        yield ContactPointer(*ContactPointer.key(contact.tenant_id, contact.id), phone=contact.phone).serialize()
        yield _contact_item(contact.full, _TAG_IDS)


def _contact_item(contact: Contact, tag_ids: Sequence[str]) -> Item:
    now = timestamps.now()
    tag = {"source": Source.API.value, "weight": Source.API.weight, "updated_at": now}
    origin = {"created_at": now, "written_by": "benchmark"}
    return ContactItem(
        *ContactItem.key(contact.tenant_id, contact.phone),
        id=contact.id,
        first_seen_at=now,
        last_seen_at=now,
        created_at=now,
        updated_at=now,
        tags=dict.fromkeys(tag_ids, tag),
        tag_origins=dict.fromkeys(tag_ids, origin),
    ).serialize()


def _put(client: Any, table: str, items: Sequence[Item]) -> int:  # noqa: ANN401 - boto3 makes clients at run time
    """Returns how many there were."""
    client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]})
    return len(items)


def _section(latencies: dict[tuple[str, Size], list[float]], requests: dict[str, set[int]]) -> Section:
    rows, lines = [], {}
    for name in OPERATIONS:
        (asked,) = requests[name]
        for tenants in TENANTS:
            cells = [_cell(latencies.get((name, Size(tenants, contacts)))) for contacts in CONTACTS]
            rows.append([name, str(asked), f"{tenants:,}", *cells])
        lines[name] = {
            contacts: Spread.of_seconds(
                chain.from_iterable(latencies.get((name, Size(tenants, contacts)), []) for tenants in TENANTS)
            )
            for contacts in CONTACTS
        }
    return Section(
        "Growth",
        [Table(["", "requests", "tenants", *(f"{contacts:,} contacts" for contacts in CONTACTS)], rows)],
        draw_lines("Latency in ever larger tables", "contacts in the table", "milliseconds", lines),
    )


def _cell(seconds: list[float] | None) -> str:
    return str(Spread.of_seconds(seconds)) if seconds else ""

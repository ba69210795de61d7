"""Growth: the same calls while the table fills with contacts of more and more tenants."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import batched, chain
from time import perf_counter
from typing import Any

import boto3
from rich.progress import Progress

from benchmarks.capacity import Item
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_lines
from benchmarks.spread import Spread
from contacts import timestamps
from contacts.repository import TAG_LIMIT, ContactRepository
from contacts.resources import Source
from contacts.settings import table_name
from contacts.tables import ContactItem, ContactPointer, TagItem, connection

SIZES, TENANTS = (100, 1_000, 10_000, 100_000), (1, 100, 10_000)
CALLS = 60
"""Of each operation at each size."""

_TAG_IDS = [f"cgrowth{number:018}" for number in range(TAG_LIMIT)]
_FULL = 10**8
"""Added to a contact's number it is that of another one, of the same tenant, with all its tags."""
_BATCH, _WRITERS = 25, 4


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
    latencies: dict[tuple[str, int, int], list[float]] = {}
    requests: dict[str, set[int]] = defaultdict(set)
    for tenants, size, contacts in _grow():
        for name, operation in OPERATIONS.items():
            latencies[name, tenants, size], asked = _call(operation, contacts)
            requests[name] |= asked
    return _section(latencies, requests)


def _grow() -> Iterator[tuple[int, int, list[Contact]]]:
    """Tenants, contacts in all, and some of the newest, as the table fills."""
    put = partial(_put, boto3.client("dynamodb"))  # more patient than the product's own
    with Progress() as progress, ThreadPoolExecutor(_WRITERS) as writers:
        task = progress.add_task("Growth", total=len(TENANTS) * SIZES[-1])
        for tenants in TENANTS:
            contacts = [Contact(f"cgrowth{tenants}x{number % tenants}", number) for number in range(SIZES[-1])]
            filled = 0
            for size in (size for size in SIZES if size >= tenants):
                for written in writers.map(put, batched(_bare_items(contacts[filled:size]), _BATCH, strict=False)):
                    progress.advance(task, written)
                newest, filled = random.sample(contacts[filled:size], CALLS), size
                for batch in batched(chain.from_iterable(map(_items_beside, newest)), _BATCH, strict=False):
                    put(batch)
                yield tenants, size, newest


def _call(operation: Callable[[Contact], object], contacts: Sequence[Contact]) -> tuple[list[float], set[int]]:
    """How many seconds each call took, and how many requests."""
    sent = 0

    def count(**_: object) -> None:
        nonlocal sent
        sent += 1

    seconds, requests = [], set()
    events = connection().client.meta.events
    events.register("before-send.dynamodb", count)
    for contact in contacts:
        sent, started = 0, perf_counter()
        operation(contact)
        seconds.append(perf_counter() - started)
        requests.add(sent)
    events.unregister("before-send.dynamodb", count)
    return seconds, requests


def _bare_items(contacts: Sequence[Contact]) -> Iterator[Item]:
    bare = _contact_item(contacts[0], [])
    for contact in contacts:
        pk, _ = ContactItem.key(contact.tenant_id, contact.phone)
        yield bare | {"pk": {"S": pk}, "id": {"S": contact.id}}  # serializing each would take longer than all the rest


def _items_beside(contact: Contact) -> Iterator[Item]:
    """What the operations need besides the contact."""
    now = timestamps.now()
    yield ContactPointer(*ContactPointer.key(contact.tenant_id, contact.id), phone=contact.phone).serialize()
    yield _contact_item(contact.full, _TAG_IDS)
    yield TagItem(*TagItem.key(contact.tenant_id, _TAG_IDS[0]), name="VIP", created_at=now).serialize()


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


def _put(client: Any, items: Sequence[Item]) -> int:  # noqa: ANN401 - boto3 makes clients at run time
    """Returns how many there were."""
    different = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
    requests = [{"PutRequest": {"Item": item}} for item in different.values()]
    client.batch_write_item(RequestItems={table_name(): requests})
    return len(items)


def _section(latencies: dict[tuple[str, int, int], list[float]], requests: dict[str, set[int]]) -> Section:
    rows, lines = [], {}
    for name in OPERATIONS:
        (asked,) = requests[name]
        for tenants in TENANTS:
            cells = [_cell(latencies.get((name, tenants, size))) for size in SIZES]
            rows.append([name, str(asked), f"{tenants:,}", *cells])
        lines[name] = {
            size: Spread.of(chain.from_iterable(latencies.get((name, tenants, size), []) for tenants in TENANTS))
            for size in SIZES
        }
    return Section(
        "Growth",
        [Table(["", "requests", "tenants", *(f"{size:,} contacts" for size in SIZES)], rows)],
        draw_lines("Latency as the table fills", "contacts in the table", "milliseconds", lines),
    )


def _cell(seconds: list[float] | None) -> str:
    return str(Spread.of(seconds)) if seconds else ""

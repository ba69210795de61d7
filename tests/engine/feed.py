"""Both ends of GET /v1/changes: the stream of the engine with its consumer, and mirrors that only follow changes."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from contacts.events.stream import _changes_of
from contacts.storage.items import ContactItem
from contacts.web.response import to_json
from local.emulator.streams import StreamReader
from tests.engine.environments import Pool, start_invocation, try_to_invoke
from tests.engine.machine import Contract
from tests.engine.meanwhile import meanwhile
from tests.engine.table import NAME, Row, Table, rows_of
from tests.events import ACME, GLOBEX, Event, Tenant
from tests.handlers import call, invoke
from tests.streams import build_stream_event

type Contact = dict[str, Any]
"""As callers see it, with its tag assignments."""
type Invoke = Callable[[str, Event], Any]

FUNCTION = "publish_changes"


class Publisher:
    """Does what Lambda does between the stream and publish_changes, from its creation on."""

    def __init__(self, engine: str, *, start: str = "LATEST") -> None:
        self._reader = StreamReader(engine, NAME, start=start)
        self.existed: set[str] = set()
        """All states of contacts that the stream has shown, as JSON."""
        self.changes: dict[str, set[str]] = defaultdict(set)
        """The ids of the changes in the stream, by tenant."""
        if start == "LATEST":
            assert list(self._reader.read()) == []  # now it knows the end of each shard

    def publish(self, invoke: Invoke = invoke) -> bool:
        """All that was written until now. What fails is sent again until it succeeds. Returns whether there was any."""
        is_any = False
        for _, records in self._reader.read():
            waiting = [each for each in records if each["dynamodb"]["Keys"]["sk"]["S"] == "CONTACT"]
            for each in waiting:
                self._note(each["dynamodb"])
            while waiting:
                is_any = True
                waiting = remaining(waiting, invoke(FUNCTION, build_stream_event(*waiting)))
        return is_any

    def _note(self, record: dict[str, Any]) -> None:
        images = [record[name] for name in ("OldImage", "NewImage") if name in record]
        self.existed |= {to_json(ContactItem.from_raw_data(image).contact_with_tags()) for image in images}
        tenant_id, changes = _changes_of(record)
        self.changes[tenant_id] |= {each.id for each in changes}


def remaining(records: list[dict[str, Any]], answer: Any) -> list[dict[str, Any]]:
    """What Lambda sends again. All of it if there is no answer."""
    if answer is None:
        return records
    failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    return records[numbers.index(*failed) :] if failed else []


class Mirror:
    """Does what contract section 9 tells an integrator to do: takes a cursor, lists, follows."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.cursor: str = self._get("list_changes")["nextCursor"]
        self.contacts: dict[str, Contact] = {}
        self.shown: set[str] = set()
        """All states that changes have led to, as JSON."""
        self.changes: list[dict[str, Any]] = []
        page = self._get("list_contacts")
        self._store(page["data"])
        while page["nextCursor"]:
            page = self._get("list_contacts", cursor=page["nextCursor"])
            self._store(page["data"])

    def follow(self) -> list[dict[str, Any]]:
        """To the end. Returns the changes."""
        already, has_more = len(self.changes), True
        while has_more:
            page = self._get("list_changes", cursor=self.cursor)
            for change in page["data"]:
                if change["type"] == "contact.deleted":
                    self.contacts.pop(change["contactId"], None)
            self._store(page["contacts"])
            self.shown |= {to_json(each) for each in page["contacts"]}
            self.changes += page["data"]
            self.cursor, has_more = page["nextCursor"], page["hasMore"]
        return self.changes[already:]

    def _get(self, function: str, **query: str) -> dict[str, Any]:
        """Repeats a call while it gets a 503."""
        status = 503
        while status == 503:
            status, page = call(function, self.tenant, query=query)
        assert status == 200, page
        return dict(page)

    def _store(self, contacts: list[Contact]) -> None:
        self.contacts |= {each["id"]: each for each in contacts}


def check_mirror(mirror: Mirror, publisher: Publisher, contacts: dict[str, Contact]) -> None:
    """Fails unless the mirror has these contacts, has never shown a state that did not exist, and got all changes since
    the publisher began, those of a contact in their order.
    """
    assert {id_: lasting(each) for id_, each in mirror.contacts.items()} == {
        id_: lasting(each) for id_, each in contacts.items()
    }
    assert mirror.shown <= publisher.existed
    assert {each["id"] for each in mirror.changes} == publisher.changes[mirror.tenant.id]
    by_contact: dict[str, list[str]] = defaultdict(list)
    for change in mirror.changes:
        if change["id"] not in by_contact[change["contactId"]]:  # no second copy
            by_contact[change["contactId"]].append(change["id"])
    for ids in by_contact.values():
        assert ids == sorted(ids, key=lambda id_: [int(part) for part in id_.split("-")[1:]])


class Followers:
    """A mirror of each tenant beside the histories of machine.py."""

    STEPS_BETWEEN = 3
    """With more of them, another change of the same contact could hide one that is missing."""

    def __init__(self, engine: str) -> None:
        self._publisher = Publisher(engine)
        self._mirrors = [Mirror(tenant) for tenant in (ACME, GLOBEX)]
        self._others = {mirror.tenant: mirror.contacts.copy() for mirror in self._mirrors}
        self._steps = count()

    def follow(self, contract: Contract) -> None:
        """After each step."""
        if next(self._steps) % self.STEPS_BETWEEN == 0 and self._publisher.publish():
            for mirror in self._mirrors:
                owned = [each for (owner, _), each in contract.contacts.items() if owner == mirror.tenant.id]
                self._check(mirror, self._others[mirror.tenant] | {each.id: each.with_tags for each in owned})

    def finish(self, table: Table, first_rows: list[Row]) -> None:
        self._publisher.publish()
        for mirror in self._mirrors:
            self._check(mirror, stored(mirror.tenant, table))
        restore_logs(table, first_rows)

    def _check(self, mirror: Mirror, contacts: dict[str, Contact]) -> None:
        mirror.follow()
        check_mirror(mirror, self._publisher, contacts)


def lasting(contact: Contact) -> Contact:
    """Without what a change does not tell."""
    kept = {name: value for name, value in contact.items() if name not in {"lastSeenAt", "updatedAt"}}
    tags = [{name: tag[name] for name in tag if name != "updatedAt"} for tag in contact["tagAssignments"]]
    return kept | {"tagAssignments": tags}


def stored(tenant: Tenant, table: Table) -> dict[str, Contact]:
    """The tenant's contacts in the table, by id."""
    items = [ContactItem.from_raw_data(row) for row in rows_of(tenant.id, table.rows()) if row["sk"]["S"] == "CONTACT"]
    contacts = [json.loads(to_json(item.contact_with_tags())) for item in items]
    return {each["id"]: each for each in contacts}


def restore_logs(table: Table, first_rows: list[Row]) -> None:
    """So that the rows of the other tenant can be compared with what they were."""
    logs = [row for row in first_rows if row["pk"]["S"].endswith("#CHANGES")]
    table.replace([*(row for row in table.rows() if not row["pk"]["S"].endswith("#CHANGES")), *logs])


@contextmanager
def publishing(publisher: Publisher, mirror: Mirror, pool: Pool, endpoint: str, dice: random.Random) -> Iterator[None]:
    """Meanwhile publishes and follows. Consumers are killed, and two handle the same records."""

    def invoke(function: str, event: Event) -> Any:
        match dice.choices(["one", "two", "killed"], [6, 3, 1]):
            case ["one"]:
                return pool.submit(try_to_invoke, function, event).result()
            case ["two"]:
                running = [pool.submit(try_to_invoke, function, event) for _ in range(2)]
                return running[dice.randrange(2)].result()
        environment = start_invocation(endpoint, function, event)
        environment.join(dice.uniform(0.02, 0.1))
        environment.kill()
        environment.join()
        return None

    def go_on(ended: threading.Event) -> None:
        while not ended.is_set():
            publisher.publish(invoke)
            mirror.follow()
            time.sleep(0.02)

    with meanwhile(go_on):
        yield

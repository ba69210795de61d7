"""Both ends of GET /v1/changes: the stream of the engine with its consumer, and a mirror that only follows changes."""

import json
from collections.abc import Callable
from typing import Any

from contacts.storage.items import ContactItem
from contacts.web.response import to_json
from local.emulator.streams import StreamReader
from tests.engine.table import NAME, Row
from tests.events import Event, Tenant
from tests.handlers import call, invoke
from tests.streams import build_stream_event

type Contact = dict[str, Any]
"""As callers see it, with its tag assignments."""
type Invoke = Callable[[str, Event], Any]

FUNCTION = "publish_changes"


class Publisher:
    """Hands the writes of contacts to publish_changes, from its creation on."""

    def __init__(self, engine: str, *, start: str = "LATEST") -> None:
        self._reader = StreamReader(engine, NAME, start=start)
        self.existed: set[str] = set()
        """All states of contacts that the stream has shown, as JSON."""
        if start == "LATEST":
            list(self._reader.read())

    def publish(self, invoke: Invoke = invoke) -> None:
        """All that was written until now. What fails is sent again until it succeeds."""
        for _, records in self._reader.read():
            waiting = [each for each in records if each["dynamodb"]["Keys"]["sk"]["S"] == "CONTACT"]
            self._note(waiting)
            while waiting:
                waiting = remaining(waiting, invoke(FUNCTION, build_stream_event(*waiting)))

    def _note(self, records: list[dict[str, Any]]) -> None:
        images = [record["dynamodb"].get(name) for record in records for name in ("OldImage", "NewImage")]
        self.existed |= {to_json(ContactItem.from_raw_data(image).contact_with_tags()) for image in images if image}


def remaining(records: list[dict[str, Any]], answer: Any) -> list[dict[str, Any]]:
    """What Lambda sends again. All of it if there is no answer."""
    if answer is None:
        return records
    failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    return records[min(map(numbers.index, failed)) :] if failed else []


class Mirror:
    """Does what contract section 9 tells an integrator to do: takes a cursor, lists, follows."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.cursor: str = self._get("list_changes")["nextCursor"]
        self.contacts: dict[str, Contact] = {}
        self.shown: set[str] = set()
        """All states that it has shown, as JSON."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._get("list_contacts", **{"cursor": cursor} if cursor else {})
            self._store(page["data"])
            cursor = page["nextCursor"]

    def follow(self) -> list[dict[str, Any]]:
        """To the end. Returns the changes."""
        changes: list[dict[str, Any]] = []
        has_more = True
        while has_more:
            page = self._get("list_changes", cursor=self.cursor)
            for change in page["data"]:
                if change["type"] == "contact.deleted":
                    self.contacts.pop(change["contactId"], None)
            self._store(page["contacts"])
            changes += page["data"]
            self.cursor, has_more = page["nextCursor"], page["hasMore"]
        return changes

    def _get(self, function: str, **query: str) -> dict[str, Any]:
        status, page = call(function, self._tenant, query=query)
        assert status == 200, page
        return dict(page)

    def _store(self, contacts: list[Contact]) -> None:
        self.contacts |= {each["id"]: each for each in contacts}
        self.shown |= {to_json(each) for each in contacts}


def lasting(contact: Contact) -> Contact:
    """Without what a change does not tell."""
    kept = {name: value for name, value in contact.items() if name not in {"lastSeenAt", "updatedAt"}}
    tags = [{name: tag[name] for name in tag if name != "updatedAt"} for tag in contact["tagAssignments"]]
    return kept | {"tagAssignments": tags}


def stored(tenant: Tenant, rows: list[Row]) -> dict[str, Contact]:
    """The tenant's contacts in the table, by id."""
    items = [ContactItem.from_raw_data(row) for row in rows if row["sk"]["S"] == "CONTACT"]
    contacts = [json.loads(to_json(item.contact_with_tags())) for item in items if item.pk.startswith(f"{tenant.id}#")]
    return {each["id"]: each for each in contacts}


def check(mirror: Mirror, contacts: dict[str, Contact]) -> None:
    """Fails if the mirror has other contacts, apart from what no change tells."""
    assert {id_: lasting(each) for id_, each in mirror.contacts.items()} == {
        id_: lasting(each) for id_, each in contacts.items()
    }

"""GET /v1/changes: pages of the change log, and cursors that it no longer has."""

import json
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.domain.changes import Change
from contacts.domain.contact import ContactWithTags, TagAssignment
from contacts.runtime.identifiers import new_id
from contacts.storage.changes import MOST_CONTACTS, ChangeLog, ChangesPage, Entry
from contacts.storage.items import ChangeLogEntry
from contacts.storage.table import Table as Storage
from contacts.web.changes import changes_response
from tests.events import ACME, Tenant
from tests.faults import Reply
from tests.functions.conftest import Stream, Wire
from tests.handlers import call
from tests.refusals import CURSOR_EXPIRED, invalid
from tests.streams import AT, AT_AS_TEXT

FUNCTION = "list_changes"


def page(tenant: Tenant, cursor: str | None = None) -> dict[str, Any]:
    status, body = call(FUNCTION, tenant, query={} if cursor is None else {"cursor": cursor})
    assert status == 200
    assert list(body) == ["data", "contacts", "nextCursor", "hasMore"]
    return dict(body)


def append(tenant: Tenant, number: int = 1) -> list[str]:
    """One entry. Returns the ids of its changes."""
    changes = [Change(f"{new_id()}-1-0", "contact.deleted", None, "API", AT) for _ in range(number)]
    ChangeLog(tenant.id).append(changes)
    return [each.id for each in changes]


def write_log(tenant: Tenant, *numbers: int) -> list[str]:
    """As appends of this many changes each would do, which take seconds in moto. Returns the ids of the changes."""
    ids = [[f"{new_id()}-1-0" for _ in range(number)] for number in numbers]
    with ChangeLogEntry.batch_write() as batch:
        for position, names in enumerate(ids, 1):
            texts = [f"{each} contact.deleted - API {AT}" for each in names]
            key = ChangeLogEntry.key(tenant.id, position)
            batch.save(ChangeLogEntry(*key, changes=texts, written_by="somebody"))
    return [each for names in ids for each in names]


def forget(table: Table, tenant: Tenant, *positions: int) -> None:
    """As the TTL does."""
    for position in positions:
        pk, sk = ChangeLogEntry.key(tenant.id, position)
        table.delete_item(Key={"pk": pk, "sk": sk})


def test_without_a_cursor_the_answer_is_one_that_stands_at_now(acme: Tenant, stream: Stream, wire: Wire) -> None:
    assert page(acme) == {"data": [], "contacts": [], "nextCursor": "0", "hasMore": False}
    append(acme)
    append(acme)
    wire.requests.clear()
    assert page(acme) == {"data": [], "contacts": [], "nextCursor": "2", "hasMore": False}
    [(operation, query)] = wire.requests
    assert (operation, query["ConsistentRead"], query["Limit"]) == ("Query", True, 1)


def test_changes_come_with_the_contacts_that_they_name(acme: Tenant, contact: dict[str, Any], stream: Stream) -> None:
    stream.publish()
    cursor = page(acme)["nextCursor"]
    tag_id = acme.tag_ids[0]
    _, assignment = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id, "reason": "asked"})
    _, other = call("upsert_contact", acme, json_body={"phone": "99999"})
    stream.publish()
    changes = {each["contactId"]: each for each in page(acme, cursor)["data"]}
    assert changes == {
        other["id"]: {
            "id": changes[other["id"]]["id"],
            "type": "contact.created",
            "contactId": other["id"],
            "source": "API",
            "at": AT_AS_TEXT,
        },
        contact["id"]: {
            "id": changes[contact["id"]]["id"],
            "type": "tag.assigned",
            "contactId": contact["id"],
            "tagId": tag_id,
            "source": "API",
            "at": AT_AS_TEXT,
        },
    }
    assert [list(each) for each in changes.values() if "tagId" in each] == [
        ["id", "type", "contactId", "tagId", "source", "at"]
    ]
    shown = {each["id"]: each for each in page(acme, cursor)["contacts"]}
    assert shown == {
        contact["id"]: contact | {"tagAssignments": [assignment]},
        other["id"]: other | {"tagAssignments": []},
    }


def test_contacts_are_as_they_are_now(acme: Tenant, contact: dict[str, Any], stream: Stream) -> None:
    cursor = page(acme)["nextCursor"]
    call("update_contact", acme, contactId=contact["id"], json_body={"display_name": "Grace"})
    stream.publish()
    _, latest = call("update_contact", acme, contactId=contact["id"], json_body={"display_name": "Edsger"})
    assert page(acme, cursor)["contacts"] == [latest | {"tagAssignments": []}]


def test_a_contact_that_is_gone_is_only_named(acme: Tenant, contact: dict[str, Any], stream: Stream) -> None:
    cursor = page(acme)["nextCursor"]
    call("update_contact", acme, contactId=contact["id"], json_body={"display_name": "Grace"})
    stream.publish()
    call("delete_contact", acme, contactId=contact["id"])
    found = page(acme, cursor)
    assert ([each["type"] for each in found["data"]], found["contacts"]) == (["contact.renamed"], [])
    stream.publish()
    found = page(acme, cursor)
    assert ([each["type"] for each in found["data"]], found["contacts"]) == (["contact.renamed", "contact.deleted"], [])


def test_a_phone_that_comes_back_has_another_id(acme: Tenant, contact: dict[str, Any], stream: Stream) -> None:
    cursor = page(acme)["nextCursor"]
    call("delete_contact", acme, contactId=contact["id"])
    stream.publish()
    _, new = call("upsert_contact", acme, json_body={"phone": contact["phone"]})
    stream.publish()
    found = page(acme, cursor)
    assert [(each["type"], each["contactId"]) for each in found["data"]] == [
        ("contact.deleted", contact["id"]),
        ("contact.created", new["id"]),
    ]
    assert [each["id"] for each in found["contacts"]] == [new["id"]]


def test_a_contact_that_is_deleted_and_created_again_while_its_page_is_read_is_not_shown_under_its_old_id(
    acme: Tenant, contact: dict[str, Any], stream: Stream, wire: Wire
) -> None:
    cursor = page(acme)["nextCursor"]
    call("update_contact", acme, contactId=contact["id"], json_body={"display_name": "Grace"})
    stream.publish()

    def create_again() -> None:
        call("delete_contact", acme, contactId=contact["id"])
        call("upsert_contact", acme, json_body={"phone": contact["phone"]})

    wire.interrupt("BatchGetItem", lambda: wire.interrupt("BatchGetItem", create_again))
    assert page(acme, cursor)["contacts"] == []


def test_another_tenants_cursor_is_only_a_place_in_the_own_log(acme: Tenant, globex: Tenant) -> None:
    append(acme)
    append(acme)
    ours = append(globex)
    assert [each["id"] for each in page(globex, "0")["data"]] == ours
    assert call(FUNCTION, globex, query={"cursor": "2"}) == CURSOR_EXPIRED


@pytest.mark.parametrize(
    ("entries", "pages"),
    [
        ([100], [(100, False)]),
        ([100, 1], [(100, True), (1, False)]),
        ([99, 2, 98], [(99, True), (100, False)]),
        ([1] * 100, [(100, False)]),
        ([1] * 101, [(100, True), (1, False)]),
        ([40, 40, 40, 40, 40], [(80, True), (80, True), (40, False)]),
        ([1, 2, 3], [(6, False)]),
    ],
)
def test_a_page_ends_before_the_entry_with_the_101st_change(
    acme: Tenant, entries: list[int], pages: list[tuple[int, bool]]
) -> None:
    ids = write_log(acme, *entries)
    found: list[tuple[int, bool]] = []
    shown, cursor = [], "0"
    while not found or found[-1][1]:
        body = page(acme, cursor)
        found.append((len(body["data"]), body["hasMore"]))
        shown += [each["id"] for each in body["data"]]
        cursor = body["nextCursor"]
    assert found == pages
    assert shown == ids
    assert cursor == str(len(entries))
    assert page(acme, cursor) == {"data": [], "contacts": [], "nextCursor": cursor, "hasMore": False}


def test_few_entries_are_read_at_a_time(acme: Tenant, wire: Wire) -> None:
    write_log(acme, *[50] * 20)
    wire.requests.clear()
    page(acme, "3")
    assert [request["Limit"] for operation, request in wire.requests if operation == "Query"] == [4]
    assert {request["ConsistentRead"] for operation, request in wire.requests if operation == "Query"} == {True}
    assert wire.operations == ["Query", "BatchGetItem"]  # no contact of the page exists


def test_its_role_allows_exactly_its_requests(
    acme: Tenant, contact: dict[str, Any], stream: Stream, wire: Wire, resources: dict[str, Any]
) -> None:
    call("update_contact", acme, contactId=contact["id"], json_body={"display_name": "Grace"})
    stream.publish()
    wire.requests.clear()
    page(acme, "0")
    assert wire.operations == ["Query", "BatchGetItem", "BatchGetItem"]
    [statement] = resources["ListChanges"]["Properties"]["Policies"][-1]["Statement"]
    assert set(statement["Action"]) == wire.actions


def test_who_is_up_to_date_costs_one_query(acme: Tenant, wire: Wire) -> None:
    write_log(acme, 100)
    wire.requests.clear()
    page(acme, "1")
    assert wire.operations == ["Query"]


def largest_contacts(number: int) -> dict[str, ContactWithTags]:
    """With names and reasons that grow most when they are escaped twice."""
    moment, names = "2026-01-01T00:00:00.000Z", [f"c{place:024}" for place in range(number)]
    times = dict.fromkeys(["first_seen_at", "last_seen_at", "created_at", "updated_at"], moment)
    return {
        name: ContactWithTags(
            id=name,
            tenant_id="c" * 25,
            phone="4" * 32,
            display_name="\x01" * 128,
            **times,
            tag_assignments=tuple(
                TagAssignment(
                    contact_id=name,
                    tag_id=tag_id,
                    source="AI_AUTO_CLOSE",
                    reason="\x01" * 500,
                    created_at=moment,
                    updated_at=moment,
                )
                for tag_id in ACME.tag_ids[:20]
            ),
        )
        for name in names
    }


def test_a_page_ends_before_the_answer_is_too_large_for_lambda() -> None:
    """The largest entry fits. A second one does not."""
    contacts = largest_contacts(2 * MOST_CONTACTS)
    changes = [Change(f"{name}-{'9' * 40}-0", "contact.renamed", None, "API", AT) for name in contacts]
    entries = [Entry(1, 2 * changes[:MOST_CONTACTS]), Entry(2, 2 * changes[MOST_CONTACTS:])]
    for shown, has_more in (entries, True), (entries[1:], False):
        response = changes_response(ChangesPage(0, shown, contacts, has_more=False))
        assert len(json.dumps(response.body, ensure_ascii=False).encode()) < 5_500_000
        body = json.loads(response.body)
        assert body["nextCursor"] == str(shown[0].position)
        assert body["hasMore"] is has_more
        assert [each["contactId"] for each in body["data"]] == [each.contact_id for each in shown[0].changes]
        assert [each["id"] for each in body["contacts"]] == [
            each.contact_id for each in shown[0].changes[:MOST_CONTACTS]
        ]


def test_a_page_ends_early_when_only_the_time_to_read_its_contacts_is_left(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(acme, *[1] * 10)
    monkeypatch.setattr(Storage, "seconds_left", lambda _: 7.9)
    found = page(acme, "0")
    assert (len(found["data"]), found["nextCursor"], found["hasMore"]) == (4, "4", True)


class TestExpired:
    @pytest.mark.parametrize("cursor", ["1", "7", "9999999999999999"])
    def test_a_cursor_beyond_the_end_is_refused(self, acme: Tenant, cursor: str) -> None:
        assert call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED
        append(acme)
        append(acme)
        is_known = cursor == "1"
        assert (call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED) is not is_known

    def test_a_cursor_is_good_while_its_next_entry_is_there(self, acme: Tenant, table: Table) -> None:
        write_log(acme, 1, 1, 1, 1)
        forget(table, acme, 1, 2)
        assert len(page(acme, "2")["data"]) == 2
        for cursor in "0", "1":
            assert call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED

    def test_an_entry_that_expired_before_its_predecessor_is_missed(self, acme: Tenant, table: Table) -> None:
        """The TTL deletes in any order."""
        write_log(acme, 1, 1, 1, 1)
        forget(table, acme, 2)
        for cursor in "0", "1":
            assert call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED

    def test_a_reset_refuses_every_older_cursor(self, acme: Tenant) -> None:
        write_log(acme, 1, 1)
        position = ChangeLog(acme.id).reset()
        for cursor in "0", "1", "2", "3", str(position - 2), str(position + 1):
            assert call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED
        assert page(acme)["nextCursor"] == str(position)
        ids = append(acme)
        assert [each["id"] for each in page(acme, str(position))["data"]] == ids

    def test_a_log_can_be_reset_again_and_again(self, acme: Tenant) -> None:
        first = ChangeLog(acme.id).reset()
        second = ChangeLog(acme.id).reset()
        assert second >= first + 1000
        assert call(FUNCTION, acme, query={"cursor": str(first)}) == CURSOR_EXPIRED
        assert page(acme, str(second))["data"] == []

    def test_an_append_that_overlaps_a_reset_is_seen_by_no_cursor(self, acme: Tenant, wire: Wire) -> None:
        """It can only hold changes from before the reset, which every list since then has seen."""
        append(acme)
        wire.interrupt("PutItem", ChangeLog(acme.id).reset)
        append(acme)
        assert call(FUNCTION, acme, query={"cursor": "1"}) == CURSOR_EXPIRED
        assert page(acme, page(acme)["nextCursor"])["data"] == []

    def test_a_restore_needs_a_reset(self, acme: Tenant, table: Table) -> None:
        write_log(acme, 1, 1, 1, 1)
        forget(table, acme, 3, 4)  # the table as it was two entries ago
        ChangeLog(acme.id).reset()
        append(acme)
        append(acme)
        for cursor in "2", "3", "4":
            assert call(FUNCTION, acme, query={"cursor": cursor}) == CURSOR_EXPIRED

    def test_an_entry_that_is_appended_during_the_query_is_no_gap(self, acme: Tenant, wire: Wire) -> None:
        """A Query is no snapshot: it can pass the place of an entry and find the one that is written after it."""
        ids = write_log(acme, 1, 1, 1)
        pk = {"S": ChangeLogEntry.log(acme.id)}
        entries = [
            {"pk": pk, "sk": {"S": f"{position:016}"}, "written_by": {"S": "x"}, "changes": {"L": []}}
            for position in (1, 3)
        ]
        torn = {"Items": entries, "Count": 2, "ScannedCount": 2}
        wire.fail("Query", [Reply(200, json.dumps(torn).encode())])
        assert [each["id"] for each in page(acme, "1")["data"]] == ids[1:]


@pytest.mark.parametrize("cursor", ["", "-1", "+1", "01", "1.0", "1e3", " 1", "1 ", "١", "c0", "1" * 17, "1" * 10_000])
def test_a_cursor_that_no_page_gave_is_refused(acme: Tenant, wire: Wire, cursor: str) -> None:
    refusal = invalid("cursor", "cursor must be the nextCursor of an earlier page of changes.")
    assert call(FUNCTION, acme, query={"cursor": cursor}) == refusal
    assert wire.operations == []

"""The consumer of the table's stream: what it appends to the change logs, and what Lambda has to send again."""

import json
import time
import uuid
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext  # type: ignore[import-untyped]
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb.service_resource import Table

from contacts.domain.changes import Change
from contacts.runtime.identifiers import new_id
from contacts.storage import retries
from contacts.storage.changes import ChangeLog
from contacts.storage.items import ChangeLogEntry
from tests.events import ACME, GLOBEX, Tenant
from tests.faults import Reply, refuse
from tests.functions.conftest import Stream, Wire, create_queue
from tests.handlers import call, deliver, invoke, load_handler
from tests.streams import AT, build_contact, build_record, build_stream_event

FUNCTION = "publish_changes"
DAYS = 24 * 60 * 60
MOMENT = "2026-01-01T00:00:00.000Z"


def created(tenant: Tenant, number: int, *tag_ids: str) -> dict[str, Any]:
    """The record of a contact that is created as the `number`th write."""
    return build_record(None, build_contact(tenant, f"{70_000 + number}", *tag_ids), number)


def publish(*records: dict[str, Any]) -> str | None:
    """The sequence number from which Lambda has to send the records again."""
    failures = invoke(FUNCTION, build_stream_event(*records))["batchItemFailures"]
    assert len(failures) <= 1
    return failures[0]["itemIdentifier"] if failures else None


def entries(tenant: Tenant) -> list[ChangeLogEntry]:
    return list(ChangeLogEntry.query(ChangeLogEntry.log(tenant.id)))


def changes(tenant: Tenant) -> list[Change]:
    """All that the log has."""
    entries = ChangeLog(tenant.id).page(0).entries
    assert [each.position for each in entries] == [*range(1, 1 + len(entries))]
    return [change for entry in entries for change in entry.changes]


def told(tenant: Tenant) -> list[tuple[str, str | None, str]]:
    """The changes without the contact."""
    return [(each.type, each.tag_id, each.source) for each in changes(tenant)]


@pytest.mark.usefixtures("table")
def test_an_empty_map_may_lack_its_type() -> None:
    """As in the stream of DynamoDB Local."""
    contact = build_contact(ACME, "70001") | {"tags": {}, "tag_origins": {}}
    assert publish(build_record(None, contact, 1)) is None
    assert told(ACME) == [("contact.created", None, "API")]


TAG, OTHER_TAG = ACME.tag_ids[:2]
BATCH = {"contacts": [{"phone": "491512345678", "display_name": "Grace", "tags": [{"tag_id": TAG}]}]}


@pytest.mark.parametrize(
    ("function", "request_", "expected"),
    [
        ("upsert_contact", {"json_body": {"phone": "99999"}}, [("contact.created", None, "API")]),
        (
            "upsert_contact",
            {"json_body": {"phone": "491512345678", "display_name": "Grace"}},
            [("contact.renamed", None, "API")],
        ),
        ("upsert_contacts", {"json_body": BATCH}, [("contact.renamed", None, "API"), ("tag.assigned", TAG, "API")]),
        ("update_contact", {"json_body": {"display_name": "Grace"}}, [("contact.renamed", None, "API")]),
        ("update_contact", {"json_body": {"display_name": None}}, [("contact.renamed", None, "API")]),
        ("delete_contact", {}, [("contact.deleted", None, "API")]),
        ("assign_tag", {"json_body": {"tag_id": TAG}}, [("tag.assigned", TAG, "API")]),
        ("assign_tag", {"json_body": {"tag_id": OTHER_TAG, "reason": "other"}}, [("tag.assigned", OTHER_TAG, "API")]),
        ("remove_tag", {"tagId": OTHER_TAG}, [("tag.removed", OTHER_TAG, "API")]),
    ],
)
def test_a_write_of_the_api_is_in_the_log(
    acme: Tenant,
    contact: dict[str, Any],
    stream: Stream,
    function: str,
    request_: dict[str, Any],
    expected: list[tuple[str, str | None, str]],
) -> None:
    assign(acme, contact, OTHER_TAG)
    stream.records()
    by_id = {} if "upsert" in function else {"contactId": contact["id"]}
    assert call(function, acme, **request_, **by_id)[0] < 300
    stream.publish()
    assert told(acme) == expected


def assign(tenant: Tenant, contact: dict[str, Any], tag_id: str) -> None:
    body = {"tag_id": tag_id, "reason": "asked"}
    assert call("assign_tag", tenant, contactId=contact["id"], json_body=body)[0] < 300


@pytest.mark.parametrize(("phone", "type_"), [("99999", "contact.created"), ("88888", "contact.renamed")])
def test_an_inbound_message_is_the_source_of_its_changes(
    acme: Tenant, stream: Stream, monkeypatch: pytest.MonkeyPatch, phone: str, type_: str
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("InboundMessagesDeadLetters").url)
    call("upsert_contact", acme, json_body={"phone": "88888"})
    stream.records()
    message = {"tenantId": acme.id, "phone": phone, "displayName": "Ada", "receivedAt": MOMENT}
    assert deliver("record_inbound_message", message) == []
    stream.publish()
    assert told(acme) == [(type_, None, "INBOUND")]


def test_a_tag_command_is_the_source_of_its_changes(
    acme: Tenant, contact: dict[str, Any], stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("TagCommandsDeadLetters").url)
    command = {"tenantId": acme.id, "contactId": contact["id"], "tagId": TAG, "issuedAt": MOMENT}
    for action, source in ("ASSIGN", "AI_TOOL"), ("ASSIGN", "MANUAL_AGENT"), ("REMOVE", "MANUAL_ADMIN"):
        assert deliver("apply_tag_command", command | {"action": action, "source": source}) == []
        stream.publish()
    assert told(acme) == [
        ("tag.assigned", TAG, "AI_TOOL"),
        ("tag.assigned", TAG, "MANUAL_AGENT"),
        ("tag.removed", TAG, "MANUAL_ADMIN"),
    ]


def test_what_a_read_does_not_show_is_no_change(
    acme: Tenant, contact: dict[str, Any], stream: Stream, wire: Wire, log: Callable[[], str]
) -> None:
    assign(acme, contact, TAG)
    stream.records()
    for _ in range(3):
        body = {"phone": contact["phone"], "display_name": contact["displayName"]}
        assert call("upsert_contact", acme, json_body=body)[0] == 200
        assign(acme, contact, TAG)
        records = stream.records()
        assert len(records) == 1
        wire.requests.clear()
        assert publish(*records) is None
        assert wire.operations == []
    assert entries(acme) == []
    assert FUNCTION not in log()


def test_a_record_from_before_writes_said_who_made_them_counts_as_the_apis(acme: Tenant) -> None:
    before, after = build_contact(acme, "70000"), build_contact(acme, "70000", name="Grace")
    del before["changed_by"], after["changed_by"]
    assert publish(build_record(before, after, 1)) is None
    assert told(acme) == [("contact.renamed", None, "API")]


def test_a_change_has_ids_and_the_second_of_the_write(acme: Tenant) -> None:
    publish(created(acme, 12, TAG))
    contact_id = f"{acme.mark}70012".ljust(25, "0")
    name = f"{contact_id}-000000000000000000012"
    assert changes(acme) == [
        Change(f"{name}-0", "contact.created", None, "API", AT),
        Change(f"{name}-1", "tag.assigned", TAG, "API", AT),
    ]
    assert {each.contact_id for each in changes(acme)} == {contact_id}


def test_a_record_that_comes_again_has_the_same_changes(acme: Tenant) -> None:
    records = [created(acme, number, TAG) for number in range(3)]
    assert [publish(*records), publish(*records[1:])] == [None, None]
    ids = [each.id for each in changes(acme)]
    assert ids == list(dict.fromkeys(ids)) + ids[2:6]


def test_an_entry_names_at_most_50_contacts(acme: Tenant) -> None:
    publish(*(created(acme, number) for number in range(120)))
    assert [len(each.changes) for each in entries(acme)] == [50, 50, 20]


def test_an_entry_has_at_most_100_changes_and_no_part_of_a_write(acme: Tenant) -> None:
    publish(*(created(acme, number, *acme.tag_ids[:20]) for number in range(6)))
    assert [len(each.changes) for each in entries(acme)] == [84, 42]


def test_changes_of_one_tenant_share_an_entry_though_others_lie_between(acme: Tenant, globex: Tenant) -> None:
    publish(*(created(tenant, number) for number in range(3) for tenant in (acme, globex)))
    assert [len(each.changes) for tenant in (acme, globex) for each in entries(tenant)] == [3, 3]


class TestFailures:
    """Lambda sends the first record that failed again, with everything behind it."""

    def test_nothing_behind_the_changes_that_failed_is_published(
        self, acme: Tenant, globex: Tenant, wire: Wire
    ) -> None:
        records = [created(acme, 1), created(globex, 2), created(acme, 3), created(globex, 4)]
        wire.fail("Query", [refuse("ValidationException")])
        assert publish(*records) == sequence_number(records[0])
        assert (changes(acme), changes(globex)) == ([], [])

    def test_changes_before_those_that_failed_are_published(self, acme: Tenant, globex: Tenant, wire: Wire) -> None:
        records = [created(acme, 1), created(globex, 2), created(acme, 3), created(globex, 4)]
        wire.interrupt("UpdateItem", lambda: wire.fail("PutItem", [refuse("ValidationException")]))
        assert publish(*records) == sequence_number(records[1])
        assert (len(changes(acme)), len(changes(globex))) == (2, 0)

    def test_changes_that_fail_again_and_again_are_not_published_with_others_behind_them(
        self, acme: Tenant, globex: Tenant, wire: Wire
    ) -> None:
        records = [created(acme, 1), created(globex, 2), created(acme, 3), created(globex, 4)]
        wire.interrupt("UpdateItem", lambda: wire.fail("PutItem", repeat(refuse("ValidationException"), 3)))
        assert publish(*records) == sequence_number(records[1])
        for _ in range(2):
            assert publish(*records[1:]) == sequence_number(records[1])
        assert publish(*records[1:]) is None
        assert [len(changes(tenant)) for tenant in (acme, globex)] == [3, 2]  # one copy

    @pytest.mark.parametrize(
        "fault", [refuse("ThrottlingException"), Reply(503, b""), EndpointConnectionError(endpoint_url="https://db")]
    )
    @pytest.mark.parametrize("operation", ["Query", "PutItem"])
    def test_a_database_that_is_unavailable_is_waited_for(
        self, acme: Tenant, wire: Wire, operation: str, fault: Any
    ) -> None:
        record = created(acme, 1)
        wire.fail(operation, repeat(fault, 3))
        assert publish(record) == sequence_number(record)
        assert publish(record) is None
        assert len(changes(acme)) == 1

    @pytest.mark.parametrize(
        "damage",
        [
            lambda record: record["NewImage"]["tag_origins"]["M"].clear(),
            lambda record: record["NewImage"]["tags"]["M"][TAG]["M"].clear(),
            lambda record: record["NewImage"]["pk"].update({"S": "491512345678"}),
            lambda record: record["Keys"]["pk"].update({"S": "491512345678"}),
            lambda record: record.pop("ApproximateCreationDateTime"),
        ],
    )
    def test_a_record_that_cannot_be_read_stops_its_shard(
        self, acme: Tenant, log: Callable[[], str], damage: Callable[[dict[str, Any]], None]
    ) -> None:
        records = [created(acme, number, TAG) for number in range(3)]
        damage(records[1]["dynamodb"])
        assert publish(*records) == sequence_number(records[1])
        assert publish(*records[1:]) == sequence_number(records[1])
        assert len(changes(acme)) == 2  # those of the first contact
        written = log()
        assert '"level":"ERROR"' in written
        assert "A record of the stream cannot be read" in written
        assert "491512345678" not in written
        assert "Ada" not in written

    def test_changes_that_fail_before_a_record_that_cannot_be_read_come_first(self, acme: Tenant, wire: Wire) -> None:
        records = [created(acme, number, TAG) for number in range(3)]
        records[2]["dynamodb"]["NewImage"]["tag_origins"]["M"].clear()
        wire.fail("PutItem", [refuse("ValidationException")])
        assert publish(*records) == sequence_number(records[0])

    def test_five_seconds_before_its_timeout_the_function_ends(self, acme: Tenant, wire: Wire) -> None:
        context = LambdaContext(str(uuid.uuid4()), {}, {}, int((time.time() + 4.9) * 1000))
        records = [created(acme, 1), created(acme, 2)]
        answer = load_handler(FUNCTION)(build_stream_event(*records), context)
        assert answer == {"batchItemFailures": [{"itemIdentifier": sequence_number(records[0])}]}
        assert wire.operations == []


def sequence_number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


class TestAppend:
    """An entry is written behind the last one, once."""

    def test_an_append_is_a_query_a_put_and_an_update(self, acme: Tenant, wire: Wire) -> None:
        publish(created(acme, 1))
        wire.requests.clear()
        publish(created(acme, 2))
        assert wire.operations == ["Query", "PutItem", "UpdateItem"]
        query = wire.requests[0][1]
        assert (query["ConsistentRead"], query["ScanIndexForward"], query["Limit"]) == (True, False, 1)

    def test_only_the_last_entry_never_expires(self, acme: Tenant) -> None:
        for number in range(3):
            publish(created(acme, number))
        first, second, last = entries(acme)
        for entry in first, second:
            assert 35 * DAYS - 60 < float(entry.expires_at) - time.time() <= 35 * DAYS
        assert last.expires_at is None

    @pytest.mark.parametrize("fault", [refuse("ThrottlingException"), Reply(200, b"half a re")])
    def test_an_entry_that_is_not_told_to_expire_stays(
        self, acme: Tenant, wire: Wire, log: Callable[[], str], fault: Reply
    ) -> None:
        publish(created(acme, 1))
        wire.fail("UpdateItem", repeat(fault))
        assert publish(created(acme, 2)) is None
        assert [each.expires_at for each in entries(acme)] == [None, None]
        assert "An entry of the change log will not expire" in log()

    def test_an_entry_that_was_deleted_meanwhile_does_not_come_back(
        self, acme: Tenant, table: Table, wire: Wire
    ) -> None:
        publish(created(acme, 1))
        pk, sk = ChangeLogEntry.key(acme.id, 1)
        wire.interrupt("UpdateItem", lambda: table.delete_item(Key={"pk": pk, "sk": sk}))
        assert publish(created(acme, 2)) is None
        assert [each.sk for each in entries(acme)] == [f"{2:016}"]

    def test_a_write_whose_reply_was_lost_is_recognised(self, acme: Tenant, wire: Wire) -> None:
        wire.fail("PutItem", [refuse("InternalServerError", 500, after_the_effect=True)])
        assert publish(created(acme, 1)) is None
        assert wire.operations.count("PutItem") == 2
        assert len(entries(acme)) == 1

    def test_another_consumer_that_was_faster_is_not_overwritten(self, acme: Tenant, wire: Wire) -> None:
        wire.interrupt("PutItem", lambda: publish(created(acme, 1)))
        assert publish(created(acme, 2)) is None
        assert [each.contact_id for each in changes(acme)] == [f"{acme.mark}7000{n}".ljust(25, "0") for n in (1, 2)]

    def test_a_consumer_that_loses_every_race_tries_again_later(
        self, acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retries, "BUDGET_SECONDS", 0.1)
        wire.fail("PutItem", repeat(refuse("ConditionalCheckFailedException"), 100))
        record = created(acme, 1)
        assert publish(record) == sequence_number(record)
        assert wire.operations.count("Query") > 1

    def test_the_log_of_another_tenant_stays_as_it_is(self, acme: Tenant, globex: Tenant) -> None:
        publish(created(acme, 1), created(GLOBEX, 2))
        before = [json.dumps(each.to_simple_dict()) for each in entries(globex)]
        publish(created(acme, 3))
        assert [json.dumps(each.to_simple_dict()) for each in entries(globex)] == before


def test_the_log_has_ids_only(acme: Tenant, contact: dict[str, Any], stream: Stream, table: Table) -> None:
    stream.publish()
    assign(acme, contact, TAG)
    stream.publish()
    call("delete_contact", acme, contactId=contact["id"])
    stream.publish()
    assert [each.type for each in changes(acme)] == ["tag.assigned", "contact.deleted"]
    items = json.dumps(table.scan()["Items"], default=str)
    assert [text for text in (contact["phone"], contact["displayName"], "asked") if text in items] == []


def test_ids_of_changes_belong_to_contacts(acme: Tenant) -> None:
    assert Change(f"{(contact_id := new_id())}-1-0", "contact.created", None, "API", AT).contact_id == contact_id


def test_a_closed_log_gets_no_more_entries(acme: Tenant, globex: Tenant) -> None:
    """While the tenant is being deleted."""
    assert publish(created(acme, 1), created(globex, 1)) is None
    for _ in range(2):
        ChangeLog(acme.id).close()
        before = [(each.sk, each.changes, each.expires_at) for each in entries(acme)]
        assert [sk for sk, *_ in before] == [f"{1:016}", "9" * 16]
        assert publish(created(acme, 2), created(globex, 2)) is None
        assert [(each.sk, each.changes, each.expires_at) for each in entries(acme)] == before
    assert len(entries(globex)) == 3

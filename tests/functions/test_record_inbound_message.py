"""The queue of inbound messages."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb.service_resource import Table
from mypy_boto3_sqs.service_resource import Queue

import contacts.events.dead_letters
from contacts.runtime import timestamps
from contacts.storage import retries
from tests.conftest import forget
from tests.events import Tenant, build_batch
from tests.faults import Reply, refuse
from tests.functions.conftest import Wire, bodies, create_queue, take
from tests.handlers import call, deliver, invoke
from tests.refusals import CONTACT_NOT_FOUND

FUNCTION = "record_inbound_message"
PHONE = "491512345678"
NOON = datetime.fromisoformat("2025-08-29T12:00:00Z")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://dynamodb")
NO_TIME = "receivedAt: Input should be an ISO 8601 time with an offset."


@pytest.fixture(autouse=True)
def dead_letters(table: Table, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = create_queue("InboundMessagesDeadLetters")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", queue.url)
    return queue


def at(seconds: float) -> str:
    """A time this long after noon."""
    return timestamps.to_text(NOON + timedelta(seconds=seconds))


def message(tenant: Tenant, received_at: str, name: str | None = None, phone: str = PHONE) -> dict[str, Any]:
    return {"tenantId": tenant.id, "phone": phone, "displayName": name, "receivedAt": received_at}


def record(tenant: Tenant, seconds: float, name: str | None = None) -> None:
    assert deliver(FUNCTION, message(tenant, at(seconds), name)) == []


def found(tenant: Tenant, phone: str = PHONE) -> dict[str, Any]:
    status, contact = call("get_contact_by_phone", tenant, query={"phone": phone})
    assert status == 200
    return {name: value for name, value in contact.items() if name != "tagAssignments"}


@pytest.fixture(params=["warm", "cold"])
def environment(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Called between two messages: the second is handled by the same process or by a new one."""
    return forget if request.param == "cold" else lambda: None


# Effects


def test_the_first_message_creates_the_contact(acme: Tenant) -> None:
    before = timestamps.now()
    assert deliver(FUNCTION, message(acme, at(0), " Ada ", phone="+49 151 2345-678")) == []
    contact = found(acme)
    assert re.fullmatch(r"c[a-z0-9]{24}", contact["id"])
    assert before <= contact["createdAt"] <= timestamps.now()
    assert contact == {
        "id": contact["id"],
        "tenantId": acme.id,
        "phone": PHONE,
        "displayName": "Ada",
        "firstSeenAt": at(0),
        "lastSeenAt": at(0),
        "createdAt": contact["createdAt"],
        "updatedAt": contact["createdAt"],
    }
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("name", [None, "", " \t"])
def test_a_message_may_have_no_name(acme: Tenant, name: str | None) -> None:
    record(acme, 0, name)
    assert found(acme)["displayName"] is None


def test_unknown_fields_are_ignored(acme: Tenant) -> None:
    body = message(acme, at(0)) | {"channel": "whatsapp", "id": 1}
    del body["displayName"]
    assert deliver(FUNCTION, body) == []
    assert found(acme)["displayName"] is None


@pytest.mark.parametrize(
    "received_at",
    ["2025-08-29T12:00:00Z", "2025-08-29T14:00:00.000999+02:00", "2025-08-29T12:00+00:00", "20250829T073000-0430"],
)
def test_times_may_have_any_offset(acme: Tenant, received_at: str) -> None:
    deliver(FUNCTION, message(acme, received_at))
    assert found(acme)["lastSeenAt"] == at(0)


@pytest.mark.parametrize("received_at", ["2999-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00"])
def test_a_time_in_the_future_counts_as_now(acme: Tenant, received_at: str) -> None:
    before = timestamps.now()
    deliver(FUNCTION, message(acme, received_at))
    contact = found(acme)
    assert before <= contact["lastSeenAt"] == contact["firstSeenAt"] <= timestamps.now()


def test_a_later_message_moves_last_seen_forward(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 0, "Ada")
    first = found(acme)
    environment()
    time.sleep(0.002)  # times have milliseconds
    record(acme, 300)
    second = found(acme)
    assert second == first | {"lastSeenAt": at(300), "updatedAt": second["updatedAt"]}
    assert second["updatedAt"] > first["updatedAt"]


def test_an_earlier_message_does_not_move_last_seen_back(
    acme: Tenant, table: Table, environment: Callable[[], None]
) -> None:
    record(acme, 300)
    items = table.scan()["Items"]
    environment()
    record(acme, 0)
    assert table.scan()["Items"] == items


def test_a_message_names_only_a_contact_without_a_name(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 0)
    environment()
    record(acme, 60, "Ada")
    assert found(acme)["displayName"] == "Ada"
    environment()
    record(acme, 120, "Grace")
    assert (found(acme)["displayName"], found(acme)["lastSeenAt"]) == ("Ada", at(120))


def test_an_earlier_message_also_names_a_contact_without_a_name(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 300)
    first = found(acme)
    environment()
    time.sleep(0.002)
    record(acme, 0, "Ada")
    second = found(acme)
    assert second == first | {"displayName": "Ada", "updatedAt": second["updatedAt"]}
    assert second["updatedAt"] > first["updatedAt"]


def test_a_message_names_a_contact_whose_name_was_cleared(acme: Tenant) -> None:
    record(acme, 0, "Ada")
    call("update_contact", acme, contactId=found(acme)["id"], json_body={"display_name": None})
    record(acme, 60, "Ada L.")
    assert found(acme)["displayName"] == "Ada L."


def test_a_message_keeps_the_tags(acme: Tenant) -> None:
    record(acme, 0)
    _, assignment = call("assign_tag", acme, contactId=found(acme)["id"], json_body={"tag_id": acme.tag_ids[0]})
    record(acme, 60, "Ada")
    assert call("get_contact_by_phone", acme, query={"phone": PHONE})[1]["tagAssignments"] == [assignment]


def test_the_same_phone_is_another_contact_for_another_tenant(acme: Tenant, globex: Tenant) -> None:
    assert deliver(FUNCTION, message(acme, at(0), "Ada"), message(globex, at(1), "Grace")) == []
    assert (found(acme)["displayName"], found(globex)["displayName"]) == ("Ada", "Grace")
    assert found(acme)["id"] != found(globex)["id"]


def test_a_message_after_a_deletion_creates_a_new_contact(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 0, "Ada")
    first = found(acme)
    call("delete_contact", acme, contactId=first["id"])
    environment()
    record(acme, 60)
    second = found(acme)
    assert second["id"] != first["id"]
    assert (second["displayName"], second["firstSeenAt"]) == (None, at(60))


# The cooldown


@pytest.mark.parametrize("seconds", [-59.999, -1, 0, 1, 59.999])
def test_a_message_within_60_seconds_of_the_last_writes_nothing(
    acme: Tenant, table: Table, environment: Callable[[], None], seconds: float
) -> None:
    record(acme, 0)
    items = table.scan()["Items"]
    environment()
    record(acme, seconds, "Ada")
    assert table.scan()["Items"] == items


def test_a_message_exactly_60_seconds_later_is_written(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 0)
    environment()
    record(acme, 60, "Ada")
    assert (found(acme)["lastSeenAt"], found(acme)["displayName"]) == (at(60), "Ada")


def test_the_cooldown_does_not_hold_back_a_message_exactly_60_seconds_earlier(
    acme: Tenant, environment: Callable[[], None]
) -> None:
    record(acme, 0)
    environment()
    record(acme, -60, "Ada")
    assert (found(acme)["lastSeenAt"], found(acme)["displayName"]) == (at(0), "Ada")


def test_a_message_that_wrote_nothing_does_not_prolong_the_cooldown(
    acme: Tenant, environment: Callable[[], None]
) -> None:
    for seconds, last_seen in {0: 0, 50: 0, 59: 0, 70: 70, 129: 70, 130: 130}.items():
        environment()
        record(acme, seconds)
        assert found(acme)["lastSeenAt"] == at(last_seen)


def test_a_read_of_the_last_message_does_not_prolong_the_cooldown(acme: Tenant) -> None:
    record(acme, 0)
    forget()
    record(acme, 50)
    record(acme, 70)
    assert found(acme)["lastSeenAt"] == at(70)


def test_an_earlier_message_does_not_start_another_cooldown(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 600)
    environment()
    record(acme, 0)
    environment()
    record(acme, 10, "Ada")
    assert found(acme)["displayName"] == "Ada"
    environment()
    record(acme, 660)
    assert found(acme)["lastSeenAt"] == at(660)


def test_each_contact_has_its_own_cooldown(acme: Tenant) -> None:
    record(acme, 0)
    assert deliver(FUNCTION, message(acme, at(1), phone="12345")) == []
    assert found(acme, "12345")["lastSeenAt"] == at(1)


def test_requests_of_the_api_do_not_start_a_cooldown(acme: Tenant, contact: dict[str, Any]) -> None:
    now = timestamps.now()
    deliver(FUNCTION, message(acme, now, phone=contact["phone"]))
    assert found(acme)["lastSeenAt"] == now


def test_requests_of_the_api_neither_feel_nor_end_a_cooldown(acme: Tenant, environment: Callable[[], None]) -> None:
    record(acme, 0)
    status, refreshed = call("upsert_contact", acme, json_body={"phone": PHONE})
    assert status == 200
    assert refreshed["lastSeenAt"] > at(0)
    environment()
    record(acme, 30, "Ada")
    assert found(acme) == refreshed
    environment()
    record(acme, 60, "Ada")
    assert found(acme) == refreshed | {"displayName": "Ada", "updatedAt": found(acme)["updatedAt"]}


# Repetition, order, backlogs


def test_five_deliveries_of_a_message_have_one_effect(
    acme: Tenant, table: Table, environment: Callable[[], None]
) -> None:
    record(acme, 0, "Ada")
    items = table.scan()["Items"]
    for _ in range(4):
        environment()
        record(acme, 0, "Ada")
    assert table.scan()["Items"] == items


def test_five_copies_of_a_message_in_one_batch_have_one_effect(acme: Tenant, table: Table) -> None:
    assert deliver(FUNCTION, *repeat(message(acme, at(0), "Ada"), 5)) == []
    assert len(table.scan(FilterExpression="sk = :sk", ExpressionAttributeValues={":sk": "CONTACT"})["Items"]) == 1


def test_two_messages_have_the_same_effect_in_either_order(acme: Tenant) -> None:
    assert deliver(FUNCTION, message(acme, at(300)), message(acme, at(0), "Ada")) == []
    contact = found(acme)
    assert (contact["lastSeenAt"], contact["displayName"]) == (at(300), "Ada")


def test_a_backlog_of_messages_is_not_held_back_by_the_cooldown(acme: Tenant, wire: Wire) -> None:
    backlog = [message(acme, at(300 * number)) for number in range(10)]
    assert deliver(FUNCTION, *backlog) == []
    assert wire.operations.count("UpdateItem") == 9
    assert (found(acme)["firstSeenAt"], found(acme)["lastSeenAt"]) == (at(0), at(2700))


# Malformed messages


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("", "body: Input should be a JSON object in UTF-8."),
        ("hello", "body: Input should be a JSON object in UTF-8."),
        ('{"tenantId": ', "body: Input should be a JSON object in UTF-8."),
        ("null", "body: Input should be a JSON object in UTF-8."),
        ("[]", "body: Input should be a JSON object in UTF-8."),
        ('[{"tenantId": "cacmetenant"}]', "body: Input should be a JSON object in UTF-8."),
        ("[" * 100_000, "body: Input should be a JSON object in UTF-8."),
        ({}, "tenantId: Field required."),
        ({"tenantId": None}, "tenantId: Input should be a valid string."),
        ({"tenantId": "acme"}, "tenantId: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ({"tenantId": "cacmetenant#491512345678"}, "tenantId: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ({"phone": "123"}, "phone must have 5 to 32 digits."),
        ({"phone": "CONTACT"}, "phone must contain digits and the usual separators only."),
        ({"phone": 491512345678}, "phone: Input should be a valid string."),
        ({"displayName": 7}, "displayName: Input should be a valid string."),
        ({"displayName": "A\0da"}, "displayName: Input should have neither NUL characters nor lone surrogates."),
        ({"displayName": "A\ud83d"}, "displayName: Input should have neither NUL characters nor lone surrogates."),
        ({"receivedAt": None}, "receivedAt: Input should be a valid string."),
        ({"receivedAt": 1756468800}, "receivedAt: Input should be a valid string."),
        ({"receivedAt": "yesterday"}, NO_TIME),
        ({"receivedAt": "2025-08-29"}, NO_TIME),
        ({"receivedAt": "2025-08-29T12:00:00"}, NO_TIME),
        ({"receivedAt": "2025-02-30T12:00:00Z"}, NO_TIME),
        ({"receivedAt": "0001-01-01T00:00:00+01:00"}, NO_TIME),
        ({"receivedAt": "9999-12-31T23:59:59-01:00"}, NO_TIME),
        ({"receivedAt": "\ud800"}, NO_TIME),
    ],
)
def test_a_malformed_message_goes_to_the_dead_letter_queue_and_its_cause_to_the_log(
    acme: Tenant, table: Table, dead_letters: Queue, log: Callable[[], str], body: Any, cause: str
) -> None:
    items = table.scan()["Items"]
    if isinstance(body, dict):
        body = json.dumps(message(acme, at(0)) | body if body else {})
    batch = build_batch(FUNCTION, body)
    assert invoke(FUNCTION, batch) == {"batchItemFailures": []}
    [dead_letter] = take(dead_letters)
    assert dead_letter.body == body
    assert {name: each.get("StringValue") for name, each in dead_letter.message_attributes.items()} == {
        "OriginalMessageId": batch["Records"][0]["messageId"],
        "Cause": cause,
    }
    line_of_log = json.loads(log().splitlines()[0])
    assert (line_of_log["level"], line_of_log["message"], line_of_log["cause"]) == (
        "ERROR",
        "Malformed message",
        cause,
    )
    assert table.scan()["Items"] == items


@pytest.mark.parametrize("name", ["tenantId", "phone", "receivedAt"])
def test_the_log_names_a_missing_field(acme: Tenant, dead_letters: Queue, log: Callable[[], str], name: str) -> None:
    body = message(acme, at(0))
    del body[name]
    assert deliver(FUNCTION, body) == []
    assert len(bodies(dead_letters)) == 1
    assert json.loads(log().splitlines()[0])["cause"] == f"{name}: Field required."


def test_three_malformed_messages_of_ten_do_not_hold_up_the_others(acme: Tenant, dead_letters: Queue) -> None:
    batch: list[Any] = [message(acme, at(number), phone=f"1234{number}") for number in range(10)]
    batch[0], batch[4], batch[9] = "no JSON", [batch[4]], batch[9] | {"phone": "123"}
    assert deliver(FUNCTION, *batch) == []
    assert bodies(dead_letters) == ["no JSON", json.dumps(batch[4]), json.dumps(batch[9])]
    for number in range(10):
        status, _ = call("get_contact_by_phone", acme, query={"phone": f"1234{number}"})
        assert status == (404 if number in {0, 4, 9} else 200)


def test_a_malformed_message_is_retried_if_the_dead_letter_queue_does_not_exist(
    acme: Tenant, dead_letters: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts.events.dead_letters._sqs.cache_clear()  # as in a process that has not used the queue yet
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", dead_letters.url + "-elsewhere")
    assert deliver(FUNCTION, "no JSON", message(acme, at(0))) == [0]
    assert found(acme)["lastSeenAt"] == at(0)


def test_the_log_names_a_missing_dead_letter_queue(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, log: Callable[[], str]
) -> None:
    monkeypatch.delenv("DEAD_LETTER_QUEUE_URL")
    assert deliver(FUNCTION, "no JSON", message(acme, at(0))) == [0]
    assert "The environment variable DEAD_LETTER_QUEUE_URL is missing" in log()


# Faults


@pytest.mark.parametrize("fault", [UNREACHABLE, refuse("ThrottlingException"), refuse("InternalServerError", 500)])
def test_a_failed_message_is_retried_alone(
    acme: Tenant, wire: Wire, dead_letters: Queue, log: Callable[[], str], fault: Any
) -> None:
    wire.fail("GetItem", repeat(fault, 3))
    batch = [message(acme, at(number), phone=f"1234{number}") for number in range(3)]
    assert deliver(FUNCTION, *batch) == [0]
    assert call("get_contact_by_phone", acme, query={"phone": "12340"}) == CONTACT_NOT_FOUND
    assert found(acme, "12342")["lastSeenAt"] == at(2)
    assert bodies(dead_letters) == []
    assert "Message failed" in log()
    assert deliver(FUNCTION, batch[0]) == []
    assert found(acme, "12340")["lastSeenAt"] == at(0)


def test_a_message_that_meets_a_bug_is_retried_with_its_trace_in_the_log(
    acme: Tenant, wire: Wire, log: Callable[[], str]
) -> None:
    wire.fail("GetItem", [refuse("ValidationException")])
    assert deliver(FUNCTION, message(acme, at(0)), message(acme, at(0), phone="12345")) == [0]
    failure = json.loads(log().splitlines()[0])
    assert (failure["message"], failure["level"], failure["tenant_id"]) == ("Message failed", "ERROR", acme.id)
    assert "ValidationException" in failure["exception"]


def test_if_all_messages_fail_the_whole_batch_fails(acme: Tenant, wire: Wire) -> None:
    wire.fail("GetItem", repeat(UNREACHABLE))
    with pytest.raises(BatchProcessingError):
        deliver(FUNCTION, message(acme, at(0)), message(acme, at(0), phone="12345"))


def test_a_failed_message_starts_no_cooldown(acme: Tenant, wire: Wire) -> None:
    wire.fail("TransactWriteItems", repeat(UNREACHABLE, 3))
    assert deliver(FUNCTION, message(acme, at(0)), message(acme, at(0), phone="12345")) == [0]
    record(acme, 0)
    assert found(acme)["lastSeenAt"] == at(0)


def test_the_condition_of_the_write_detects_a_stale_read(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    first = found(acme)
    wire.requests.clear()
    wire.fail("GetItem", [Reply(200, b"{}")])
    record(acme, 60)
    assert wire.operations == ["GetItem", "TransactWriteItems", "GetItem", "UpdateItem"]
    assert [request["ConsistentRead"] for operation, request in wire.requests if operation == "GetItem"] == [
        False,
        True,
    ]
    assert (found(acme)["id"], found(acme)["lastSeenAt"]) == (first["id"], at(60))


def test_a_request_of_the_api_between_read_and_write_keeps_its_last_seen(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    wire.interrupt("UpdateItem", lambda: call("upsert_contact", acme, json_body={"phone": PHONE}))
    record(acme, 60, "Ada")
    assert found(acme)["lastSeenAt"] > at(60)
    assert found(acme)["displayName"] == "Ada"


def test_a_name_that_is_given_between_read_and_write_stays(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    rename = {"contactId": found(acme)["id"], "json_body": {"display_name": "Grace"}}
    wire.interrupt("UpdateItem", lambda: call("update_contact", acme, **rename))
    record(acme, 60, "Ada")
    assert (found(acme)["displayName"], found(acme)["lastSeenAt"]) == ("Grace", at(60))


def test_a_later_message_between_read_and_write_stays_the_last(acme: Tenant, table: Table, wire: Wire) -> None:
    record(acme, 0)
    call("upsert_contact", acme, json_body={"phone": PHONE})  # sets lastSeenAt to now, so no message moves it
    wire.interrupt("UpdateItem", lambda: record(acme, 300))
    record(acme, 60)
    item = table.get_item(Key={"pk": f"{acme.id}#{PHONE}", "sk": "CONTACT"})["Item"]
    assert item["last_inbound_at"] == at(300)


def test_a_contact_that_is_deleted_between_read_and_write_is_created_again(
    acme: Tenant, table: Table, wire: Wire
) -> None:
    record(acme, 0, "Ada")
    first = found(acme)
    wire.interrupt("UpdateItem", lambda: call("delete_contact", acme, contactId=first["id"]))
    record(acme, 60)
    assert found(acme)["id"] != first["id"]
    assert found(acme)["firstSeenAt"] == at(60)


def test_a_message_that_loses_every_race_is_retried(acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "BUDGET_SECONDS", 0.05)
    record(acme, 0)
    wire.fail("UpdateItem", repeat(refuse("ConditionalCheckFailedException")))
    assert deliver(FUNCTION, message(acme, at(60)), message(acme, at(0), phone="12345")) == [0]


# Cost and log


def test_a_new_contact_costs_one_read_and_one_transaction(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    assert wire.operations == ["GetItem", "TransactWriteItems"]
    assert wire.requests[0][1]["ConsistentRead"] is False


def test_a_warm_function_makes_no_request_within_the_cooldown(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    wire.requests.clear()
    record(acme, 59, "Ada")
    record(acme, -59)
    assert wire.operations == []


def test_another_process_reads_once_and_remembers_the_cooldown(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    wire.requests.clear()
    forget()
    record(acme, 59, "Ada")
    record(acme, 58)
    assert wire.operations == ["GetItem"]
    assert wire.requests[0][1]["ConsistentRead"] is False


def test_a_message_after_the_cooldown_costs_a_read_and_a_write(acme: Tenant, wire: Wire) -> None:
    record(acme, 0)
    wire.requests.clear()
    record(acme, 60)
    assert wire.operations == ["GetItem", "UpdateItem"]


def test_an_earlier_message_that_changes_nothing_costs_a_read(acme: Tenant, wire: Wire) -> None:
    record(acme, 600)
    wire.requests.clear()
    record(acme, 0)
    assert wire.operations == ["GetItem"]


def test_outcomes_are_logged_without_phones_and_names(
    acme: Tenant, dead_letters: Queue, log: Callable[[], str]
) -> None:
    batch = [message(acme, at(0), "Ada Lovelace"), message(acme, at(1), "Ada Lovelace"), message(acme, "Lovelace")]
    assert deliver(FUNCTION, *batch) == []
    written = log()
    assert re.findall(r'"message":"([^"]+)"', written) == ["RECORDED", "WITHIN_COOLDOWN", "Malformed message"]
    assert written.count(f'"tenant_id":"{acme.id}"') == 2
    assert written.count('"message_id":"') == 3
    for private in PHONE, PHONE[:6], "Lovelace":
        assert private not in written

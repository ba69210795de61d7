"""The Idempotency-Key: a repeated request gets the same answer and has one effect."""

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import repeat
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from mypy_boto3_dynamodb.service_resource import Table

from contacts.runtime.identifiers import new_id
from contacts.storage.items import TagItem
from contacts.web import request as web_request
from tests.events import REQUEST_ID, Tenant, build_event
from tests.faults import refuse
from tests.functions.conftest import Fault, Wire, assign_tags
from tests.handlers import call, invoke
from tests.refusals import (
    CONTACT_NOT_FOUND,
    IN_PROGRESS,
    INTERNAL_ERROR,
    KEY_REUSED,
    NO_OBJECT,
    TAG_LIMIT_REACHED,
    TAG_NOT_FOUND,
    UNAVAILABLE,
    invalid,
)

KEY = "5f3c1f0e-retry"
DAY = 24 * 60 * 60
CREATE: dict[str, Any] = {"json_body": {"phone": "12345"}}
MALFORMED = invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")

UNREACHABLE = EndpointConnectionError(endpoint_url="https://dynamodb")
UNANSWERED = ReadTimeoutError(endpoint_url="https://dynamodb")
THROTTLED = refuse("ThrottlingException")
INVALID = refuse("ValidationException")


def send(function: str, tenant: Tenant, key: str = KEY, **request: Any) -> dict[str, Any]:
    """The whole answer to the request with this Idempotency-Key."""
    headers = {"Idempotency-Key": key} | request.pop("headers", {})
    answer: dict[str, Any] = invoke(function, build_event(function, tenant, headers=headers, **request))
    return answer


def outcome(answer: dict[str, Any]) -> tuple[int, Any]:
    return answer["statusCode"], json.loads(answer["body"])


def replayed(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"headers": answer["headers"] | {"Idempotency-Replayed": "true"}}


def records(table: Table) -> list[dict[str, Any]]:
    return [item for item in table.scan()["Items"] if str(item["pk"]).endswith("#IDEMPOTENCY")]


def change_record(table: Table, **attributes: object) -> None:
    """Gives the only record these attributes, as if another process had written it."""
    (record,) = records(table)
    table.put_item(Item=record | attributes)


WRITES: dict[str, Callable[[Tenant, dict[str, Any]], dict[str, Any]]] = {
    "upsert_contact": lambda _tenant, _contact: {"json_body": {"phone": "12345", "display_name": "Zoë 😀"}},
    "update_contact": lambda _tenant, contact: {"contactId": contact["id"], "json_body": {"display_name": "Grace"}},
    "delete_contact": lambda _tenant, contact: {"contactId": contact["id"]},
    "assign_tag": lambda tenant, contact: {"contactId": contact["id"], "json_body": {"tag_id": tenant.tag_ids[0]}},
    "remove_tag": lambda tenant, contact: {"contactId": contact["id"], "tagId": tenant.tag_ids[0]},
}


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest, acme: Tenant, contact: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A writing function, and a request to it."""
    return request.param, WRITES[request.param](acme, contact)


# Repetitions


def test_a_repeated_request_gets_the_same_answer_and_has_one_effect(
    acme: Tenant, table: Table, write: tuple[str, dict[str, Any]]
) -> None:
    function, request = write
    first = send(function, acme, **request)
    assert first["statusCode"] < 300
    assert "Idempotency-Replayed" not in first["headers"]
    done = table.scan()["Items"]
    time.sleep(0.002)  # times have milliseconds
    assert send(function, acme, **request) == replayed(first)
    assert send(function, acme, **request) == replayed(first)
    assert table.scan()["Items"] == done


def test_a_replayed_answer_has_the_headers_of_the_first(acme: Tenant, contact: dict[str, Any]) -> None:
    request = {"contactId": contact["id"], "json_body": {"tag_id": acme.tag_ids[0]}}
    send("assign_tag", acme, **request)
    call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[1]})
    answer = send("assign_tag", acme, **request)
    assert (answer["statusCode"], answer["headers"]) == (
        201,
        {
            "Content-Type": "application/json",
            "X-Request-Id": REQUEST_ID,
            "X-Tags-Remaining": "19",
            "Idempotency-Replayed": "true",
        },
    )


def test_a_replayed_answer_has_the_request_id_of_the_repetition(acme: Tenant) -> None:
    ids = [
        send("upsert_contact", acme, headers={"X-Request-Id": name}, **CREATE)["headers"]["X-Request-Id"]
        for name in ("first", "second")
    ]
    assert ids == ["first", "second"]


def test_no_answer_is_kept_without_the_header(acme: Tenant, table: Table) -> None:
    assert [call("upsert_contact", acme, **CREATE)[0] for _ in range(2)] == [201, 200]
    assert records(table) == []


def test_another_key_is_another_request(acme: Tenant) -> None:
    answers = [send("upsert_contact", acme, key, **CREATE) for key in ("key", "Key", "key2")]
    assert [answer["statusCode"] for answer in answers] == [201, 200, 200]
    assert all("Idempotency-Replayed" not in answer["headers"] for answer in answers)


def test_the_same_key_with_another_api_key_is_another_request(acme: Tenant, globex: Tenant) -> None:
    assert send("upsert_contact", acme, **CREATE)["statusCode"] == 201
    assert send("upsert_contact", replace(acme, key_id=new_id()), **CREATE)["statusCode"] == 200
    assert send("upsert_contact", globex, **CREATE)["statusCode"] == 201


@pytest.mark.parametrize("key", ["!", "~" * 255, '"{}"', "#IDEMPOTENCY"])
def test_a_key_is_1_to_255_visible_characters(acme: Tenant, key: str) -> None:
    first = send("upsert_contact", acme, key, **CREATE)
    assert send("upsert_contact", acme, key, **CREATE) == replayed(first)


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "a\n", "\0", "\x7f", "é", "１", "\ud800"])
def test_a_malformed_key_is_refused(acme: Tenant, table: Table, key: str) -> None:
    found = table.scan()["Items"]
    assert outcome(send("upsert_contact", acme, key, **CREATE)) == MALFORMED
    assert table.scan()["Items"] == found


def test_a_request_with_a_malformed_key_has_no_effect(
    acme: Tenant, write: tuple[str, dict[str, Any]], wire: Wire
) -> None:
    function, request = write
    assert outcome(send(function, acme, "a b", **request)) == MALFORMED
    assert wire.operations == []


@pytest.mark.parametrize("key", [KEY, "", "é"])
def test_a_read_ignores_the_header(acme: Tenant, contact: dict[str, Any], table: Table, key: str) -> None:
    for function, request in {
        "get_contact": {"contactId": contact["id"]},
        "get_contact_by_phone": {"query": {"phone": contact["phone"]}},
        "whoami": {},
    }.items():
        assert [send(function, acme, key, **request)["statusCode"] for _ in range(2)] == [200, 200]
    assert records(table) == []


# Other requests with the same key


def test_another_body_is_refused(acme: Tenant, table: Table) -> None:
    send("upsert_contact", acme, **CREATE)
    done = table.scan()["Items"]
    assert outcome(send("upsert_contact", acme, json_body={"phone": "123456"})) == KEY_REUSED
    assert outcome(send("upsert_contact", acme, body='{"phone":"12345"}')) == KEY_REUSED
    assert outcome(send("upsert_contact", acme, body=None)) == KEY_REUSED
    assert table.scan()["Items"] == done


def test_the_same_body_in_base64_is_the_same_request(acme: Tenant) -> None:
    first = send("upsert_contact", acme, body='{"phone": "12345"}')
    assert send("upsert_contact", acme, body=b'{"phone": "12345"}') == replayed(first)


def test_another_path_is_refused(acme: Tenant, contact: dict[str, Any]) -> None:
    _, other = call("upsert_contact", acme, **CREATE)
    send("update_contact", acme, contactId=contact["id"], body="{}")
    assert outcome(send("update_contact", acme, contactId=other["id"], body="{}")) == KEY_REUSED
    assert outcome(send("upsert_contact", acme, body="{}")) == KEY_REUSED


def test_another_method_is_refused(acme: Tenant, contact: dict[str, Any]) -> None:
    send("update_contact", acme, contactId=contact["id"], body="{}")
    assert outcome(send("delete_contact", acme, contactId=contact["id"], body="{}")) == KEY_REUSED
    assert call("get_contact", acme, contactId=contact["id"])[0] == 200


def test_another_body_is_refused_while_the_first_request_is_in_progress(acme: Tenant, table: Table) -> None:
    send("upsert_contact", acme, **CREATE)
    change_record(table, status="INPROGRESS", in_progress_until=int(1000 * (time.time() + 20)))
    assert outcome(send("upsert_contact", acme, json_body={"phone": "123456"})) == KEY_REUSED


# Answers that are not kept


def test_a_400_is_not_kept(acme: Tenant, table: Table) -> None:
    assert outcome(send("upsert_contact", acme, body="[]")) == NO_OBJECT
    assert records(table) == []
    assert send("upsert_contact", acme, **CREATE)["statusCode"] == 201


def test_a_404_is_not_kept(acme: Tenant, contact: dict[str, Any], table: Table) -> None:
    tag_id = new_id()
    request = {"contactId": contact["id"], "json_body": {"tag_id": tag_id}}
    assert outcome(send("assign_tag", acme, **request)) == TAG_NOT_FOUND
    assert records(table) == []
    TagItem(*TagItem.key(acme.id, tag_id), name="Late", created_at=contact["createdAt"]).save()
    assert send("assign_tag", acme, **request)["statusCode"] == 201


def test_a_409_is_not_kept(acme: Tenant, contact: dict[str, Any], table: Table) -> None:
    *most, last = acme.tag_ids
    assign_tags(acme, contact, most)
    request = {"contactId": contact["id"], "json_body": {"tag_id": last}}
    assert outcome(send("assign_tag", acme, **request)) == TAG_LIMIT_REACHED
    assert records(table) == []
    call("remove_tag", acme, contactId=contact["id"], tagId=most[0])
    assert send("assign_tag", acme, **request)["statusCode"] == 201


@pytest.mark.parametrize(("fault", "refusal"), [(THROTTLED, UNAVAILABLE), (INVALID, INTERNAL_ERROR)])
def test_a_fault_is_not_kept(
    acme: Tenant, contact: dict[str, Any], table: Table, wire: Wire, fault: Fault, refusal: tuple[int, Any]
) -> None:
    wire.fail("TransactWriteItems", [fault] * (3 if fault is THROTTLED else 1))
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == refusal
    assert records(table) == []
    assert send("delete_contact", acme, contactId=contact["id"])["statusCode"] == 200


# Requests at the same moment, and expiry


def test_a_repetition_is_refused_while_the_first_request_is_in_progress(acme: Tenant, table: Table) -> None:
    first = send("upsert_contact", acme, **CREATE)
    later = int(1000 * (time.time() + 20))
    change_record(table, status="INPROGRESS", in_progress_until=later, owner="another", answer=None)
    found = table.scan()["Items"]
    second = send("upsert_contact", acme, **CREATE)
    assert outcome(second) == IN_PROGRESS
    assert "Idempotency-Replayed" not in second["headers"]
    assert table.scan()["Items"] == found
    assert first["statusCode"] == 201


def test_a_lock_lasts_as_long_as_its_function_can_run(acme: Tenant, wire: Wire) -> None:
    before = time.time()
    send("upsert_contact", acme, **CREATE)
    operation, request = wire.requests[0]
    assert operation == "PutItem"
    assert request["Item"]["status"] == {"S": "INPROGRESS"}
    assert before + 19.9 < int(request["Item"]["in_progress_until"]["N"]) / 1000 <= time.time() + 20


def test_the_lock_of_a_function_that_died_expires(acme: Tenant, table: Table) -> None:
    send("upsert_contact", acme, **CREATE)
    just_now = int(1000 * time.time()) - 1
    change_record(table, status="INPROGRESS", in_progress_until=just_now, owner="another", answer=None)
    second = send("upsert_contact", acme, **CREATE)
    assert second["statusCode"] == 200
    assert "Idempotency-Replayed" not in second["headers"]
    assert send("upsert_contact", acme, **CREATE) == replayed(second)


def test_an_expired_lock_does_not_refuse_another_body(acme: Tenant, table: Table) -> None:
    send("upsert_contact", acme, **CREATE)
    change_record(table, status="INPROGRESS", in_progress_until=0, owner="another", answer=None)
    assert send("upsert_contact", acme, json_body={"phone": "123456"})["statusCode"] == 201


def test_an_answer_is_kept_for_a_day(acme: Tenant, table: Table) -> None:
    before = int(time.time())
    send("upsert_contact", acme, **CREATE)
    (record,) = records(table)
    assert before + DAY <= record["expires_at"] <= time.time() + DAY


def test_an_expired_record_is_ignored_before_dynamodb_deletes_it(acme: Tenant, table: Table) -> None:
    first = send("upsert_contact", acme, **CREATE)
    change_record(table, expires_at=int(time.time()) + 60)
    assert send("upsert_contact", acme, **CREATE) == replayed(first)
    change_record(table, expires_at=int(time.time()) - 1)
    second = send("upsert_contact", acme, **CREATE)
    assert second["statusCode"] == 200
    assert "Idempotency-Replayed" not in second["headers"]
    change_record(table, expires_at=int(time.time()) - 1)
    assert send("upsert_contact", acme, json_body={"phone": "123456"})["statusCode"] == 201


def test_a_request_that_lost_its_lock_does_not_complete_it(
    acme: Tenant, contact: dict[str, Any], table: Table, wire: Wire, log: Callable[[], str]
) -> None:
    wire.interrupt("TransactWriteItems", lambda: change_record(table, owner="another"))
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == (200, {"ok": True})
    assert "The answer was not kept" in log()
    assert [(record["owner"], record["status"]) for record in records(table)] == [("another", "INPROGRESS")]


def test_a_request_that_lost_its_lock_does_not_release_it(
    acme: Tenant, table: Table, wire: Wire, log: Callable[[], str]
) -> None:
    wire.interrupt("GetItem", lambda: change_record(table, owner="another"))
    assert outcome(send("delete_contact", acme, contactId=new_id())) == CONTACT_NOT_FOUND
    assert "The lock was not released" in log()
    assert [record["owner"] for record in records(table)] == ["another"]


# Faults


def test_a_lock_with_a_lost_reply_belongs_to_its_request(acme: Tenant, wire: Wire) -> None:
    wire.fail("PutItem", [refuse("InternalServerError", 500, after_the_effect=True)])
    first = send("upsert_contact", acme, **CREATE)
    assert first["statusCode"] == 201
    assert wire.operations == ["PutItem", "PutItem", "UpdateItem", "TransactWriteItems", "UpdateItem"]
    assert send("upsert_contact", acme, **CREATE) == replayed(first)


@pytest.mark.parametrize("fault", [UNREACHABLE, UNANSWERED, THROTTLED, INVALID])
def test_a_request_is_answered_even_if_its_answer_cannot_be_kept(
    acme: Tenant, contact: dict[str, Any], table: Table, wire: Wire, log: Callable[[], str], fault: Fault
) -> None:
    wire.fail("UpdateItem", repeat(fault))
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == (200, {"ok": True})
    assert "The answer was not kept" in log()
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == IN_PROGRESS
    change_record(table, in_progress_until=0)
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == CONTACT_NOT_FOUND


def test_an_answer_is_not_kept_after_its_time(
    acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch, log: Callable[[], str]
) -> None:
    """The function would reach its timeout. The caller gets the answer, and a repetition finds the lock."""
    monkeypatch.setattr(web_request, "KEEPING_SECONDS", 1)
    wire.interrupt("TransactWriteItems", lambda: time.sleep(1.1))
    assert send("upsert_contact", acme, **CREATE)["statusCode"] == 201
    assert wire.operations == ["PutItem", "UpdateItem", "TransactWriteItems"]
    assert "The answer was not kept" in log()
    assert outcome(send("upsert_contact", acme, **CREATE)) == IN_PROGRESS


@pytest.mark.parametrize("fault", [UNREACHABLE, UNANSWERED, THROTTLED, INVALID])
def test_an_error_is_answered_even_if_its_lock_cannot_be_released(
    acme: Tenant, table: Table, wire: Wire, log: Callable[[], str], fault: Fault
) -> None:
    wire.fail("DeleteItem", repeat(fault))
    assert outcome(send("delete_contact", acme, contactId=new_id())) == CONTACT_NOT_FOUND
    assert "The lock was not released" in log()
    assert len(records(table)) == 1


@pytest.mark.parametrize("fault", [UNREACHABLE, UNANSWERED, THROTTLED])
def test_a_request_without_a_lock_has_no_effect(
    acme: Tenant, contact: dict[str, Any], wire: Wire, log: Callable[[], str], fault: Fault
) -> None:
    wire.fail("PutItem", repeat(fault))
    answer = send("delete_contact", acme, contactId=contact["id"])
    assert outcome(answer) == UNAVAILABLE
    assert answer["headers"]["Retry-After"] == "1"
    assert set(wire.operations) == {"PutItem"}
    assert type(fault).__name__ in log() or fault is THROTTLED
    assert call("get_contact", acme, contactId=contact["id"])[0] == 200


def test_a_lock_that_dynamodb_rejects_is_a_500(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    wire.fail("PutItem", [INVALID])
    assert outcome(send("delete_contact", acme, contactId=contact["id"])) == INTERNAL_ERROR
    assert wire.operations == ["PutItem"]


# Cost, items and log


FLOWS = {
    "upsert_contact": ["UpdateItem", "TransactWriteItems"],
    "update_contact": ["GetItem", "UpdateItem"],
    "delete_contact": ["GetItem", "TransactWriteItems"],
    "assign_tag": ["BatchGetItem", "UpdateItem"],
    "remove_tag": ["GetItem", "UpdateItem"],
}


def test_an_idempotency_key_costs_two_requests(acme: Tenant, write: tuple[str, dict[str, Any]], wire: Wire) -> None:
    function, request = write
    send(function, acme, **request)
    assert wire.operations == ["PutItem", *FLOWS[function], "UpdateItem"]


def test_a_request_without_the_header_costs_nothing_more(
    acme: Tenant, write: tuple[str, dict[str, Any]], wire: Wire
) -> None:
    function, request = write
    call(function, acme, **request)
    assert wire.operations == FLOWS[function]


def test_a_replay_costs_one_request(acme: Tenant, write: tuple[str, dict[str, Any]], wire: Wire) -> None:
    function, request = write
    send(function, acme, **request)
    wire.requests.clear()
    send(function, acme, **request)
    assert wire.operations == ["PutItem"]


def test_a_refused_request_costs_two_requests_more(acme: Tenant, wire: Wire) -> None:
    send("delete_contact", acme, contactId=new_id())
    assert wire.operations == ["PutItem", "GetItem", "DeleteItem"]


def test_a_record_holds_the_answer_and_nothing_else_of_a_contact(acme: Tenant, table: Table) -> None:
    answer = send("upsert_contact", acme, json_body={"phone": "491512345678", "display_name": "Ada"})
    (record,) = records(table)
    digest = sha256(json.dumps(KEY).encode()).hexdigest()
    assert record == {
        "pk": f"{digest[:2]}#{acme.key_id}#IDEMPOTENCY",
        "sk": digest,
        "status": "COMPLETED",
        "expires_at": record["expires_at"],
        "in_progress_until": record["in_progress_until"],
        "fingerprint": record["fingerprint"],
        "owner": record["owner"],
        "answer": record["answer"],
    }
    assert re.fullmatch(r"[0-9a-f]{64}", str(record["fingerprint"]))
    assert str(uuid.UUID(str(record["owner"]))) == record["owner"]
    assert json.loads(str(record["answer"])) == {"status": 201, "headers": {}, "body": answer["body"]}


def test_a_lock_holds_nothing_of_a_contact(acme: Tenant, wire: Wire) -> None:
    send("upsert_contact", acme, json_body={"phone": "491512345678", "display_name": "Ada"})
    lock = json.dumps(wire.requests[0])
    assert "491512345678" not in lock
    assert "Ada" not in lock


def test_neither_key_nor_answer_is_logged(acme: Tenant, table: Table, log: Callable[[], str]) -> None:
    request: dict[str, Any] = {"json_body": {"phone": "491512345678", "display_name": "Ada Lovelace"}}
    send("upsert_contact", acme, **request)
    send("upsert_contact", acme, **request)
    send("upsert_contact", acme, json_body={})
    change_record(table, status="INPROGRESS", in_progress_until=int(1000 * (time.time() + 20)))
    send("upsert_contact", acme, **request)
    written = log()
    outcomes = re.findall(r'"message":"(\w+)"', written)
    assert outcomes == ["CREATED", "CREATED", "IdempotencyKeyReused", "RequestInProgress"]
    for private in KEY, "491512345678", "Lovelace":
        assert private not in written

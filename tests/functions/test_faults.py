"""Failures of DynamoDB: the answer to the caller, and the number of attempts."""

import json
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage.items import ContactPointer, TagItem
from contacts.storage.retries import MOST_FAULTS
from tests.events import ACME, Event, Tenant, build_event
from tests.faults import Reply, cancel, refuse
from tests.functions.conftest import Fault, Wire, assign_tags
from tests.handlers import call, invoke
from tests.refusals import CONTACT_NOT_FOUND, INTERNAL_ERROR, UNAVAILABLE

URL = {"endpoint_url": "https://dynamodb.eu-central-1.amazonaws.com"}
TAG = {"json_body": {"tag_id": ACME.tag_ids[0]}}
NAME = {"json_body": {"display_name": "Grace"}}

EVERY_OPERATION = pytest.mark.parametrize(
    ("operation", "function", "request_"),
    [
        ("GetItem", "get_contact", {}),
        ("GetItem", "get_contact_by_phone", {"query": {"phone": "491512345678"}}),
        ("UpdateItem", "upsert_contact", {"json_body": {"phone": "491512345678"}}),
        ("TransactWriteItems", "upsert_contact", {"json_body": {"phone": "99999"}}),
        ("UpdateItem", "update_contact", NAME),
        ("TransactWriteItems", "delete_contact", {}),
        ("BatchGetItem", "assign_tag", TAG),
        ("UpdateItem", "assign_tag", TAG),
        ("UpdateItem", "remove_tag", {"tagId": ACME.tag_ids[0]}),
    ],
)


def request_to(function: str, contact: dict[str, Any], request: dict[str, Any]) -> Event:
    path = {} if function in {"upsert_contact", "get_contact_by_phone"} else {"contactId": contact["id"]}
    return build_event(function, ACME, **path, **request)


@EVERY_OPERATION
@pytest.mark.parametrize(
    "fault",
    [refuse("ThrottlingException"), Reply(503, b""), Reply(200, b'{"Attributes": {'), ReadTimeoutError(**URL)],
    ids=str,
)
def test_a_request_that_fails_three_times_is_a_503(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    operation: str,
    function: str,
    request_: dict[str, Any],
    fault: Fault,
) -> None:
    wire.fail(operation, repeat(fault))
    answer = invoke(function, request_to(function, contact, request_))
    assert (answer["statusCode"], json.loads(answer["body"])) == UNAVAILABLE
    assert answer["headers"]["Retry-After"] == "1"
    assert wire.operations.count(operation) == 3


@EVERY_OPERATION
def test_a_request_that_fails_twice_succeeds_at_the_third_attempt(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    operation: str,
    function: str,
    request_: dict[str, Any],
) -> None:
    wire.fail(operation, [refuse("ThrottlingException"), ReadTimeoutError(**URL)])
    assert invoke(function, request_to(function, contact, request_))["statusCode"] < 300


@pytest.mark.parametrize(
    "fault",
    [
        refuse("ProvisionedThroughputExceededException"),
        refuse("RequestLimitExceeded"),
        refuse("LimitExceededException"),
        refuse("InternalServerError", 500),
        refuse("ServiceUnavailable", 503),
        Reply(500, b"garbage"),
        Reply(500, b"\x00\xff"),
        Reply(200, b""),
        Reply(200, b"\x00\xff"),
        Reply(200, b'{"Item": {"pk": {"S": "cacme'),
        Reply(200, b"[]"),
        Reply(504, b"null"),
        Reply(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        ConnectTimeoutError(**URL),
        EndpointConnectionError(**URL),
        ConnectionClosedError(**URL),
        SSLError(**URL, error=TimeoutError("handshake")),
    ],
    ids=str,
)
def test_every_kind_of_missing_or_malformed_reply_is_a_503(
    acme: Tenant, contact: dict[str, Any], wire: Wire, fault: Fault
) -> None:
    wire.fail("GetItem", repeat(fault))
    assert call("get_contact", acme, contactId=contact["id"]) == UNAVAILABLE
    assert wire.operations == ["GetItem"] * 3


@EVERY_OPERATION
def test_a_request_that_dynamodb_rejects_is_a_500_with_its_trace_in_the_log_only(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    log: Callable[[], str],
    operation: str,
    function: str,
    request_: dict[str, Any],
) -> None:
    wire.fail(operation, repeat(refuse("ValidationException")))
    answer = invoke(function, request_to(function, contact, request_))
    assert (answer["statusCode"], json.loads(answer["body"])) == INTERNAL_ERROR
    assert "Retry-After" not in answer["headers"]
    assert wire.operations.count(operation) == 1
    assert "Traceback (most recent call last)" in log()
    assert "ValidationException" in log()


@pytest.mark.parametrize(
    "fault",
    [
        refuse("AccessDeniedException"),
        refuse("ResourceNotFoundException"),
        refuse("UnrecognizedClientException"),
        Reply(400, b""),
        OSError("too many open files"),
    ],
    ids=str,
)
def test_every_fault_of_ours_is_a_500_without_a_retry(
    acme: Tenant, contact: dict[str, Any], wire: Wire, fault: Fault
) -> None:
    wire.fail("GetItem", repeat(fault))
    assert call("get_contact", acme, contactId=contact["id"]) == INTERNAL_ERROR
    assert wire.operations == ["GetItem"]


CONFLICT = refuse("TransactionConflictException")
IN_PROGRESS = refuse("TransactionInProgressException")


@pytest.mark.parametrize(
    ("function", "request_"),
    [("update_contact", NAME), ("assign_tag", TAG), ("remove_tag", {"tagId": ACME.tag_ids[0]})],
)
def test_a_write_is_repeated_after_a_conflict_with_a_transaction(
    acme: Tenant, contact: dict[str, Any], wire: Wire, function: str, request_: dict[str, Any]
) -> None:
    wire.fail("UpdateItem", [CONFLICT, CONFLICT])
    assert call(function, acme, contactId=contact["id"], **request_)[0] < 300
    assert wire.operations[1:] == ["UpdateItem"] * 3


@pytest.mark.parametrize(
    "fault",
    [
        cancel("TransactionConflict", "None"),
        cancel("None", "TransactionConflict"),
        cancel("TransactionConflict", "TransactionConflict"),
        IN_PROGRESS,
        CONFLICT,
    ],
    ids=lambda fault: fault.body.decode(),
)
@pytest.mark.parametrize(
    ("function", "status"),
    [("upsert_contact", 201), ("delete_contact", 200)],
)
def test_a_transaction_is_repeated_with_its_token_after_a_conflict(
    acme: Tenant, contact: dict[str, Any], wire: Wire, fault: Fault, function: str, status: int
) -> None:
    wire.fail("TransactWriteItems", [fault, fault, fault, fault])
    request = {"json_body": {"phone": "99999"}} if function == "upsert_contact" else {"contactId": contact["id"]}
    assert call(function, acme, **request)[0] == status
    transactions = [request for operation, request in wire.requests if operation == "TransactWriteItems"]
    assert transactions == [transactions[0]] * 5
    assert len(transactions[0]["ClientRequestToken"]) == 36


def test_each_transaction_has_its_own_token(acme: Tenant, wire: Wire) -> None:
    call("upsert_contact", acme, json_body={"phone": "12345"})
    call("upsert_contact", acme, json_body={"phone": "99999"})
    tokens = [request["ClientRequestToken"] for operation, request in wire.requests if "Transact" in operation]
    assert tokens[0] != tokens[1]


def test_a_lasting_conflict_is_a_503_within_the_retry_budget(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    wire.fail("UpdateItem", repeat(CONFLICT))
    assert call("update_contact", acme, contactId=contact["id"], **NAME) == UNAVAILABLE
    assert 10 < wire.operations.count("UpdateItem") < 100


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "InternalServerError"]
)
@pytest.mark.parametrize("function", ["upsert_contact", "delete_contact"])
def test_a_throttled_transaction_is_a_503_and_not_a_lost_race(
    acme: Tenant, contact: dict[str, Any], wire: Wire, code: str, function: str
) -> None:
    wire.fail("TransactWriteItems", repeat(cancel("None", code)))
    request = {"json_body": {"phone": "99999"}} if function == "upsert_contact" else {"contactId": contact["id"]}
    assert call(function, acme, **request) == UNAVAILABLE
    assert wire.operations.count("TransactWriteItems") == 3


@pytest.mark.parametrize(
    "codes",
    [
        ("ConditionalCheckFailed", "None"),
        ("ConditionalCheckFailed", "TransactionConflict"),
        ("ConditionalCheckFailed", "ThrottlingError"),
    ],
)
def test_a_failed_condition_outranks_the_other_reasons_of_a_cancellation(
    acme: Tenant, contact: dict[str, Any], wire: Wire, codes: tuple[str, str]
) -> None:
    wire.fail("TransactWriteItems", [cancel(*codes)])
    assert call("delete_contact", acme, contactId=contact["id"]) == CONTACT_NOT_FOUND
    assert wire.operations == ["GetItem", "TransactWriteItems"]


def test_a_transaction_that_is_cancelled_for_a_fault_of_ours_is_a_500(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    wire.fail("TransactWriteItems", [cancel("ValidationError", "None")])
    assert call("delete_contact", acme, contactId=contact["id"]) == INTERNAL_ERROR


def unprocessed(acme: Tenant, contact: dict[str, Any]) -> Reply:
    """The reply of a BatchGetItem that read neither the pointer nor the tag."""
    keys = [ContactPointer.key(acme.id, contact["id"]), TagItem.key(acme.id, acme.tag_ids[0])]
    left = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
    body = {"Responses": {"contacts-local": []}, "UnprocessedKeys": {"contacts-local": {"Keys": left}}}
    return Reply(200, json.dumps(body).encode())


def test_unprocessed_keys_are_read_again(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    wire.fail("BatchGetItem", [unprocessed(acme, contact)])
    assert call("assign_tag", acme, contactId=contact["id"], **TAG)[0] == 201
    assert wire.operations == ["BatchGetItem", "BatchGetItem", "UpdateItem"]


def test_keys_that_stay_unprocessed_are_a_503_and_not_missing_items(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    wire.fail("BatchGetItem", repeat(unprocessed(acme, contact)))
    assert call("assign_tag", acme, contactId=contact["id"], **TAG) == UNAVAILABLE
    assert wire.operations == ["BatchGetItem"] * MOST_FAULTS


LOST = refuse("InternalServerError", 500, after_the_effect=True)


def test_an_assignment_with_a_lost_reply_is_answered_as_new(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    wire.fail("UpdateItem", [LOST])
    answer = invoke("assign_tag", request_to("assign_tag", contact, TAG))
    assert (answer["statusCode"], answer["headers"]["X-Tags-Remaining"]) == (201, "19")
    assert wire.operations == ["BatchGetItem", "UpdateItem", "UpdateItem"]


def test_the_20th_assignment_with_a_lost_reply_does_not_exceed_the_cap(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    assign_tags(acme, contact, acme.tag_ids[1:20])
    wire.fail("UpdateItem", [LOST])
    assert call("assign_tag", acme, contactId=contact["id"], **TAG)[0] == 201


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("upsert_contact", {"json_body": {"phone": "491512345678"}}),
        ("update_contact", NAME),
        ("remove_tag", {"tagId": ACME.tag_ids[0]}),
    ],
)
def test_a_write_with_a_lost_reply_is_answered_like_any_other(
    acme: Tenant, contact: dict[str, Any], wire: Wire, function: str, request_: dict[str, Any]
) -> None:
    call("assign_tag", acme, contactId=contact["id"], **TAG)
    wire.fail("UpdateItem", [LOST])
    assert invoke(function, request_to(function, contact, request_))["statusCode"] == 200


def test_a_malformed_item_is_a_500_with_its_trace_in_the_log(
    acme: Tenant, table: Table, log: Callable[[], str]
) -> None:
    table.put_item(Item={"pk": f"{acme.id}#12345", "sk": "CONTACT", "id": 7})
    assert call("get_contact_by_phone", acme, query={"phone": "12345"}) == INTERNAL_ERROR
    assert "AttributeDeserializationError" in log()


def test_an_event_without_an_authorizer_is_a_500(acme: Tenant) -> None:
    event = build_event("get_contact", acme, contactId="c1234567")
    del event["requestContext"]["authorizer"]
    answer = invoke("get_contact", event)
    assert (answer["statusCode"], json.loads(answer["body"])) == INTERNAL_ERROR

"""The Idempotency-Key: a request has one effect, however often and from however many callers it comes."""

import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from local.emulator import aws
from local.stack import Stack
from tests.conftest import template_resources
from tests.refusals import CONTACT_NOT_FOUND, IN_PROGRESS, KEY_REUSED, invalid
from tests.system import Caller, Customer, at_once, new_phone, read_items, signal_environments

LOCK_SECONDS: int = template_resources()["UpsertContact"]["Properties"]["Timeout"]
"""The lock of a killed function expires when the function would have timed out."""


@pytest.fixture
def key() -> dict[str, str]:
    """The header with an unused key."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def is_replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("Idempotency-Replayed") == "true")


def test_50_requests_with_one_key_have_one_effect(api: Caller, phone: str, key: dict[str, str]) -> None:
    create = partial(api.send, "POST", "/v1/contacts", json_body={"phone": phone}, headers=key)
    answers = at_once([create] * 50)
    (first,) = (answer for answer in answers if answer.status_code == 201 and not is_replayed(answer))
    others = [answer for answer in answers if answer is not first]
    assert {(answer.status_code, is_replayed(answer)) for answer in others} <= {(201, True), (409, False)}
    for answer in others:
        assert (answer.status_code, answer.json()) in [(201, first.json()), IN_PROGRESS]
    contact = first.json()
    assert contact["lastSeenAt"] == contact["updatedAt"] == contact["createdAt"]  # a second effect would move them
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_a_replayed_answer_is_the_first_answer_byte_for_byte(
    api: Caller, customer: Customer, contact: dict[str, Any], key: dict[str, str]
) -> None:
    path = f"/v1/contacts/{contact['id']}/tags"
    assign = partial(api.send, "POST", path, json_body={"tag_id": customer.tag_ids[0], "reason": "Zoë 😀"})
    first, again = assign(headers=key), assign(headers=key | {"X-Request-Id": "another-request"})
    assert (first.status_code, is_replayed(first)) == (201, False)
    assert (again.status_code, again.content) == (201, first.content)
    fresh = {"date", "x-amzn-requestid", "x-request-id", "idempotency-replayed"}
    assert [(name, value) for name, value in again.headers.items() if name not in fresh] == [
        (name, value) for name, value in first.headers.items() if name not in fresh
    ]
    assert (again.headers["X-Request-Id"], is_replayed(again)) == ("another-request", True)
    assert again.headers["X-Tags-Remaining"] == "19"


def test_a_deletion_can_be_repeated(api: Caller, contact: dict[str, Any], key: dict[str, str]) -> None:
    delete = partial(api.send, "DELETE", f"/v1/contacts/{contact['id']}", headers=key)
    assert [(answer.status_code, answer.json(), is_replayed(answer)) for answer in (delete(), delete())] == [
        (200, {"ok": True}, False),
        (200, {"ok": True}, True),
    ]
    assert api.call("DELETE", f"/v1/contacts/{contact['id']}") == CONTACT_NOT_FOUND


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PATCH", "/v1/contacts/{id}", {"display_name": "Grace"}),
        ("DELETE", "/v1/contacts/{id}", {"display_name": "Ada"}),
        ("PATCH", "/v1/contacts/{other}", {"display_name": "Ada"}),
        ("PATCH", "/v1/contacts/{id}", None),
    ],
    ids=["another body", "another method", "another path", "no body"],
)
def test_a_key_cannot_be_reused_for_another_request(
    api: Caller, contact: dict[str, Any], key: dict[str, str], method: str, target: str, body: object
) -> None:
    _, other = api.call("POST", "/v1/contacts", json_body={"phone": new_phone()})
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("PATCH", path, json_body={"display_name": "Ada"}, headers=key)[0] == 200
    target = target.format(id=contact["id"], other=other["id"])
    assert api.call(method, target, json_body=body, headers=key) == KEY_REUSED
    assert api.call("GET", path)[1]["displayName"] == "Ada"


def test_two_api_keys_can_use_the_same_idempotency_key(
    customer: Customer, customers: list[Customer], key: dict[str, str]
) -> None:
    callers = [customer.full, customer.callers["write"], customer.callers["from_here"], customers[1].full]
    phones = [new_phone() for _ in callers]
    answers = [
        caller.send("POST", "/v1/contacts", json_body={"phone": phone}, headers=key)
        for caller, phone in zip(callers, phones, strict=True)
    ]
    assert [(answer.status_code, answer.json()["phone"], is_replayed(answer)) for answer in answers] == [
        (201, phone, False) for phone in phones
    ]


def test_an_error_is_not_kept(api: Caller, contact: dict[str, Any], key: dict[str, str]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("PATCH", path, json_body={"display_name": 1}, headers=key)[0] == 400
    answer = api.send("PATCH", path, json_body={"display_name": "Ada"}, headers=key)
    assert (answer.status_code, answer.json()["displayName"], is_replayed(answer)) == (200, "Ada", False)


@pytest.mark.parametrize("value", [b"", b"x" * 256, b"a b", b"a\tb", "ä".encode(), b"\xff"], ids=repr)
def test_a_malformed_key_is_refused(api: Caller, phone: str, value: bytes) -> None:
    answer = api.call("POST", "/v1/contacts", json_body={"phone": phone}, headers={"Idempotency-Key": value})
    assert answer == invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    assert api.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_a_key_can_have_255_visible_characters(api: Caller, phone: str) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex + "~" * 223}
    create = partial(api.send, "POST", "/v1/contacts", json_body={"phone": phone}, headers=key)
    assert [is_replayed(create()), is_replayed(create())] == [False, True]


def test_a_read_ignores_the_key(api: Caller, contact: dict[str, Any], key: dict[str, str]) -> None:
    answers = [api.send("GET", f"/v1/contacts/{contact['id']}", headers=key) for _ in range(2)]
    assert [(answer.status_code, is_replayed(answer)) for answer in answers] == [(200, False)] * 2


def test_a_request_can_be_repeated_after_its_function_was_killed(api: Caller, stack: Stack) -> None:
    headers, phone, answer = _kill_in_flight(api, stack)
    repeat = partial(api.send, "POST", "/v1/contacts", json_body={"phone": phone}, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    while answer.status_code == 503:  # as long as the gateway meets environments that were killed too
        answer = repeat()
    assert (answer.status_code, answer.json()) == IN_PROGRESS

    [lock] = _locks(stack)
    assert time.time() < int(lock["in_progress_until"]["N"]) / 1000 < time.time() + LOCK_SECONDS
    _write(stack, lock | {"in_progress_until": {"N": str(int(1000 * time.time()) - 1)}})  # instead of a wait
    done, again = repeat(), repeat()
    assert (done.status_code, is_replayed(done)) in {(201, False), (200, False)}  # the killed one may have written
    assert (again.status_code, again.content, is_replayed(again)) == (done.status_code, done.content, True)


def _kill_in_flight(api: Caller, stack: Stack) -> tuple[dict[str, str], str, httpx.Response]:
    """Kills a function while it holds the lock. Returns the request's headers and phone, and the answer to it."""
    assert _locks(stack) == []
    for attempt in range(200):
        headers, phone = {"Idempotency-Key": str(uuid.uuid4())}, new_phone()
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(api.send, "POST", "/v1/contacts", json_body={"phone": phone}, headers=headers)
            time.sleep(attempt % 20 / 1000)
            signal_environments("upsert_contact", signal.SIGSTOP)
            time.sleep(0.05)  # until the requests that it sent have arrived
            is_in_flight = bool(_locks(stack))
            signal_environments("upsert_contact", signal.SIGKILL if is_in_flight else signal.SIGCONT)
            if is_in_flight:
                return headers, phone, answer.result()
            answer.result()
    raise AssertionError("no function was ever stopped while it held the lock")


def _locks(stack: Stack) -> list[dict[str, Any]]:
    """The records of requests that are in progress."""
    return read_items(
        stack,
        FilterExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "INPROGRESS"}},
    )


def _write(stack: Stack, item: dict[str, Any]) -> None:
    aws.connect("dynamodb", stack.dynamodb_url).put_item(TableName=stack.environment["TABLE_NAME"], Item=item)

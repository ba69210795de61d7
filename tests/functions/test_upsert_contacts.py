"""POST /v1/contacts/batch as the handler does it; tests/behaviour has what callers see."""

import json
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage import retries
from contacts.storage.contacts import ContactRepository
from contacts.web import request
from tests.events import Tenant, build_event
from tests.faults import refuse
from tests.functions.conftest import Wire
from tests.handlers import call, invoke

FUNCTION = "upsert_contacts"
PHONE = "491512345678"


def upsert(tenant: Tenant, *items: object, headers: dict[str, str] | None = None, **query: str) -> tuple[int, Any]:
    status, body = call(FUNCTION, tenant, query=query, headers=headers, json_body={"contacts": items})
    return status, body["results"]


def item(number: int = 0, tags: object = (), **fields: object) -> dict[str, Any]:
    tagged = {"tags": [{"tag_id": tag_id} for tag_id in tags]} if tags else {}  # type: ignore[attr-defined]
    return {"phone": f"+49 151 {number:06}", **tagged, **fields}


def held(tenant: Tenant, phone: str = "49151000000") -> dict[str, dict[str, Any]]:
    _, contact = call("get_contact_by_phone", tenant, query={"phone": phone})
    return {each["tagId"]: each for each in contact["tagAssignments"]}


def test_an_existing_contact_with_its_tags_costs_one_write_and_a_new_one_three(acme: Tenant, wire: Wire) -> None:
    tags = acme.tag_ids[:3]
    assert upsert(acme, item(0, tags))[1][0]["status"] == 201
    assert wire.operations == ["BatchGetItem", "UpdateItem", "TransactWriteItems"]
    wire.requests.clear()
    assert upsert(acme, item(0, tags))[1][0]["status"] == 200
    assert wire.operations == ["BatchGetItem", "UpdateItem"]


def test_without_tags_nothing_is_read(acme: Tenant, wire: Wire) -> None:
    upsert(acme, item(0), item(1))
    assert wire.operations == ["UpdateItem", "TransactWriteItems"] * 2


def test_every_tag_is_read_once_in_parts_of_100(acme: Tenant, wire: Wire) -> None:
    items = [item(number, [f"cunknown{number:02}{place:02}" for place in range(20)]) for number in range(10)]
    status, results = upsert(acme, *items)
    assert (status, {each["status"] for each in results}) == (207, {404})
    assert wire.operations == ["BatchGetItem"] * 2


def test_a_contact_that_holds_some_of_the_tags_is_written_at_the_second_attempt(acme: Tenant, wire: Wire) -> None:
    upsert(acme, item(0, acme.tag_ids[:18]))
    wire.requests.clear()
    assert upsert(acme, item(0, acme.tag_ids[16:20]))[1][0]["status"] == 200
    assert wire.operations == ["BatchGetItem", "UpdateItem", "UpdateItem"]
    assert sorted(held(acme)) == sorted(acme.tag_ids[:20])


def test_a_contact_that_would_hold_21_tags_is_left_as_it_was(acme: Tenant, table: Table) -> None:
    upsert(acme, item(0, acme.tag_ids[:19], display_name="Ada"))
    before = table.scan()["Items"]
    status, [result] = upsert(acme, item(0, acme.tag_ids[19:], display_name="Grace"))
    assert (status, result["status"], result["error"]["error_data"]["limit"]) == (207, 409, 20)
    assert table.scan()["Items"] == before


def test_malformed_items_are_refused_without_a_request(acme: Tenant, wire: Wire) -> None:
    status, results = upsert(acme, "no object", item(0, [acme.tag_ids[0]] * 2), item(1, display_name=5))
    assert (status, [each["error"]["error_data"]["field"] for each in results]) == (
        207,
        ["contacts[0]", "tags[1].tag_id", "display_name"],
    )
    assert wire.operations == []


def test_a_tag_that_another_caller_assigns_between_the_two_attempts_counts(acme: Tenant, wire: Wire) -> None:
    _, results = upsert(acme, item(0, acme.tag_ids[:18]))
    contact_id = results[0]["contact"]["id"]
    seen: list[str] = []

    def assign_another() -> None:
        """Before the second attempt."""
        wire.interrupt("UpdateItem", lambda: None)
        seen.append("first attempt")
        wire.interrupt(
            "UpdateItem",
            lambda: call("assign_tag", acme, contactId=contact_id, json_body={"tag_id": acme.tag_ids[20]}),
        )

    wire.interrupt("UpdateItem", assign_another)
    _, [result] = upsert(acme, item(0, acme.tag_ids[16:20]))
    assert seen == ["first attempt"]
    assert result["status"] == 409
    assert sorted(held(acme)) == sorted([*acme.tag_ids[:18], acme.tag_ids[20]])


def test_an_update_whose_reply_was_lost_is_answered_like_any_other(acme: Tenant, wire: Wire) -> None:
    """A lost reply of the creating transaction is a test of the real engine: moto does not know client tokens."""
    upsert(acme, item(0))
    wire.fail("UpdateItem", [refuse("InternalServerError", 500, after_the_effect=True)])
    assert upsert(acme, item(0, acme.tag_ids[:20]))[1][0]["status"] == 200
    assert sorted(held(acme)) == sorted(acme.tag_ids[:20])


def test_a_lost_reply_of_the_second_attempt_succeeds_too(acme: Tenant, wire: Wire) -> None:
    upsert(acme, item(0, acme.tag_ids[:18]))
    as_it_is = refuse("ConditionalCheckFailedException", Item=_raw(wire))
    wire.fail("UpdateItem", [as_it_is, refuse("InternalServerError", 500, after_the_effect=True)])
    assert upsert(acme, item(0, acme.tag_ids[16:20]))[1][0]["status"] == 200
    assert len(held(acme)) == 20


def _raw(wire: Wire) -> dict[str, Any]:
    """The contact as the last transaction wrote it."""
    transaction = next(body for operation, body in reversed(wire.requests) if operation == "TransactWriteItems")
    raw: dict[str, Any] = transaction["TransactItems"][0]["Put"]["Item"]
    return raw


def test_an_item_that_the_database_does_not_take_is_503_and_the_others_are_done(acme: Tenant, wire: Wire) -> None:
    wire.fail("UpdateItem", [refuse("ThrottlingException")] * retries.MOST_FAULTS)
    answer = invoke(FUNCTION, build_event(FUNCTION, acme, json_body={"contacts": [item(0), item(1)]}))
    results = json.loads(answer["body"])["results"]
    assert answer["statusCode"] == 207
    assert [each["status"] for each in results] == [503, 201]
    assert results[0]["error"]["code"] == 131000
    assert answer["headers"]["Retry-After"] == "1"


def test_no_item_begins_after_its_time(acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "BEGINNING_SECONDS", -1)
    status, results = upsert(acme, item(0), {"phone": "x"})
    assert (status, [each["status"] for each in results]) == (207, [503, 400])
    assert wire.operations == []


def test_no_write_is_sent_after_the_deadline(acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "WRITING_SECONDS", -1)
    assert [each["status"] for each in upsert(acme, item(0))[1]] == [503]
    assert wire.operations == []


def test_an_item_that_loses_every_race_is_503(acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    upsert(acme, item(0))
    raw = _raw(wire)
    monkeypatch.setattr(retries, "BUDGET_SECONDS", 0.05)
    wire.fail("UpdateItem", repeat(refuse("ConditionalCheckFailedException", Item=raw)))
    assert [each["status"] for each in upsert(acme, item(0, acme.tag_ids[:2]))[1]] == [503]


def test_a_bug_fails_its_item_alone(acme: Tenant, monkeypatch: pytest.MonkeyPatch, log: Callable[[], str]) -> None:
    upsert_one = ContactRepository.upsert

    def fail_for_one(contacts: Any, phone: str, *rest: Any, **named: Any) -> Any:
        if phone == "49151000001":
            raise ZeroDivisionError
        return upsert_one(contacts, phone, *rest, **named)

    monkeypatch.setattr(ContactRepository, "upsert", fail_for_one)
    status, results = upsert(acme, item(0), item(1), item(2))
    assert (status, [each["status"] for each in results]) == (207, [201, 500, 201])
    assert "ZeroDivisionError" in log()


def test_the_log_counts_the_items_by_status(acme: Tenant, log: Callable[[], str]) -> None:
    upsert(acme, item(0), item(0), item(1, ["cnosuchtag"]), {"phone": "1"})
    (line,) = (json.loads(each) for each in log().splitlines() if '"MULTI_STATUS"' in each and "route" in each)
    assert line["items"] == {"200": 1, "201": 1, "400": 1, "404": 1}


IDEMPOTENT = {"Idempotency-Key": "import-7"}


def test_an_answer_with_refused_items_is_kept(acme: Tenant, wire: Wire) -> None:
    first = upsert(acme, item(0), item(1, ["cnosuchtag"]), headers=IDEMPOTENT)
    wire.requests.clear()
    assert upsert(acme, item(0), item(1, ["cnosuchtag"]), headers=IDEMPOTENT) == first
    assert wire.operations == ["PutItem"]


def test_an_answer_with_a_503_is_not_kept_and_the_same_request_is_done_again(acme: Tenant, wire: Wire) -> None:
    wire.fail("UpdateItem", [refuse("ThrottlingException")] * retries.MOST_FAULTS)
    _, results = upsert(acme, item(0), item(1), headers=IDEMPOTENT)
    assert [each["status"] for each in results] == [503, 201]
    _, results = upsert(acme, item(0), item(1), headers=IDEMPOTENT)
    assert [each["status"] for each in results] == [201, 200]


def test_match_changes_what_a_request_means(acme: Tenant) -> None:
    upsert(acme, item(0), headers=IDEMPOTENT)
    status, body = call(FUNCTION, acme, query={"match": "alias"}, headers=IDEMPOTENT, json_body={"contacts": [item(0)]})
    assert (status, body["error"]["code"]) == (422, 100)

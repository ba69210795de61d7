"""POST /v1/contacts/{contactId}/tags"""

import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from contacts.runtime.identifiers import new_id
from local.stack import Stack
from tests.refusals import CONTACT_NOT_FOUND, TAG_LIMIT_REACHED, TAG_NOT_FOUND, invalid
from tests.system import Caller, Customer, administer

NO_TAG_ID = invalid("tag_id", "tag_id: String should match pattern '^c[a-z0-9]{7,31}$'.")
NOT_A_STRING = "Input should be a valid string."
NO_UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string."
NOT_STORABLE = "Input should have neither NUL characters nor lone surrogates."


def assign(api: Caller, contact: dict[str, Any], tag_id: object, **reason: object) -> tuple[int, Any, str | None]:
    """Status, body, X-Tags-Remaining."""
    body = {"tag_id": tag_id} | reason
    response = api.send("POST", f"/v1/contacts/{contact['id']}/tags", json_body=body)
    return response.status_code, response.json(), response.headers.get("X-Tags-Remaining")


def find(api: Caller, contact: dict[str, Any]) -> tuple[int, Any]:
    return api.call("GET", f"/v1/contacts/{contact['id']}")


def test_a_tag_is_assigned(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    before = timestamps.now()
    status, assignment, remaining = assign(api, contact, customer.tag_ids[0], reason="Asked for an invoice")
    assert before <= assignment["createdAt"] <= timestamps.now()
    assert (status, assignment, remaining) == (
        201,
        {
            "contactId": contact["id"],
            "tagId": customer.tag_ids[0],
            "source": "API",
            "reason": "Asked for an invoice",
            "createdAt": assignment["createdAt"],
            "updatedAt": assignment["createdAt"],
        },
        "19",
    )
    assert list(assignment) == ["contactId", "tagId", "source", "reason", "createdAt", "updatedAt"]


def test_the_contact_itself_is_not_updated_by_it(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    _, assignment, _ = assign(api, contact, customer.tag_ids[0])
    assert find(api, contact) == (200, contact | {"tagAssignments": [assignment]})


@pytest.mark.parametrize(
    ("again", "kept"), [({"reason": "New reason"}, "New reason"), ({"reason": None}, None), ({}, None)]
)
def test_assigning_again_keeps_its_beginning_alone(
    api: Caller, customer: Customer, contact: dict[str, Any], again: dict[str, str | None], kept: str | None
) -> None:
    _, first, _ = assign(api, contact, customer.tag_ids[0], reason="Old reason")
    time.sleep(0.002)
    status, second, remaining = assign(api, contact, customer.tag_ids[0], **again)
    assert (status, second, remaining) == (200, first | {"reason": kept, "updatedAt": second["updatedAt"]}, "19")
    assert second["updatedAt"] > first["updatedAt"]
    assert find(api, contact) == (200, contact | {"tagAssignments": [second]})


def test_a_contact_takes_20_tags(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    *twenty, one_too_many = customer.tag_ids[:21]
    answers = [assign(api, contact, tag_id) for tag_id in twenty]
    assert [(status, remaining) for status, _, remaining in answers] == [(201, str(19 - n)) for n in range(20)]
    assert assign(api, contact, one_too_many) == (*TAG_LIMIT_REACHED, None)
    assert find(api, contact) == (200, contact | {"tagAssignments": [assignment for _, assignment, _ in answers]})

    status, again, remaining = assign(api, contact, twenty[0])
    assert (status, again["tagId"], remaining) == (200, twenty[0], "0")  # the same again counts once
    assert assign(api, contact, new_id()) == (*TAG_NOT_FOUND, None)  # what is not there comes before the limit

    assert api.call("DELETE", f"/v1/contacts/{contact['id']}/tags/{twenty[0]}") == (200, {"ok": True})
    status, last, remaining = assign(api, contact, one_too_many)
    assert (status, last["tagId"], remaining) == (201, one_too_many, "0")


def test_tags_that_are_not_there_are_not_found(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    assert assign(api, contact, new_id()) == (*TAG_NOT_FOUND, None)
    assert assign(api, contact, contact["id"]) == (*TAG_NOT_FOUND, None)
    assert assign(api, contact, customer.deleted_tag_id) == (*TAG_NOT_FOUND, None)
    assert find(api, contact) == (200, contact | {"tagAssignments": []})


def test_of_a_contact_and_a_tag_that_are_both_missing_the_contact_is_named(api: Caller) -> None:
    assert assign(api, {"id": new_id()}, new_id()) == (*CONTACT_NOT_FOUND, None)


def test_a_tag_that_an_administrator_deletes_is_taken_off_its_contacts(
    api: Caller, customer: Customer, contact: dict[str, Any], stack: Stack
) -> None:
    tag_id = administer(stack, "tag", "create", customer.tenant_id, "Short-lived")["id"]
    assert assign(api, contact, tag_id)[0] == 201
    administer(stack, "tag", "delete", customer.tenant_id, tag_id, "--yes", "--wait-seconds=0")
    assert find(api, contact) == (200, contact | {"tagAssignments": []})
    assert assign(api, contact, tag_id) == (*TAG_NOT_FOUND, None)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, invalid("tag_id", "tag_id: Field required.")),
        ({"tagId": "c1234567"}, invalid("tag_id", "tag_id: Field required.")),
        ({"tag_id": None}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": 1234567}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": ["c1234567"]}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": ""}, NO_TAG_ID),
        ({"tag_id": "vip"}, NO_TAG_ID),
        ({"tag_id": "c123456"}, NO_TAG_ID),
        ({"tag_id": "c" + "1" * 32}, NO_TAG_ID),
        ({"tag_id": "C1234567"}, NO_TAG_ID),
        ({"tag_id": " c1234567"}, NO_TAG_ID),
        ({"tag_id": "c1234567\n"}, NO_TAG_ID),
        ({"tag_id": "c123456é"}, NO_TAG_ID),
        ({"tag_id": "c" * 4096}, NO_TAG_ID),
        ({"tag_id": "NAME#vip"}, NO_TAG_ID),
        ({"tag_id": "c1234567\0"}, NO_TAG_ID),
        ({"tag_id": "c1234567\ud83d"}, invalid("tag_id", f"tag_id: {NO_UNICODE}")),
        ({"tag_id": "c1234567", "reason": 1}, invalid("reason", f"reason: {NOT_A_STRING}")),
        ({"tag_id": "c1234567", "reason": {}}, invalid("reason", f"reason: {NOT_A_STRING}")),
        (
            {"tag_id": "c1234567", "reason": "x" * 501},
            invalid("reason", "reason: String should have at most 500 characters."),
        ),
        ({"tag_id": "c1234567", "reason": "a\0b"}, invalid("reason", f"reason: {NOT_STORABLE}")),
        ({"tag_id": "c1234567", "reason": "a\ud83d"}, invalid("reason", f"reason: {NO_UNICODE}")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_field_that_is_wrong_is_named(
    api: Caller, contact: dict[str, Any], body: dict[str, Any], refusal: tuple[int, Any]
) -> None:
    assert api.call("POST", f"/v1/contacts/{contact['id']}/tags", json_body=body) == refusal


@pytest.mark.parametrize("reason", ["😀" * 500, " kept as it is\n", ""])
def test_a_reason_is_kept_as_it_is(api: Caller, customer: Customer, contact: dict[str, Any], reason: str) -> None:
    _, assignment, _ = assign(api, contact, customer.tag_ids[0], reason=reason)
    assert assignment["reason"] == reason
    assert find(api, contact) == (200, contact | {"tagAssignments": [assignment]})


def test_unknown_fields_are_ignored(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    status, assignment, _ = assign(api, contact, customer.tag_ids[0], source="MANUAL_ADMIN", contact_id="c1234567")
    assert (status, assignment["source"], assignment["contactId"]) == (201, "API", contact["id"])

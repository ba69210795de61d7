"""POST /v1/contacts/{contactId}/tags"""

import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from contacts.runtime.identifiers import new_id
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT, TAG_LIMIT_REACHED, TAG_NOT_FOUND, invalid
from tests.system import NOBODYS_ID, Caller, Customer

MALFORMED_TAG_ID = invalid("tag_id", "tag_id: String should match pattern '^c[a-z0-9]{7,31}$'.")
NOT_A_STRING = "Input should be a valid string."
NOT_UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string."
NOT_STORABLE = "Input should have neither NUL characters nor lone surrogates."


def assign(api: Caller, contact: dict[str, Any], tag_id: object, **reason: object) -> tuple[int, Any, str | None]:
    """Status, body, X-Tags-Remaining."""
    body = {"tag_id": tag_id} | reason
    response = api.send("POST", f"/v1/contacts/{contact['id']}/tags", json_body=body)
    return response.status_code, response.json(), response.headers.get("X-Tags-Remaining")


def remove(api: Caller, contact: dict[str, Any], tag_id: str) -> None:
    assert api.call("DELETE", f"/v1/contacts/{contact['id']}/tags/{tag_id}") == (200, {"ok": True})


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


def test_a_tag_does_not_update_the_contact_itself(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    _, assignment, _ = assign(api, contact, customer.tag_ids[0])
    assert find(api, contact) == (200, contact | {"tagAssignments": [assignment]})


@pytest.mark.parametrize(
    ("again", "kept"), [({"reason": "New reason"}, "New reason"), ({"reason": None}, None), ({}, None)]
)
def test_a_tag_that_is_assigned_again_keeps_only_its_creation_time(
    api: Caller, customer: Customer, contact: dict[str, Any], again: dict[str, str | None], kept: str | None
) -> None:
    _, first, _ = assign(api, contact, customer.tag_ids[0], reason="Old reason")
    time.sleep(0.002)  # times have milliseconds
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
    assert (status, again["tagId"], remaining) == (200, twenty[0], "0")  # the same tag counts once
    assert assign(api, contact, new_id()) == (*TAG_NOT_FOUND, None)  # checked before the limit

    remove(api, contact, twenty[0])
    status, last, remaining = assign(api, contact, one_too_many)
    assert (status, last["tagId"], remaining) == (201, one_too_many, "0")


def test_a_removed_tag_that_is_assigned_again_is_new(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    _, first, _ = assign(api, contact, customer.tag_ids[0])
    remove(api, contact, customer.tag_ids[0])
    time.sleep(0.002)  # times have milliseconds
    status, second, _ = assign(api, contact, customer.tag_ids[0])
    assert (status, second) == (201, first | {"createdAt": second["createdAt"], "updatedAt": second["createdAt"]})
    assert second["createdAt"] > first["createdAt"]


def test_a_tag_is_not_found_if_it_is_unknown_deleted_or_of_another_tenant(
    api: Caller, customer: Customer, other_customer: Customer, contact: dict[str, Any]
) -> None:
    for tag_id in new_id(), contact["id"], customer.deleted_tag_id, other_customer.tag_ids[0]:
        assert assign(api, contact, tag_id) == (*TAG_NOT_FOUND, None)
    assert find(api, contact) == (200, contact | {"tagAssignments": []})


def test_an_unknown_tag_does_not_stand_in_the_way_of_a_known_one(
    api: Caller, customer: Customer, contact: dict[str, Any]
) -> None:
    find(api, contact)  # the function's process may remember the contact now
    assert assign(api, contact, new_id()) == (*TAG_NOT_FOUND, None)
    assert assign(api, contact, customer.tag_ids[0])[0] == 201


def test_a_contact_of_another_tenant_is_not_found_and_gets_no_tag(
    api: Caller, customer: Customer, other_customer: Customer, contact: dict[str, Any]
) -> None:
    for tag_id in other_customer.tag_ids[0], customer.tag_ids[0]:
        assert assign(other_customer.full, contact, tag_id) == (*CONTACT_NOT_FOUND, None)
    assert find(api, contact) == (200, contact | {"tagAssignments": []})


def test_a_deleted_contact_is_not_found_and_not_created_again(
    api: Caller, customer: Customer, contact: dict[str, Any]
) -> None:
    api.call("DELETE", f"/v1/contacts/{contact['id']}")
    assert assign(api, contact, customer.tag_ids[0]) == (*CONTACT_NOT_FOUND, None)
    assert api.call("GET", f"/v1/contacts/by-phone?phone={contact['phone']}") == CONTACT_NOT_FOUND


def test_if_contact_and_tag_are_both_unknown_the_contact_is_reported(api: Caller) -> None:
    assert assign(api, {"id": new_id()}, new_id()) == (*CONTACT_NOT_FOUND, None)


@pytest.mark.parametrize("is_deleted_tag", [True, False])
def test_if_contact_and_tag_are_both_deleted_the_contact_is_reported(
    api: Caller,
    customer: Customer,
    contact: dict[str, Any],
    is_deleted_tag: bool,  # noqa: FBT001
) -> None:
    tag_id = customer.deleted_tag_id if is_deleted_tag else "cnosuchtag"
    assert assign(api, contact, tag_id) == (*TAG_NOT_FOUND, None)  # the function's process knows the contact now
    api.call("DELETE", f"/v1/contacts/{contact['id']}")
    assert assign(api, contact, tag_id) == (*CONTACT_NOT_FOUND, None)


def test_a_malformed_body_is_refused_before_the_contact_is_read(api: Caller) -> None:
    assert api.call("POST", f"/v1/contacts/{NOBODYS_ID}/tags", body="null") == NO_OBJECT


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, invalid("tag_id", "tag_id: Field required.")),
        ({"tagId": "c1234567"}, invalid("tag_id", "tag_id: Field required.")),
        ({"tag_id": None}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": 1234567}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": ["c1234567"]}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": ""}, MALFORMED_TAG_ID),
        ({"tag_id": "vip"}, MALFORMED_TAG_ID),
        ({"tag_id": "c123456"}, MALFORMED_TAG_ID),
        ({"tag_id": "c" + "1" * 32}, MALFORMED_TAG_ID),
        ({"tag_id": "C1234567"}, MALFORMED_TAG_ID),
        ({"tag_id": " c1234567"}, MALFORMED_TAG_ID),
        ({"tag_id": "c1234567\n"}, MALFORMED_TAG_ID),
        ({"tag_id": "c123456é"}, MALFORMED_TAG_ID),
        ({"tag_id": "c" * 4096}, MALFORMED_TAG_ID),
        ({"tag_id": "NAME#vip"}, MALFORMED_TAG_ID),
        ({"tag_id": "c1234567\0"}, MALFORMED_TAG_ID),
        ({"tag_id": "c1234567\ud83d"}, invalid("tag_id", f"tag_id: {NOT_UNICODE}")),
        ({"tag_id": "c1234567", "reason": 1}, invalid("reason", f"reason: {NOT_A_STRING}")),
        ({"tag_id": "c1234567", "reason": {}}, invalid("reason", f"reason: {NOT_A_STRING}")),
        (
            {"tag_id": "c1234567", "reason": "x" * 501},
            invalid("reason", "reason: String should have at most 500 characters."),
        ),
        ({"tag_id": "c1234567", "reason": "a\0b"}, invalid("reason", f"reason: {NOT_STORABLE}")),
        ({"tag_id": "c1234567", "reason": "a\ud83d"}, invalid("reason", f"reason: {NOT_UNICODE}")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_refusal_of_a_malformed_field_names_it(
    api: Caller, contact: dict[str, Any], body: dict[str, Any], refusal: tuple[int, Any]
) -> None:
    assert api.call("POST", f"/v1/contacts/{contact['id']}/tags", json_body=body) == refusal


@pytest.mark.parametrize("reason", ["😀" * 500, " kept as it is\n", ""])
def test_a_reason_is_stored_unchanged(api: Caller, customer: Customer, contact: dict[str, Any], reason: str) -> None:
    _, assignment, _ = assign(api, contact, customer.tag_ids[0], reason=reason)
    assert assignment["reason"] == reason
    assert find(api, contact) == (200, contact | {"tagAssignments": [assignment]})


def test_unknown_fields_are_ignored(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    status, assignment, _ = assign(api, contact, customer.tag_ids[0], source="MANUAL_ADMIN", contact_id="c1234567")
    assert (status, assignment["source"], assignment["contactId"]) == (201, "API", contact["id"])

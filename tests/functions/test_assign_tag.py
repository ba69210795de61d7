"""POST /v1/contacts/{contactId}/tags"""

import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from contacts.runtime.identifiers import new_id
from contacts.storage import contacts
from contacts.storage.items import ContactItem
from tests.events import ACME, Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT, TAG_LIMIT_REACHED, TAG_NOT_FOUND, invalid

FUNCTION = "assign_tag"
NO_TAG_ID = invalid("tag_id", "tag_id: String should match pattern '^c[a-z0-9]{7,31}$'.")
NOT_A_STRING = "Input should be a valid string."
NO_UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string."
TOO_LONG = "String should have at most 500 characters."
NOT_STORABLE = "Input should have neither NUL characters nor lone surrogates."


def assign(tenant: Tenant, contact: dict[str, Any], tag_id: str, **reason: str | None) -> tuple[int, Any]:
    return call(FUNCTION, tenant, contactId=contact["id"], json_body={"tag_id": tag_id} | reason)


def tags_remaining(tenant: Tenant, contact: dict[str, Any], tag_id: str) -> tuple[int, str | None]:
    answer = invoke(FUNCTION, build_event(FUNCTION, tenant, contactId=contact["id"], json_body={"tag_id": tag_id}))
    return answer["statusCode"], answer["headers"].get("X-Tags-Remaining")


def test_a_tag_is_assigned(acme: Tenant, contact: dict[str, Any]) -> None:
    before = timestamps.now()
    status, assignment = assign(acme, contact, acme.tag_ids[0], reason="Asked for an invoice")
    assert before <= assignment["createdAt"] <= timestamps.now()
    assert (status, assignment) == (
        201,
        {
            "contactId": contact["id"],
            "tagId": acme.tag_ids[0],
            "source": "API",
            "reason": "Asked for an invoice",
            "createdAt": assignment["createdAt"],
            "updatedAt": assignment["createdAt"],
        },
    )
    assert list(assignment) == ["contactId", "tagId", "source", "reason", "createdAt", "updatedAt"]


def test_the_contact_itself_is_not_updated_by_it(acme: Tenant, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    _, assignment = assign(acme, contact, acme.tag_ids[0])
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": [assignment]})


@pytest.mark.parametrize(("again", "reason"), [({"reason": "New"}, "New"), ({"reason": None}, None), ({}, None)])
def test_assigning_again_keeps_its_beginning_alone(
    acme: Tenant, contact: dict[str, Any], again: dict[str, str | None], reason: str | None
) -> None:
    _, first = assign(acme, contact, acme.tag_ids[0], reason="Old")
    time.sleep(0.002)
    status, second = assign(acme, contact, acme.tag_ids[0], **again)
    assert (status, second) == (200, first | {"reason": reason, "updatedAt": second["updatedAt"]})
    assert second["updatedAt"] > first["updatedAt"]
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": [second]})


@pytest.mark.parametrize(
    ("source", "weight"), [("MANUAL_ADMIN", 4), ("MANUAL_AGENT", 3), ("AI_TOOL", 2), ("AI_AUTO_CLOSE", 1)]
)
def test_the_api_replaces_an_assignment_of_any_source(
    acme: Tenant, contact: dict[str, Any], source: str, weight: int
) -> None:
    tag_id, long_ago = acme.tag_ids[0], "2026-01-01T00:00:00.000Z"
    ContactItem(*ContactItem.key(acme.id, contact["phone"])).update(
        [
            ContactItem.tags[tag_id].set({"source": source, "weight": weight, "updated_at": long_ago}),
            ContactItem.tag_origins[tag_id].set({"created_at": long_ago, "written_by": "somebody"}),
        ]
    )
    status, assignment = assign(acme, contact, tag_id)
    assert (status, assignment["source"], assignment["createdAt"]) == (200, "API", long_ago)


def test_a_contact_takes_20_tags_and_says_how_many_more(acme: Tenant, contact: dict[str, Any]) -> None:
    *twenty, one_too_many = acme.tag_ids
    assert [tags_remaining(acme, contact, tag_id) for tag_id in twenty] == [
        (201, str(remaining)) for remaining in range(19, -1, -1)
    ]
    assert assign(acme, contact, one_too_many) == TAG_LIMIT_REACHED
    assert tags_remaining(acme, contact, one_too_many) == (409, None)
    assert tags_remaining(acme, contact, twenty[0]) == (200, "0")  # the same again counts once
    _, found = call("get_contact", acme, contactId=contact["id"])
    assert {each["tagId"] for each in found["tagAssignments"]} == set(twenty)

    call("remove_tag", acme, contactId=contact["id"], tagId=twenty[0])
    assert tags_remaining(acme, contact, one_too_many) == (201, "0")


def test_a_removed_tag_begins_anew(acme: Tenant, contact: dict[str, Any]) -> None:
    _, first = assign(acme, contact, acme.tag_ids[0])
    call("remove_tag", acme, contactId=contact["id"], tagId=acme.tag_ids[0])
    time.sleep(0.002)
    status, second = assign(acme, contact, acme.tag_ids[0])
    assert status == 201
    assert second["createdAt"] > first["createdAt"]


def test_an_unknown_tag_is_not_found(acme: Tenant, contact: dict[str, Any]) -> None:
    assert assign(acme, contact, new_id()) == TAG_NOT_FOUND


def test_another_tenants_tag_is_not_found(acme: Tenant, globex: Tenant, contact: dict[str, Any]) -> None:
    assert assign(acme, contact, globex.tag_ids[0]) == TAG_NOT_FOUND


def test_a_deleted_tag_is_not_found(acme: Tenant, contact: dict[str, Any]) -> None:
    assert assign(acme, contact, acme.deleted_tag_id) == TAG_NOT_FOUND


def test_a_tag_is_not_found_for_a_contact_that_is_known_already(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call("get_contact", acme, contactId=contact["id"])[0] == 200
    assert assign(acme, contact, new_id()) == TAG_NOT_FOUND
    assert assign(acme, contact, acme.tag_ids[0])[0] == 201


def test_another_tenants_contact_is_not_found(acme: Tenant, globex: Tenant, contact: dict[str, Any]) -> None:
    assert assign(globex, contact, globex.tag_ids[0]) == CONTACT_NOT_FOUND
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_a_deleted_contact_is_not_found_and_does_not_come_back(acme: Tenant, contact: dict[str, Any]) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    assert assign(acme, contact, acme.tag_ids[0]) == CONTACT_NOT_FOUND
    assert call("get_contact_by_phone", acme, query={"phone": contact["phone"]}) == CONTACT_NOT_FOUND


def test_of_a_contact_and_a_tag_that_are_both_missing_the_contact_is_named(acme: Tenant) -> None:
    assert assign(acme, {"id": new_id()}, new_id()) == CONTACT_NOT_FOUND


@pytest.mark.parametrize("tag_id", ["cnosuchtag", ACME.deleted_tag_id])
def test_so_it_is_by_a_function_that_knew_the_contact(acme: Tenant, contact: dict[str, Any], tag_id: str) -> None:
    assert assign(acme, contact, tag_id) == TAG_NOT_FOUND
    call("delete_contact", acme, contactId=contact["id"])
    assert contact["id"] in {sk for _, sk in contacts._known_phones}
    assert assign(acme, contact, tag_id) == CONTACT_NOT_FOUND


def test_a_malformed_body_is_refused_before_the_contact_is_looked_for(acme: Tenant) -> None:
    assert call(FUNCTION, acme, contactId="c1234567", body="null") == NO_OBJECT


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, invalid("tag_id", "tag_id: Field required.")),
        ({"tagId": "c1234567"}, invalid("tag_id", "tag_id: Field required.")),
        ({"tag_id": None}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": 1234567}, invalid("tag_id", f"tag_id: {NOT_A_STRING}")),
        ({"tag_id": ""}, NO_TAG_ID),
        ({"tag_id": "vip"}, NO_TAG_ID),
        ({"tag_id": "c123456"}, NO_TAG_ID),
        ({"tag_id": "c" + "1" * 32}, NO_TAG_ID),
        ({"tag_id": "C1234567"}, NO_TAG_ID),
        ({"tag_id": "NAME#vip"}, NO_TAG_ID),
        ({"tag_id": "c1234567\ud83d"}, invalid("tag_id", f"tag_id: {NO_UNICODE}")),
        ({"tag_id": "c1234567", "reason": 1}, invalid("reason", f"reason: {NOT_A_STRING}")),
        ({"tag_id": "c1234567", "reason": "x" * 501}, invalid("reason", f"reason: {TOO_LONG}")),
        ({"tag_id": "c1234567", "reason": "a\0b"}, invalid("reason", f"reason: {NOT_STORABLE}")),
    ],
)
def test_a_field_that_is_wrong_is_named(
    acme: Tenant, contact: dict[str, Any], body: dict[str, Any], refusal: tuple[int, Any]
) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], json_body=body) == refusal


def test_500_characters_of_reason_are_kept(acme: Tenant, contact: dict[str, Any]) -> None:
    assert assign(acme, contact, acme.tag_ids[0], reason="😀" * 500)[1]["reason"] == "😀" * 500

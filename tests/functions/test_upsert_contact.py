"""POST /v1/contacts"""

import re
import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from tests.events import Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import NO_DIGITS, WRONG_LENGTH, invalid

FUNCTION = "upsert_contact"
NOT_A_STRING = "Input should be a valid string."
NOT_STORABLE = "Input should have neither NUL characters nor lone surrogates."


def test_a_new_contact_is_created(acme: Tenant) -> None:
    before = timestamps.now()
    status, contact = call(FUNCTION, acme, json_body={"phone": "+49 151 2345678", "display_name": " Ada "})
    assert re.fullmatch(r"c[a-z0-9]{24}", contact["id"])
    assert before <= contact["createdAt"] <= timestamps.now()
    assert (status, contact) == (
        201,
        {
            "id": contact["id"],
            "tenantId": acme.id,
            "phone": "491512345678",
            "displayName": "Ada",
            "firstSeenAt": contact["createdAt"],
            "lastSeenAt": contact["createdAt"],
            "createdAt": contact["createdAt"],
            "updatedAt": contact["createdAt"],
        },
    )
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_the_keys_stand_in_the_order_of_the_contract(acme: Tenant) -> None:
    answer = invoke(FUNCTION, build_event(FUNCTION, acme, json_body={"phone": "12345"}))
    assert re.findall(r'"(\w+)":', answer["body"]) == [
        "id", "tenantId", "phone", "displayName", "firstSeenAt", "lastSeenAt", "createdAt", "updatedAt",
    ]  # fmt: skip


def test_an_existing_contact_is_refreshed_by_every_call(acme: Tenant, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    before = timestamps.now()
    status, again = call(FUNCTION, acme, json_body={"phone": "49(151)2345678", "display_name": "Grace"})
    assert before <= again["lastSeenAt"] <= timestamps.now()
    assert (status, again) == (
        200,
        contact | {"displayName": "Grace", "lastSeenAt": again["lastSeenAt"], "updatedAt": again["lastSeenAt"]},
    )
    time.sleep(0.002)
    _, once_more = call(FUNCTION, acme, json_body={"phone": contact["phone"]})
    assert once_more["lastSeenAt"] > again["lastSeenAt"]


@pytest.mark.parametrize("name", [{}, {"display_name": None}, {"display_name": ""}, {"display_name": " \t\u3000"}])
def test_a_name_is_replaced_by_another_name_only(acme: Tenant, contact: dict[str, Any], name: dict[str, Any]) -> None:
    status, again = call(FUNCTION, acme, json_body={"phone": contact["phone"]} | name)
    assert (status, again["displayName"]) == (200, "Ada")


def test_a_contact_without_a_name_can_get_one(acme: Tenant) -> None:
    assert call(FUNCTION, acme, json_body={"phone": "12345"})[1]["displayName"] is None
    assert call(FUNCTION, acme, json_body={"phone": "12345", "display_name": "Ada"})[1]["displayName"] == "Ada"


def test_a_long_name_is_cut_between_code_points(acme: Tenant) -> None:
    status, contact = call(FUNCTION, acme, json_body={"phone": "12345", "display_name": "😀" * 200})
    assert (status, contact["displayName"]) == (201, "😀" * 128)


def test_tags_stay_when_a_contact_is_refreshed(acme: Tenant, contact: dict[str, Any]) -> None:
    _, assignment = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    call(FUNCTION, acme, json_body={"phone": contact["phone"]})
    _, found = call("get_contact", acme, contactId=contact["id"])
    assert found["tagAssignments"] == [assignment]


def test_the_same_phone_is_another_contact_for_another_tenant(globex: Tenant, contact: dict[str, Any]) -> None:
    status, other = call(FUNCTION, globex, json_body={"phone": contact["phone"]})
    assert (status, other["tenantId"], other["displayName"]) == (201, globex.id, None)
    assert other["id"] != contact["id"]


def test_a_contact_that_is_deleted_and_created_again_is_a_new_one(acme: Tenant, contact: dict[str, Any]) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    status, again = call(FUNCTION, acme, json_body={"phone": contact["phone"]})
    assert (status, again["displayName"]) == (201, None)
    assert again["id"] != contact["id"]
    assert again["createdAt"] >= contact["createdAt"]


def test_unknown_fields_are_ignored(acme: Tenant, globex: Tenant) -> None:
    body = {"phone": "12345", "tenantId": globex.id, "tenant_id": globex.id, "id": "c1234567", "displayName": "Eve"}
    status, contact = call(FUNCTION, acme, json_body=body)
    assert (status, contact["tenantId"], contact["displayName"]) == (201, acme.id, None)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, invalid("phone", "phone: Field required.")),
        ({"phone": None}, invalid("phone", f"phone: {NOT_A_STRING}")),
        ({"phone": 491512345678}, invalid("phone", f"phone: {NOT_A_STRING}")),
        ({"phone": ""}, WRONG_LENGTH),
        ({"phone": "+"}, WRONG_LENGTH),
        ({"phone": "1234"}, WRONG_LENGTH),
        ({"phone": "1" * 33}, WRONG_LENGTH),
        ({"phone": "1" * 10_000}, WRONG_LENGTH),
        ({"phone": "0800 CONTACT"}, NO_DIGITS),
        ({"phone": "49151234567²"}, NO_DIGITS),
        ({"phone": "49151234567\0"}, NO_DIGITS),
        ({"phone": "49151234567\ud83d"}, NO_DIGITS),
        (
            {"phone": "12345", "display_name": 5},
            invalid("display_name", f"display_name: {NOT_A_STRING}"),
        ),
        (
            {"phone": "12345", "display_name": "A\0da"},
            invalid("display_name", f"display_name: {NOT_STORABLE}"),
        ),
        (
            {"phone": "12345", "display_name": "A\ud83d"},
            invalid("display_name", f"display_name: {NOT_STORABLE}"),
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(acme: Tenant, body: dict[str, Any], refusal: tuple[int, Any]) -> None:
    assert call(FUNCTION, acme, json_body=body) == refusal


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("٠١٢٣٤٥", "012345"),
        ("１２３４５", "12345"),
        ("\u202a12345\u202c", "12345"),
        ("0012345", "0012345"),
        ("12345", "12345"),
        ("1" * 32, "1" * 32),
    ],
)
def test_the_phone_is_normalized(acme: Tenant, written: str, normalized: str) -> None:
    assert call(FUNCTION, acme, json_body={"phone": written})[1]["phone"] == normalized

"""POST /v1/contacts"""

import re
import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from tests.behaviour.phones import MALFORMED, NORMALIZED, SPELLINGS
from tests.refusals import NO_DIGITS, invalid
from tests.system import Caller, Customer

NOT_A_STRING = invalid("phone", "phone: Input should be a valid string.")


def upsert(api: Caller, phone: object, **others: object) -> tuple[int, Any]:
    return api.call("POST", "/v1/contacts", json_body={"phone": phone, **others})


def test_a_new_contact_is_created(api: Caller, customer: Customer, phone: str) -> None:
    before = timestamps.now()
    status, contact = upsert(api, f"+{phone}", display_name=" Ada Lovelace ")
    assert re.fullmatch(r"c[a-z0-9]{24}", contact["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", contact["createdAt"])
    assert before <= contact["createdAt"] <= timestamps.now()
    assert (status, contact) == (
        201,
        {
            "id": contact["id"],
            "tenantId": customer.tenant_id,
            "phone": phone,
            "displayName": "Ada Lovelace",
            "firstSeenAt": contact["createdAt"],
            "lastSeenAt": contact["createdAt"],
            "createdAt": contact["createdAt"],
            "updatedAt": contact["createdAt"],
        },
    )
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_the_keys_of_a_contact_have_the_order_of_the_contract(contact: dict[str, Any]) -> None:
    assert list(contact) == [
        *("id", "tenantId", "phone", "displayName", "firstSeenAt", "lastSeenAt", "createdAt", "updatedAt")
    ]


def test_every_call_refreshes_an_existing_contact(api: Caller, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    before = timestamps.now()
    status, again = upsert(api, f"({contact['phone'][:5]}) {contact['phone'][5:]}", display_name="Grace Hopper")
    assert before <= again["lastSeenAt"] <= timestamps.now()
    assert (status, again) == (
        200,
        contact | {"displayName": "Grace Hopper", "lastSeenAt": again["lastSeenAt"], "updatedAt": again["lastSeenAt"]},
    )
    time.sleep(0.002)
    _, once_more = upsert(api, contact["phone"])
    assert once_more == again | {"lastSeenAt": once_more["lastSeenAt"], "updatedAt": once_more["lastSeenAt"]}
    assert once_more["lastSeenAt"] > again["lastSeenAt"]


@pytest.mark.parametrize("name", [{}, {"display_name": None}, {"display_name": ""}, {"display_name": " \t\u3000"}])
def test_only_another_name_replaces_a_name(api: Caller, contact: dict[str, Any], name: dict[str, str | None]) -> None:
    status, again = upsert(api, contact["phone"], **name)
    assert (status, again["displayName"]) == (200, "Ada Lovelace")


def test_a_contact_without_a_name_can_get_one(api: Caller, phone: str) -> None:
    assert upsert(api, phone)[1]["displayName"] is None
    assert upsert(api, phone, display_name="Ada Lovelace")[1]["displayName"] == "Ada Lovelace"


def test_a_refreshed_contact_keeps_its_tags(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    _, refreshed = upsert(api, contact["phone"])
    assert api.call("GET", path) == (200, refreshed | {"tagAssignments": [assignment]})


def test_the_same_phone_is_another_contact_for_another_tenant(
    other_customer: Customer, contact: dict[str, Any]
) -> None:
    status, other = upsert(other_customer.full, contact["phone"])
    assert (status, other["tenantId"], other["displayName"]) == (201, other_customer.tenant_id, None)
    assert other["id"] != contact["id"]


def test_a_deleted_contact_that_is_created_again_is_a_new_contact(api: Caller, contact: dict[str, Any]) -> None:
    api.call("DELETE", f"/v1/contacts/{contact['id']}")
    time.sleep(0.002)  # times have milliseconds
    status, again = upsert(api, contact["phone"])
    assert (status, again["displayName"]) == (201, None)
    assert again["id"] != contact["id"]
    assert again["firstSeenAt"] == again["createdAt"] > contact["createdAt"]


@pytest.mark.parametrize("written", SPELLINGS)
def test_all_spellings_of_a_phone_are_one_contact(api: Caller, written: str) -> None:
    _, contact = upsert(api, NORMALIZED)
    status, again = upsert(api, written)
    assert (status, again["id"], again["phone"]) == (200, contact["id"], NORMALIZED)


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("00491512345678", "00491512345678"),
        ("01512345678", "01512345678"),
        ("0012345", "0012345"),
        ("12345", "12345"),
        ("1" * 32, "1" * 32),
        ("٠١٢٣٤٥", "012345"),
        ("１２３４５", "12345"),
        ("\u202a12345\u202c", "12345"),
    ],
)
def test_no_digit_is_dropped_or_added(api: Caller, written: str, normalized: str) -> None:
    assert upsert(api, written)[1]["phone"] == normalized


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        *MALFORMED,
        ("49151234567\ud83d", NO_DIGITS),
        (None, NOT_A_STRING),
        (491512345678, NOT_A_STRING),
        (True, NOT_A_STRING),
        (["491512345678"], NOT_A_STRING),
        ({"phone": "491512345678"}, NOT_A_STRING),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_malformed_phone_is_refused(api: Caller, written: object, refusal: tuple[int, Any]) -> None:
    assert upsert(api, written) == refusal


@pytest.mark.parametrize("body", [{}, {"display_name": "Ada Lovelace"}])
def test_a_phone_is_required(api: Caller, body: dict[str, str]) -> None:
    assert api.call("POST", "/v1/contacts", json_body=body) == invalid("phone", "phone: Field required.")


def test_unknown_fields_and_parameters_are_ignored(
    api: Caller, customer: Customer, other_customer: Customer, phone: str
) -> None:
    tenant = {"tenantId": other_customer.tenant_id, "tenant_id": other_customer.tenant_id}
    body = {"phone": phone, "id": "c1234567", "displayName": "Eve", "firstSeenAt": "2020-01-01T00:00:00.000Z", "x": {}}
    status, contact = api.call("POST", "/v1/contacts?phone=12345&display_name=Eve&x", json_body=body | tenant)
    assert (status, contact["phone"], contact["displayName"]) == (201, phone, None)
    assert contact["tenantId"] == customer.tenant_id
    assert contact["id"] != "c1234567"
    assert contact["firstSeenAt"] == contact["createdAt"]


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"),
        *("nonsense",),
    ],
)
@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_the_content_type_does_not_matter(api: Caller, phone: str, name: str, content_type: str | None) -> None:
    body = f'{{"phone": "{phone}", "display_name": "Zoë Björk"}}'.encode()
    status, contact = api.call("POST", "/v1/contacts", body=body, headers={name: content_type})
    assert (status, contact["displayName"]) == (201, "Zoë Björk")

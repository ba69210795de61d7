"""PATCH /v1/contacts/{contactId}"""

import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from tests.behaviour.conftest import System
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT, invalid
from tests.system import NOBODYS_ID, Caller, Customer

PHONE_IS_IDENTITY = invalid(
    "phone", "The phone is the contact's identity: delete the contact and create one with the other phone."
)


def update(api: Caller, contact: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
    return api.call("PATCH", f"/v1/contacts/{contact['id']}", json_body=body)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Grace Hopper", "Grace Hopper"),
        (" Grace Hopper\n", "Grace Hopper"),
        ("Ada Lovelace", "Ada Lovelace"),
        (None, None),
        (" ", None),
    ],
)
def test_a_name_is_set_or_cleared(api: Caller, contact: dict[str, Any], sent: str | None, kept: str | None) -> None:
    time.sleep(0.002)  # times have milliseconds
    before = timestamps.now()
    status, updated = update(api, contact, {"display_name": sent})
    assert contact["updatedAt"] < before <= updated["updatedAt"] <= timestamps.now()
    assert (status, updated) == (200, contact | {"displayName": kept, "updatedAt": updated["updatedAt"]})
    assert list(updated) == list(contact)
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, updated | {"tagAssignments": []})


def test_the_name_of_a_contact_without_a_name_can_be_cleared(api: Caller, phone: str) -> None:
    _, nameless = api.call("POST", "/v1/contacts", json_body={"phone": phone})
    status, updated = update(api, nameless, {"display_name": None})
    assert (status, updated) == (200, nameless | {"updatedAt": updated["updatedAt"]})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"displayName": "Eve"},
        {"id": "c1234567", "tenant_id": "c1234567", "x": None},
        {"id": "c1234567", "lastSeenAt": None},
    ],
)
def test_a_body_without_a_known_field_writes_nothing(
    api: Caller, contact: dict[str, Any], system: System, body: dict[str, Any]
) -> None:
    before = system.read_items()
    assert update(api, contact, body) == (200, contact)
    assert system.read_items() == before


@pytest.mark.parametrize("new_phone", ["+49 151 99999999", "99999", "", None, 7])
@pytest.mark.parametrize("others", [{}, {"display_name": "Grace Hopper"}])
def test_the_phone_cannot_be_changed(
    api: Caller, contact: dict[str, Any], new_phone: object, others: dict[str, str]
) -> None:
    assert update(api, contact, {"phone": new_phone, **others}) == PHONE_IS_IDENTITY
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_the_phone_is_refused_even_when_it_is_the_same(api: Caller, contact: dict[str, Any]) -> None:
    assert update(api, contact, {"phone": contact["phone"]}) == PHONE_IS_IDENTITY


def test_a_renamed_contact_keeps_its_tags(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    _, renamed = update(api, contact, {"display_name": "Grace Hopper"})
    assert api.call("GET", path) == (200, renamed | {"tagAssignments": [assignment]})


@pytest.mark.parametrize("body", [{"display_name": "Eve"}, {}])
def test_a_contact_of_another_tenant_is_not_found_and_not_changed(
    api: Caller, other_customer: Customer, contact: dict[str, Any], body: dict[str, Any]
) -> None:
    assert update(other_customer.full, contact, body) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("body", [{"display_name": "Eve"}, {}])
def test_a_deleted_contact_is_not_found_and_not_created_again(
    api: Caller, contact: dict[str, Any], body: dict[str, Any]
) -> None:
    api.call("DELETE", f"/v1/contacts/{contact['id']}")
    assert update(api, contact, body) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/by-phone?phone={contact['phone']}") == CONTACT_NOT_FOUND


def test_a_malformed_body_is_refused_before_the_contact_is_read(api: Caller) -> None:
    assert api.call("PATCH", f"/v1/contacts/{NOBODYS_ID}", body="[]") == NO_OBJECT

"""PATCH /v1/contacts/{contactId}"""

import time
from typing import Any

import pytest

from contacts.runtime import timestamps
from local.stack import Stack
from tests.refusals import invalid
from tests.system import Caller, Customer, read_items

PHONE_IS_IDENTITY = invalid(
    "phone", "The phone is the contact's identity: delete the contact and create one with the other phone."
)


def update(api: Caller, contact: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
    return api.call("PATCH", f"/v1/contacts/{contact['id']}", json_body=body)


@pytest.mark.parametrize(
    ("sent", "kept"), [("Grace Hopper", "Grace Hopper"), (None, None), (" ", None), ("Ada Lovelace", "Ada Lovelace")]
)
def test_a_name_is_set_or_cleared(api: Caller, contact: dict[str, Any], sent: str | None, kept: str | None) -> None:
    time.sleep(0.002)  # times have milliseconds
    before = timestamps.now()
    status, updated = update(api, contact, {"display_name": sent})
    assert before <= updated["updatedAt"] <= timestamps.now()
    assert (status, updated) == (200, contact | {"displayName": kept, "updatedAt": updated["updatedAt"]})
    assert list(updated) == list(contact)


@pytest.mark.parametrize("body", [{}, {"displayName": "Eve"}, {"id": "c1234567", "tenant_id": "c1234567", "x": None}])
def test_a_body_that_names_nothing_writes_nothing(
    api: Caller, contact: dict[str, Any], stack: Stack, body: dict[str, Any]
) -> None:
    before = read_items(stack)
    assert update(api, contact, body) == (200, contact)
    assert read_items(stack) == before


@pytest.mark.parametrize("new_phone", ["4915199999999", None, 1, ""])
@pytest.mark.parametrize("others", [{}, {"display_name": "Grace Hopper"}])
def test_the_phone_cannot_be_changed(
    api: Caller, contact: dict[str, Any], new_phone: object, others: dict[str, str]
) -> None:
    assert update(api, contact, {"phone": new_phone, **others}) == PHONE_IS_IDENTITY
    assert update(api, contact, {}) == (200, contact)


def test_the_phone_cannot_be_named_even_as_it_is(api: Caller, contact: dict[str, Any]) -> None:
    assert update(api, contact, {"phone": contact["phone"]}) == PHONE_IS_IDENTITY


def test_tags_stay_when_a_contact_is_renamed(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    _, renamed = update(api, contact, {"display_name": "Grace Hopper"})
    assert api.call("GET", path) == (200, renamed | {"tagAssignments": [assignment]})

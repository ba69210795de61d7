"""PATCH /v1/contacts/{contactId}"""

import time
from typing import Any

import pytest

from tests.events import Tenant
from tests.functions.conftest import Wire
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT, invalid

FUNCTION = "update_contact"

IDENTITY = invalid(
    "phone", "The phone is the contact's identity: delete the contact and create one with the other phone."
)


@pytest.mark.parametrize(
    ("given", "kept"), [("Grace", "Grace"), (" Grace\n", "Grace"), ("😀" * 200, "😀" * 128), (None, None), (" ", None)]
)
def test_a_name_is_set_and_null_clears_it(
    acme: Tenant, contact: dict[str, Any], given: str | None, kept: str | None
) -> None:
    time.sleep(0.002)  # times have milliseconds
    status, updated = call(FUNCTION, acme, contactId=contact["id"], json_body={"display_name": given})
    assert (status, updated) == (200, contact | {"displayName": kept, "updatedAt": updated["updatedAt"]})
    assert updated["updatedAt"] > contact["updatedAt"]
    assert call("get_contact", acme, contactId=contact["id"]) == (200, updated | {"tagAssignments": []})


def test_a_contact_without_a_name_can_be_cleared(acme: Tenant) -> None:
    _, nameless = call("upsert_contact", acme, json_body={"phone": "12345"})
    status, updated = call(FUNCTION, acme, contactId=nameless["id"], json_body={"display_name": None})
    assert (status, updated) == (200, nameless | {"updatedAt": updated["updatedAt"]})


@pytest.mark.parametrize("body", [{}, {"displayName": "Eve"}, {"id": "c1234567", "lastSeenAt": None}])
def test_a_body_that_names_nothing_writes_nothing(
    acme: Tenant, contact: dict[str, Any], wire: Wire, body: dict[str, Any]
) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], json_body=body) == (200, contact)
    assert wire.operations == ["GetItem", "GetItem"]


@pytest.mark.parametrize("phone", ["+49 151 2345678", "99999", "", None, 7])
def test_the_phone_cannot_be_changed(acme: Tenant, contact: dict[str, Any], phone: object) -> None:
    body = {"phone": phone, "display_name": "Grace"}
    assert call(FUNCTION, acme, contactId=contact["id"], json_body=body) == IDENTITY
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_tags_stay(acme: Tenant, contact: dict[str, Any]) -> None:
    _, assignment = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    call(FUNCTION, acme, contactId=contact["id"], json_body={"display_name": "Grace"})
    _, found = call("get_contact", acme, contactId=contact["id"])
    assert found["tagAssignments"] == [assignment]


@pytest.mark.parametrize("body", [{"display_name": "Eve"}, {}])
def test_another_tenants_contact_is_not_found(
    acme: Tenant, globex: Tenant, contact: dict[str, Any], body: dict[str, Any]
) -> None:
    assert call(FUNCTION, globex, contactId=contact["id"], json_body=body) == CONTACT_NOT_FOUND
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("body", [{"display_name": "Eve"}, {}])
def test_a_deleted_contact_is_not_found_and_does_not_come_back(
    acme: Tenant, contact: dict[str, Any], body: dict[str, Any]
) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    assert call(FUNCTION, acme, contactId=contact["id"], json_body=body) == CONTACT_NOT_FOUND
    assert call("get_contact_by_phone", acme, query={"phone": contact["phone"]}) == CONTACT_NOT_FOUND


def test_a_malformed_body_is_refused_before_the_contact_is_looked_for(acme: Tenant) -> None:
    assert call(FUNCTION, acme, contactId="c1234567", body="[]") == NO_OBJECT


@pytest.mark.parametrize(
    ("name", "details"),
    [
        (5, "display_name: Input should be a valid string."),
        ({"first": "Ada"}, "display_name: Input should be a valid string."),
        ("\0", "display_name: Input should have neither NUL characters nor lone surrogates."),
        ("\udc00", "display_name: Input should have neither NUL characters nor lone surrogates."),
    ],
)
def test_a_name_that_is_wrong_is_refused(acme: Tenant, contact: dict[str, Any], name: object, details: str) -> None:
    refusal = invalid("display_name", details)
    assert call(FUNCTION, acme, contactId=contact["id"], json_body={"display_name": name}) == refusal

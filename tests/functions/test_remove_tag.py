"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

import time
from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.events import Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND

FUNCTION = "remove_tag"
OK = (200, {"ok": True})


@pytest.fixture
def assignment(acme: Tenant, contact: dict[str, Any]) -> dict[str, Any]:
    _, assignment = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    return dict(assignment)


def test_a_tag_is_taken_off(acme: Tenant, contact: dict[str, Any], assignment: dict[str, Any]) -> None:
    _, other = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[1]})
    time.sleep(0.002)  # times have milliseconds; the contact's do not move
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=assignment["tagId"]) == OK
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": [other]})


def test_again_it_is_ok(acme: Tenant, contact: dict[str, Any], assignment: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=assignment["tagId"]) == OK
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=assignment["tagId"]) == OK
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_a_tag_that_is_not_there_is_ok(acme: Tenant, contact: dict[str, Any], assignment: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=new_id()) == OK
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": [assignment]})


@pytest.mark.parametrize("tag_id", ["vip", "", "C1234567", "#", "NAME#vip", "..", "x" * 4096, "c1234567\n"])
def test_a_tag_id_of_any_shape_is_ok(acme: Tenant, contact: dict[str, Any], tag_id: str) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=tag_id) == OK


def test_a_contact_that_is_not_there_is_ok(acme: Tenant) -> None:
    assert call(FUNCTION, acme, contactId=new_id(), tagId=acme.tag_ids[0]) == OK


def test_a_deleted_contact_is_ok_and_does_not_come_back(
    acme: Tenant, contact: dict[str, Any], assignment: dict[str, Any]
) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    assert call(FUNCTION, acme, contactId=contact["id"], tagId=assignment["tagId"]) == OK
    assert call("get_contact_by_phone", acme, query={"phone": contact["phone"]}) == CONTACT_NOT_FOUND


def test_another_tenants_contact_is_ok_and_keeps_its_tag(
    acme: Tenant, globex: Tenant, contact: dict[str, Any], assignment: dict[str, Any]
) -> None:
    assert call(FUNCTION, globex, contactId=contact["id"], tagId=assignment["tagId"]) == OK
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": [assignment]})

"""DELETE /v1/contacts/{contactId}"""

import json
from typing import Any

import pytest

from tests.behaviour.conftest import System
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer

OK = (200, {"ok": True})


def test_a_contact_is_deleted_with_all_its_items(
    api: Caller, customer: Customer, system: System, contact: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    before = system.read_items()
    gone = [each for each in before if _names(each, contact)]
    assert len(gone) == 2
    assert api.call("DELETE", path) == OK
    assert system.read_items() == [each for each in before if each not in gone]
    assert api.call("GET", path) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/by-phone?phone={contact['phone']}") == CONTACT_NOT_FOUND


def _names(item: dict[str, Any], contact: dict[str, Any]) -> bool:
    text = json.dumps(item, default=str)
    return contact["id"] in text or contact["phone"] in text


def test_a_contact_is_deleted_once(api: Caller, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("DELETE", path) == OK
    assert api.call("DELETE", path) == CONTACT_NOT_FOUND


def test_a_contact_that_is_created_again_has_no_tags(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    api.call("DELETE", path)
    _, again = api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert api.call("GET", f"/v1/contacts/{again['id']}") == (200, again | {"tagAssignments": []})


def test_the_old_id_does_not_delete_the_new_contact(api: Caller, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("DELETE", path)
    _, again = api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert api.call("DELETE", path) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/{again['id']}") == (200, again | {"tagAssignments": []})


def test_a_contact_of_another_tenant_is_not_found_and_not_deleted(
    api: Caller, other_customer: Customer, contact: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert other_customer.full.call("DELETE", path) == CONTACT_NOT_FOUND
    assert api.call("GET", path) == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("body", [b"\xff no JSON", b"\xff{"])
def test_a_body_is_ignored(api: Caller, contact: dict[str, Any], body: bytes) -> None:
    assert api.call("DELETE", f"/v1/contacts/{contact['id']}", body=body) == OK

"""DELETE /v1/contacts/{contactId}"""

import json
from typing import Any

from local.stack import Stack
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer, read_items


def test_a_contact_is_deleted_with_all_that_was_stored_of_it(
    api: Caller, customer: Customer, contact: dict[str, Any], stack: Stack
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    assert len(_items_about(contact, stack)) == 2
    assert api.call("DELETE", path) == (200, {"ok": True})
    assert _items_about(contact, stack) == []


def _items_about(contact: dict[str, Any], stack: Stack) -> list[dict[str, Any]]:
    return [
        item for item in read_items(stack) if contact["id"] in json.dumps(item) or contact["phone"] in json.dumps(item)
    ]


def test_a_contact_is_deleted_once(api: Caller, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("DELETE", path) == (200, {"ok": True})
    assert api.call("DELETE", path) == CONTACT_NOT_FOUND


def test_tags_do_not_come_back_with_a_new_contact(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    api.call("DELETE", path)
    _, again = api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert api.call("GET", f"/v1/contacts/{again['id']}") == (200, again | {"tagAssignments": []})


def test_the_old_id_does_not_reach_a_new_contact(api: Caller, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("DELETE", path)
    _, again = api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert api.call("DELETE", path) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/{again['id']}") == (200, again | {"tagAssignments": []})


def test_a_body_is_not_looked_at(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("DELETE", f"/v1/contacts/{contact['id']}", body=b"\xff no JSON") == (200, {"ok": True})

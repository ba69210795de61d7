"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

import time
from typing import Any

import pytest

from tests.system import NOBODYS_ID, Caller, Customer

OK = (200, {"ok": True})


def test_a_tag_is_removed(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    removed, kept = customer.tag_ids[:2]
    api.call("POST", f"{path}/tags", json_body={"tag_id": removed})
    _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": kept})
    assert api.call("DELETE", f"{path}/tags/{removed}") == OK
    assert api.call("GET", path) == (200, contact | {"tagAssignments": [assignment]})
    assert api.call("DELETE", f"{path}/tags/{removed}") == OK
    assert api.call("GET", path) == (200, contact | {"tagAssignments": [assignment]})


def test_a_removed_tag_begins_anew(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path, tag_id = f"/v1/contacts/{contact['id']}/tags", customer.tag_ids[0]
    _, first = api.call("POST", path, json_body={"tag_id": tag_id})
    api.call("DELETE", f"{path}/{tag_id}")
    time.sleep(0.002)  # times have milliseconds
    status, second = api.call("POST", path, json_body={"tag_id": tag_id})
    assert (status, second) == (201, first | {"createdAt": second["createdAt"], "updatedAt": second["createdAt"]})
    assert second["createdAt"] > first["createdAt"]


@pytest.mark.parametrize(
    "tag_id", [NOBODYS_ID, "c1234567", "vip", "..%2F", "%23", "%00", "%FF", "c" * 4096, "NAME%23vip"]
)
def test_a_tag_that_is_not_there_is_gone_anyway(api: Caller, contact: dict[str, Any], tag_id: str) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("DELETE", f"{path}/tags/{tag_id}") == OK
    assert api.call("GET", path) == (200, contact | {"tagAssignments": []})


def test_a_contact_that_was_deleted_has_no_tag(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("DELETE", path)
    assert api.call("DELETE", f"{path}/tags/{customer.tag_ids[0]}") == OK
    assert api.call("GET", path)[0] == 404

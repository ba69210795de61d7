"""A tag that an administrator deletes, as callers of the API see it."""

from typing import Any

from tests.refusals import TAG_NOT_FOUND
from tests.system import Administer, Caller, Customer


def test_a_deleted_tag_is_removed_from_its_contacts(
    api: Caller, customer: Customer, contact: dict[str, Any], administer: Administer
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    tag_id = administer("tag", "create", customer.tenant_id, "Short-lived")["id"]
    assert api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id})[0] == 201
    administer("tag", "delete", customer.tenant_id, tag_id, "--yes", "--wait-seconds=0")
    assert api.call("GET", path) == (200, contact | {"tagAssignments": []})
    assert api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id}) == TAG_NOT_FOUND

"""Items in the table that endpoints alone do not write."""

from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage.items import ContactItem
from tests.events import Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND


def store_tags(tenant: Tenant, contact: dict[str, Any], source: str, weight: int, **created_at: str) -> None:
    """An assignment of this source per tag id."""
    assignment = {"source": source, "weight": weight, "updated_at": "2026-05-05T00:00:00.000Z"}
    ContactItem(*ContactItem.key(tenant.id, contact["phone"])).update(
        [
            ContactItem.tags.set(dict.fromkeys(created_at, assignment)),
            ContactItem.tag_origins.set(
                {tag: {"created_at": each, "written_by": "somebody"} for tag, each in created_at.items()}
            ),
        ]
    )


def test_tags_of_the_same_age_are_listed_by_id(acme: Tenant, contact: dict[str, Any]) -> None:
    same = "2026-02-02T00:00:00.000Z"
    store_tags(acme, contact, "AI_TOOL", 2, cbbbbbbb=same, caaaaaaa=same, czzzzzzz="2026-01-01")
    _, found = call("get_contact", acme, contactId=contact["id"])
    assert [each["tagId"] for each in found["tagAssignments"]] == ["czzzzzzz", "caaaaaaa", "cbbbbbbb"]
    assert found["tagAssignments"][1] == {
        "contactId": contact["id"],
        "tagId": "caaaaaaa",
        "source": "AI_TOOL",
        "reason": None,
        "createdAt": same,
        "updatedAt": "2026-05-05T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("source", "weight"), [("MANUAL_ADMIN", 4), ("MANUAL_AGENT", 3), ("AI_TOOL", 2), ("AI_AUTO_CLOSE", 1)]
)
def test_the_api_replaces_an_assignment_of_any_source(
    acme: Tenant, contact: dict[str, Any], source: str, weight: int
) -> None:
    tag_id, long_ago = acme.tag_ids[0], "2026-01-01T00:00:00.000Z"
    store_tags(acme, contact, source, weight, **{tag_id: long_ago})
    status, assignment = call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id})
    assert (status, assignment["source"], assignment["createdAt"]) == (200, "API", long_ago)


def test_a_pointer_without_a_contact_is_not_found(acme: Tenant, contact: dict[str, Any], table: Table) -> None:
    table.delete_item(Key={"pk": f"{acme.id}#{contact['phone']}", "sk": "CONTACT"})
    assert call("get_contact", acme, contactId=contact["id"]) == CONTACT_NOT_FOUND

"""Items in the table that endpoints alone do not write."""

from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage.items import ContactItem
from tests.events import ACME, Tenant
from tests.functions.conftest import create_queue
from tests.handlers import call, deliver
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


PHONE = "491512345678"
TAG_ID = ACME.tag_ids[0]
COMMAND = {"tenantId": ACME.id, "tagId": TAG_ID, "source": "MANUAL_AGENT", "issuedAt": "2026-01-01T00:00:00Z"}
MESSAGE = {"tenantId": ACME.id, "receivedAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("function", "request_", "source"),
    [
        ("upsert_contact", {"json_body": {"phone": PHONE}}, "API"),
        ("upsert_contact", {"json_body": {"phone": "99999"}}, "API"),
        ("upsert_contacts", {"json_body": {"contacts": [{"phone": PHONE, "tags": [{"tag_id": TAG_ID}]}]}}, "API"),
        ("upsert_contacts", {"json_body": {"contacts": [{"phone": "99999"}]}}, "API"),
        ("update_contact", {"json_body": {"display_name": "Grace"}}, "API"),
        ("update_contact", {"json_body": {"display_name": None}}, "API"),
        ("assign_tag", {"json_body": {"tag_id": TAG_ID}}, "API"),
        ("remove_tag", {"tagId": TAG_ID}, "API"),
    ],
)
def test_an_endpoint_that_writes_says_that_it_was_the_api(
    acme: Tenant, contact: dict[str, Any], table: Table, function: str, request_: dict[str, Any], source: str
) -> None:
    by_id = {} if "upsert" in function else {"contactId": contact["id"]}
    assert written_by(table, lambda: call(function, acme, **request_, **by_id)) == source


@pytest.mark.parametrize("phone", [PHONE, "99999"])
def test_an_inbound_message_that_writes_says_so(
    acme: Tenant, contact: dict[str, Any], table: Table, monkeypatch: pytest.MonkeyPatch, phone: str
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("InboundMessagesDeadLetters").url)
    assert written_by(table, lambda: deliver("record_inbound_message", MESSAGE | {"phone": phone})) == "INBOUND"


@pytest.mark.parametrize("action", ["ASSIGN", "REMOVE"])
def test_a_tag_command_that_writes_says_who_sent_it(
    acme: Tenant, contact: dict[str, Any], table: Table, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("TagCommandsDeadLetters").url)
    command = COMMAND | {"contactId": contact["id"], "action": action}
    assert written_by(table, lambda: deliver("apply_tag_command", command)) == "MANUAL_AGENT"


def written_by(table: Table, write: Callable[[], object]) -> object:
    """The source that the write leaves on the one contact that it creates or changes."""
    contacts = [item for item in table.scan()["Items"] if item["sk"] == "CONTACT"]
    for item in contacts:
        table.put_item(Item=item | {"changed_by": "somebody before"})
    write()
    sources = {item["changed_by"] for item in table.scan()["Items"] if item["sk"] == "CONTACT"}
    [source] = sources - {"somebody before"}
    return source

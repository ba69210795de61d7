"""GET /v1/contacts/{contactId}"""

from typing import Any

from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage.items import ContactItem
from tests.events import Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import CONTACT_NOT_FOUND

FUNCTION = "get_contact"


def test_a_contact_is_found_by_its_id(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_its_keys_stand_in_the_order_of_the_contract(acme: Tenant, contact: dict[str, Any]) -> None:
    call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    answer = invoke(FUNCTION, build_event(FUNCTION, acme, contactId=contact["id"]))
    _, found = call(FUNCTION, acme, contactId=contact["id"])
    assert answer["body"] == (
        f'{{"id":"{contact["id"]}","tenantId":"{acme.id}","phone":"491512345678","displayName":"Ada",'
        f'"firstSeenAt":"{contact["firstSeenAt"]}","lastSeenAt":"{contact["lastSeenAt"]}",'
        f'"createdAt":"{contact["createdAt"]}","updatedAt":"{contact["updatedAt"]}","tagAssignments":['
        f'{{"contactId":"{contact["id"]}","tagId":"{acme.tag_ids[0]}","source":"API","reason":null,'
        f'"createdAt":"{found["tagAssignments"][0]["createdAt"]}","updatedAt":"{found["tagAssignments"][0]["updatedAt"]}"}}'
        "]}"
    )


def test_a_contact_without_a_name_has_null_for_it(acme: Tenant) -> None:
    _, nameless = call("upsert_contact", acme, json_body={"phone": "99999"})
    assert call(FUNCTION, acme, contactId=nameless["id"]) == (
        200,
        nameless | {"displayName": None, "tagAssignments": []},
    )


def test_tags_come_oldest_first_then_by_id(acme: Tenant, contact: dict[str, Any]) -> None:
    assignment = {"source": "AI_TOOL", "weight": 2, "updated_at": "2026-05-05T00:00:00.000Z"}
    ages = {"cbbbbbbb": "2026-02-02T00:00:00.000Z", "caaaaaaa": "2026-02-02T00:00:00.000Z", "czzzzzzz": "2026-01-01"}
    item = ContactItem(*ContactItem.key(acme.id, contact["phone"]))
    item.update(
        [
            ContactItem.tags.set(dict.fromkeys(ages, assignment)),
            ContactItem.tag_origins.set({tag: {"created_at": age, "written_by": "me"} for tag, age in ages.items()}),
        ]
    )
    _, found = call(FUNCTION, acme, contactId=contact["id"])
    assert [each["tagId"] for each in found["tagAssignments"]] == ["czzzzzzz", "caaaaaaa", "cbbbbbbb"]
    assert found["tagAssignments"][1] == {
        "contactId": contact["id"],
        "tagId": "caaaaaaa",
        "source": "AI_TOOL",
        "reason": None,
        "createdAt": "2026-02-02T00:00:00.000Z",
        "updatedAt": "2026-05-05T00:00:00.000Z",
    }


def test_each_tenant_finds_its_own_contact_of_the_same_phone(globex: Tenant, contact: dict[str, Any]) -> None:
    _, other = call("upsert_contact", globex, json_body={"phone": contact["phone"]})
    assert call(FUNCTION, globex, contactId=other["id"]) == (200, other | {"tagAssignments": []})


def test_another_tenants_contact_is_not_found(globex: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, globex, contactId=contact["id"]) == CONTACT_NOT_FOUND


def test_a_deleted_contact_is_not_found(acme: Tenant, contact: dict[str, Any]) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    assert call(FUNCTION, acme, contactId=contact["id"]) == CONTACT_NOT_FOUND


def test_a_pointer_without_its_contact_is_not_found(acme: Tenant, contact: dict[str, Any], table: Table) -> None:
    table.delete_item(Key={"pk": f"{acme.id}#{contact['phone']}", "sk": "CONTACT"})
    assert call(FUNCTION, acme, contactId=contact["id"]) == CONTACT_NOT_FOUND

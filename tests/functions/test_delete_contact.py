"""DELETE /v1/contacts/{contactId}"""

from typing import Any

from mypy_boto3_dynamodb.service_resource import Table

from tests.events import Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND

FUNCTION = "delete_contact"


def test_a_contact_goes_with_all_that_belongs_to_it(acme: Tenant, table: Table) -> None:
    before = table.scan()["Items"]
    _, contact = call("upsert_contact", acme, json_body={"phone": "12345"})
    call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    assert call(FUNCTION, acme, contactId=contact["id"]) == (200, {"ok": True})
    assert table.scan()["Items"] == before
    assert call("get_contact", acme, contactId=contact["id"]) == CONTACT_NOT_FOUND
    assert call("get_contact_by_phone", acme, query={"phone": "12345"}) == CONTACT_NOT_FOUND


def test_a_contact_can_be_deleted_once(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"]) == (200, {"ok": True})
    assert call(FUNCTION, acme, contactId=contact["id"]) == CONTACT_NOT_FOUND


def test_another_tenants_contact_is_not_found_and_stays(acme: Tenant, globex: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, globex, contactId=contact["id"]) == CONTACT_NOT_FOUND
    assert call("get_contact", acme, contactId=contact["id"]) == (200, contact | {"tagAssignments": []})


def test_a_body_is_not_looked_at(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, contactId=contact["id"], body=b"\xff{") == (200, {"ok": True})

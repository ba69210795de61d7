"""GET /v1/contacts/{contactId}"""

import time
from typing import Any

from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer


def test_a_contact_is_found_by_its_id(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_the_keys_of_a_contact_with_tags_have_the_order_of_the_contract(
    api: Caller, customer: Customer, contact: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[0]})
    assert api.send("GET", path).text == (
        f'{{"id":"{contact["id"]}","tenantId":"{customer.tenant_id}","phone":"{contact["phone"]}",'
        f'"displayName":"Ada Lovelace","firstSeenAt":"{contact["firstSeenAt"]}","lastSeenAt":"{contact["lastSeenAt"]}",'
        f'"createdAt":"{contact["createdAt"]}","updatedAt":"{contact["updatedAt"]}","tagAssignments":['
        f'{{"contactId":"{contact["id"]}","tagId":"{customer.tag_ids[0]}","source":"API","reason":null,'
        f'"createdAt":"{assignment["createdAt"]}","updatedAt":"{assignment["updatedAt"]}"}}'
        "]}"
    )


def test_the_name_of_a_contact_without_a_name_is_null(api: Caller, phone: str) -> None:
    _, nameless = api.call("POST", "/v1/contacts", json_body={"phone": phone})
    assert api.call("GET", f"/v1/contacts/{nameless['id']}") == (
        200,
        nameless | {"displayName": None, "tagAssignments": []},
    )


def test_tags_are_listed_oldest_first(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assignments = []
    for tag_id in sorted(customer.tag_ids[:5], reverse=True):
        assignments.append(api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id})[1])
        time.sleep(0.002)  # times have milliseconds
    api.call("POST", f"{path}/tags", json_body={"tag_id": assignments[0]["tagId"], "reason": None})  # stays the oldest
    status, found = api.call("GET", path)
    assert (status, list(found)) == (200, [*contact, "tagAssignments"])
    assert [each["tagId"] for each in found["tagAssignments"]] == [each["tagId"] for each in assignments]
    assert found["tagAssignments"][1:] == assignments[1:]


def test_a_read_changes_nothing(api: Caller, contact: dict[str, Any]) -> None:
    answers = [api.call("GET", f"/v1/contacts/{contact['id']}") for _ in range(3)]
    assert answers == [(200, contact | {"tagAssignments": []})] * 3


def test_each_tenant_finds_its_own_contact_of_the_same_phone(
    api: Caller, other_customer: Customer, contact: dict[str, Any]
) -> None:
    other_api = other_customer.full
    _, other = other_api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert other_api.call("GET", f"/v1/contacts/{other['id']}") == (200, other | {"tagAssignments": []})
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_a_contact_of_another_tenant_is_not_found(other_customer: Customer, contact: dict[str, Any]) -> None:
    assert other_customer.full.call("GET", f"/v1/contacts/{contact['id']}") == CONTACT_NOT_FOUND


def test_a_deleted_contact_is_not_found(api: Caller, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("DELETE", path)
    assert api.call("GET", path) == CONTACT_NOT_FOUND

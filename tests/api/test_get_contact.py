"""GET /v1/contacts/{contactId}"""

import time
from typing import Any

from tests.system import Caller, Customer


def test_a_contact_is_found_by_its_id(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


def test_tags_come_oldest_first(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assignments = []
    for tag_id in sorted(customer.tag_ids[:5], reverse=True):
        assignments.append(api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id})[1])
        time.sleep(0.002)  # times have milliseconds
    api.call("POST", f"{path}/tags", json_body={"tag_id": assignments[0]["tagId"], "reason": None})  # age stays
    status, found = api.call("GET", path)
    assert (status, list(found)) == (200, [*contact, "tagAssignments"])
    assert [each["tagId"] for each in found["tagAssignments"]] == [each["tagId"] for each in assignments]
    assert found["tagAssignments"][1:] == assignments[1:]


def test_a_read_changes_nothing(api: Caller, contact: dict[str, Any]) -> None:
    answers = [api.call("GET", f"/v1/contacts/{contact['id']}") for _ in range(3)]
    assert answers == [(200, contact | {"tagAssignments": []})] * 3

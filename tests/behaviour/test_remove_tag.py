"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

import time
from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import NOBODYS_ID, Caller, Customer

OK = (200, {"ok": True})


@pytest.fixture
def assignment(api: Caller, customer: Customer, contact: dict[str, Any]) -> dict[str, Any]:
    """Of the customer's first tag to the contact."""
    _, assignment = api.call("POST", f"/v1/contacts/{contact['id']}/tags", json_body={"tag_id": customer.tag_ids[0]})
    return dict(assignment)


def test_a_tag_is_removed_and_can_be_removed_again(
    api: Caller, customer: Customer, contact: dict[str, Any], assignment: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    _, kept = api.call("POST", f"{path}/tags", json_body={"tag_id": customer.tag_ids[1]})
    time.sleep(0.002)  # times have milliseconds, and those of the contact must not move
    for _ in range(2):
        assert api.call("DELETE", f"{path}/tags/{assignment['tagId']}") == OK
        assert api.call("GET", path) == (200, contact | {"tagAssignments": [kept]})


@pytest.mark.parametrize(
    "tag_id",
    [
        *(NOBODYS_ID, "c1234567", "C1234567", "vip", "..", "..%2F", "%23", "%00", "%FF", "c1234567%0A", "NAME%23vip"),
        *("c" * 4096, "x" * 4096),
    ],
    ids=lambda tag_id: tag_id[:30],
)
def test_a_tag_that_the_contact_does_not_have_is_removed_already(
    api: Caller, contact: dict[str, Any], assignment: dict[str, Any], tag_id: str
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("DELETE", f"{path}/tags/{tag_id}") == OK
    assert api.call("GET", path) == (200, contact | {"tagAssignments": [assignment]})


def test_an_unknown_contact_is_not_an_error(api: Caller, customer: Customer) -> None:
    assert api.call("DELETE", f"/v1/contacts/{new_id()}/tags/{customer.tag_ids[0]}") == OK


def test_a_deleted_contact_is_not_an_error_and_not_created_again(
    api: Caller, contact: dict[str, Any], assignment: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("DELETE", path)
    assert api.call("DELETE", f"{path}/tags/{assignment['tagId']}") == OK
    assert api.call("GET", path) == CONTACT_NOT_FOUND
    assert api.call("GET", f"/v1/contacts/by-phone?phone={contact['phone']}") == CONTACT_NOT_FOUND


def test_a_contact_of_another_tenant_keeps_its_tag(
    api: Caller, other_customer: Customer, contact: dict[str, Any], assignment: dict[str, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert other_customer.full.call("DELETE", f"{path}/tags/{assignment['tagId']}") == OK
    assert api.call("GET", path) == (200, contact | {"tagAssignments": [assignment]})

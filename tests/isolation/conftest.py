"""Two tenants: one that is attacked, and one that attacks with a good key of its own."""

import pytest

from contacts.runtime.identifiers import new_id
from local.stack import Stack
from tests.system import Customer, new_phone, read_items


@pytest.fixture(scope="session")
def attacker(customers: list[Customer]) -> Customer:
    return customers[0]


@pytest.fixture(scope="session")
def victim(customers: list[Customer]) -> Customer:
    return customers[1]


@pytest.fixture(scope="session")
def mine(attacker: Customer, stack: Stack) -> dict[str, str]:
    """The attacker's."""
    return _create_contact(attacker, stack)


@pytest.fixture(scope="session")
def theirs(victim: Customer, stack: Stack) -> dict[str, str]:
    """The victim's."""
    return _create_contact(victim, stack)


@pytest.fixture
def another_of_theirs(victim: Customer, stack: Stack) -> dict[str, str]:
    return _create_contact(victim, stack)


@pytest.fixture
def nobodys() -> dict[str, str]:
    """What is not there."""
    return {name: new_id() for name in ("contact", "tag", "tenant", "key")} | {"phone": new_phone()}


def _create_contact(customer: Customer, stack: Stack) -> dict[str, str]:
    """Everything that can be named about it. Each function has handled it: what remembers contacts remembers this."""
    phone, tag_id, another_tag_id, *_ = (new_phone(), *customer.tag_ids)
    _, contact = customer.full.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada Lovelace"})
    path = f"/v1/contacts/{contact['id']}"
    customer.full.call("POST", f"{path}/tags", json_body={"tag_id": tag_id, "reason": "Asked for an invoice"})
    customer.full.call("DELETE", f"{path}/tags/{another_tag_id}")
    customer.full.call("PATCH", path, json_body={})
    _, found = customer.full.call("GET", path)
    assert [each["tagId"] for each in found["tagAssignments"]] == [tag_id]
    key_id = next(item["sk"]["S"] for item in read_items(stack) if item["pk"]["S"] == f"{customer.tenant_id}#KEYS")
    return {"contact": contact["id"], "phone": phone, "tag": tag_id, "tenant": customer.tenant_id, "key": key_id}

"""Two tenants: an attacker with a valid key, and a victim."""

import pytest

from contacts.runtime.identifiers import new_id
from tests.system import Customer, new_phone


@pytest.fixture(scope="session")
def attacker(customers: list[Customer]) -> Customer:
    return customers[0]


@pytest.fixture(scope="session")
def victim(customers: list[Customer]) -> Customer:
    return customers[1]


@pytest.fixture(scope="session")
def mine(attacker: Customer) -> dict[str, str]:
    """A contact of the attacker."""
    return _create_contact(attacker)


@pytest.fixture(scope="session")
def theirs(victim: Customer) -> dict[str, str]:
    """A contact of the victim."""
    return _create_contact(victim)


@pytest.fixture
def another_of_theirs(victim: Customer) -> dict[str, str]:
    return _create_contact(victim)


@pytest.fixture
def unused() -> dict[str, str]:
    """Well-formed ids and a phone that belong to nothing."""
    return {name: new_id() for name in ("contact", "tag", "tenant", "key")} | {"phone": new_phone()}


def _create_contact(customer: Customer) -> dict[str, str]:
    """Its phone and all ids around it. Calls every function with it, so that their caches contain it."""
    phone, tag_id, another_tag_id, *_ = (new_phone(), *customer.tag_ids)
    _, contact = customer.full.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Grace Hopper"})
    path = f"/v1/contacts/{contact['id']}"
    customer.full.call("POST", f"{path}/tags", json_body={"tag_id": tag_id, "reason": "Asked for an invoice"})
    customer.full.call("DELETE", f"{path}/tags/{another_tag_id}")
    customer.full.call("PATCH", path, json_body={})
    _, found = customer.full.call("GET", path)
    assert [each["tagId"] for each in found["tagAssignments"]] == [tag_id]
    key_id = customer.full.call("GET", "/v1/whoami")[1]["keyId"]
    return {"contact": contact["id"], "phone": phone, "tag": tag_id, "tenant": customer.tenant_id, "key": key_id}

"""What callers see of the API. Each test runs twice: with the handlers in this process on moto, and over HTTP with
the running system and its real engine.

All tests of a driver share two tenants, so each test makes the contacts that it needs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import httpx
import pytest

from local.stack import Stack
from tests.behaviour.transport import HandlerTransport
from tests.conftest import create_table, create_tags, run_moto
from tests.events import ACME, GLOBEX, Tenant
from tests.policies import Policies
from tests.system import Caller, Customer, read_items


@dataclass(frozen=True)
class System:
    customers: list[Customer]
    read_items: Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def handler_system(policies: Policies) -> Iterator[System]:
    with run_moto(policies), httpx.Client(transport=HandlerTransport(), base_url="https://handlers") as client:
        table = create_table()
        for tenant in ACME, GLOBEX:
            create_tags(tenant)
        yield System(
            [_as_customer(tenant, client) for tenant in (ACME, GLOBEX)],
            lambda: cast("list[dict[str, Any]]", table.scan()["Items"]),
        )


def _as_customer(tenant: Tenant, client: httpx.Client) -> Customer:
    return Customer(tenant.id, {"full": Caller(client, tenant.key_id)}, tenant.tag_ids, tenant.deleted_tag_id)


@pytest.fixture(scope="module")
def http_system(stack: Stack, customers: list[Customer]) -> System:
    return System(customers, partial(read_items, stack))


@pytest.fixture(scope="module", params=["handler", "http"])
def system(request: pytest.FixtureRequest) -> System:
    return cast("System", request.getfixturevalue(f"{request.param}_system"))


@pytest.fixture
def customer(system: System) -> Customer:
    return system.customers[0]


@pytest.fixture
def other_customer(system: System) -> Customer:
    return system.customers[1]


@pytest.fixture
def api(customer: Customer) -> Caller:
    return customer.full


@pytest.fixture
def contact(api: Caller, phone: str) -> dict[str, Any]:
    """A contact of the customer, as POST /v1/contacts has answered it."""
    status, contact = api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada Lovelace"})
    assert status == 201
    return cast("dict[str, Any]", contact)

"""One of the customers, and a contact of theirs."""

from typing import Any, cast

import pytest

from tests.system import Caller, Customer, new_phone


@pytest.fixture(scope="session")
def customer(customers: list[Customer]) -> Customer:
    return customers[0]


@pytest.fixture(scope="session")
def api(customer: Customer) -> Caller:
    return customer.full


@pytest.fixture
def phone() -> str:
    return new_phone()


@pytest.fixture
def contact(api: Caller, phone: str) -> dict[str, Any]:
    """As the call that made it was answered."""
    status, contact = api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada Lovelace"})
    assert status == 201
    return cast("dict[str, Any]", contact)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name == "test_logs.py")

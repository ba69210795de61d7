"""API keys that work from certain addresses only."""

import pytest

from tests.refusals import ADDRESS_NOT_ALLOWED
from tests.system import Caller, Customer


@pytest.fixture
def from_here(customer: Customer) -> Caller:
    """Its key allows 127.0.0.0/8."""
    return customer.callers["from_here"]


@pytest.fixture
def from_elsewhere(customer: Customer) -> Caller:
    """Its key allows 203.0.113.0/24."""
    return customer.callers["from_elsewhere"]


def test_a_key_works_from_an_allowed_address(from_here: Caller) -> None:
    assert from_here.call("GET", "/v1/whoami")[0] == 200


def test_a_key_is_refused_from_any_other_address(from_elsewhere: Caller, phone: str) -> None:
    assert from_elsewhere.call("GET", "/v1/whoami") == ADDRESS_NOT_ALLOWED
    assert from_elsewhere.call("POST", "/v1/contacts", json_body={"phone": phone}) == ADDRESS_NOT_ALLOWED
    assert from_elsewhere.call("POST", "/v1/contacts", body="not JSON") == ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Client-Ip", "True-Client-Ip", "CF-Connecting-IP", "Via"],
)
def test_no_header_changes_the_address_of_a_caller(from_here: Caller, from_elsewhere: Caller, header: str) -> None:
    assert from_elsewhere.call("GET", "/v1/whoami", headers={header: "203.0.113.7"}) == ADDRESS_NOT_ALLOWED
    status, key = from_here.call("GET", "/v1/whoami", headers={header: "203.0.113.7"})
    assert (status, key["sourceIp"]) == (200, "127.0.0.1")

"""From where a key may be used."""

import pytest

from tests.gateway import REQUEST_ID
from tests.system import Caller, Customer

NOT_FROM_HERE = (
    403,
    {
        "error": {
            "message": "Forbidden",
            "type": "OAuthException",
            "code": 200,
            "error_data": {"details": "The API key may not be used from this address."},
            "fbtrace_id": REQUEST_ID,
        }
    },
)
HEADERS = "X-Forwarded-For", "Forwarded", "X-Real-Ip", "Client-Ip", "True-Client-Ip", "CF-Connecting-IP", "Via"


@pytest.fixture
def from_here(customer: Customer) -> Caller:
    """Has a key for 127.0.0.0/8."""
    return customer.callers["from_here"]


@pytest.fixture
def from_elsewhere(customer: Customer) -> Caller:
    """Has a key for 203.0.113.0/24."""
    return customer.callers["from_elsewhere"]


def test_a_key_works_from_an_address_of_its_list(from_here: Caller) -> None:
    assert from_here.call("GET", "/v1/whoami")[0] == 200


def test_a_key_works_from_no_other_address(from_elsewhere: Caller, phone: str) -> None:
    assert from_elsewhere.call("GET", "/v1/whoami") == NOT_FROM_HERE
    assert from_elsewhere.call("POST", "/v1/contacts", json_body={"phone": phone}) == NOT_FROM_HERE
    assert from_elsewhere.call("POST", "/v1/contacts", body="no JSON") == NOT_FROM_HERE


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_no_address(from_here: Caller, from_elsewhere: Caller, header: str) -> None:
    assert from_elsewhere.call("GET", "/v1/whoami", headers={header: "203.0.113.7"}) == NOT_FROM_HERE
    status, key = from_here.call("GET", "/v1/whoami", headers={header: "203.0.113.7"})
    assert (status, key["sourceIp"]) == (200, "127.0.0.1")

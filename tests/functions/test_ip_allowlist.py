"""The IP allowlist of a key, which the function checks."""

from typing import Any

import pytest

from tests.events import Tenant
from tests.functions.conftest import Wire
from tests.handlers import call
from tests.refusals import ADDRESS_NOT_ALLOWED, invalid, signature_rejected

ELSEWHERE = "198.51.100.0/24"


def whoami(tenant: Tenant, allowlist: str, source_ip: str, **request: Any) -> tuple[int, Any]:
    return call("whoami", tenant, key={"ipAllowlist": allowlist}, source_ip=source_ip, **request)


@pytest.mark.parametrize(
    ("allowlist", "source_ip"),
    [
        ("203.0.113.0/24", "203.0.113.0"),
        ("203.0.113.0/24", "203.0.113.255"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("0.0.0.0/0", "203.0.113.7"),
        (f"{ELSEWHERE} 2001:db8::/32 203.0.113.0/24", "203.0.113.7"),
        ("2001:db8::/32", "2001:db8::1"),
        ("2001:db8::/32", "2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::1/128", "2001:db8:0:0:0:0:0:1"),
        ("203.0.113.0/24 ::/0", "2001:db8::1"),
        ("203.0.113.0/24", "::ffff:203.0.113.7"),
        ("203.0.113.0/24", "::ffff:cb00:7107"),
    ],
)
def test_a_request_from_an_allowed_address_is_answered(acme: Tenant, allowlist: str, source_ip: str) -> None:
    status, identity = whoami(acme, allowlist, source_ip)
    assert (status, identity["ipAllowlist"], identity["sourceIp"]) == (200, allowlist.split(), source_ip)


@pytest.mark.parametrize(
    ("allowlist", "source_ip"),
    [
        ("203.0.113.0/24", "203.0.114.0"),
        ("203.0.113.0/24", "203.0.112.255"),
        ("203.0.113.7/32", "203.0.113.8"),
        ("0.0.0.0/0", "2001:db8::1"),
        ("::/0", "203.0.113.7"),
        ("2001:db8::/32", "2001:db9::"),
        ("203.0.113.0/24 2001:db8::/32", "198.51.100.1"),
        ("203.0.113.0/24", "::ffff:198.51.100.1"),
        ("203.0.113.0/24", "::203.0.113.7"),
    ],
)
def test_a_request_from_another_address_is_refused(acme: Tenant, allowlist: str, source_ip: str) -> None:
    assert whoami(acme, allowlist, source_ip) == ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"])
def test_headers_with_addresses_are_ignored(acme: Tenant, name: str) -> None:
    assert whoami(acme, ELSEWHERE, "203.0.113.7", headers={name: "198.51.100.1"}) == ADDRESS_NOT_ALLOWED
    assert whoami(acme, "203.0.113.0/24", "203.0.113.7", headers={name: "198.51.100.1"})[0] == 200


def test_a_refused_request_has_no_effect(acme: Tenant, wire: Wire) -> None:
    refused = call("upsert_contact", acme, key={"ipAllowlist": ELSEWHERE}, json_body={"phone": "12345"})
    assert refused == ADDRESS_NOT_ALLOWED
    assert wire.operations == []


def test_the_checks_have_the_order_of_the_contract(acme: Tenant) -> None:
    request: dict[str, Any] = {"headers": {"Idempotency-Key": "a b"}, "body": "[]"}
    key = {"requireSignature": "true", "ipAllowlist": ELSEWHERE}
    assert call("upsert_contact", acme, key=key, **request) == signature_rejected("missing_header")
    assert call("upsert_contact", acme, key={"ipAllowlist": ELSEWHERE}, **request) == ADDRESS_NOT_ALLOWED
    assert call("upsert_contact", acme, **request) == invalid(
        "Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters."
    )

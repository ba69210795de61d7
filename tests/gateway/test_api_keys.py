"""The API key: who gets in, and to what."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from contacts.runtime import timestamps
from local.stack import Stack
from tests.gateway.refusals import FORBIDDEN, UNAUTHORIZED
from tests.system import NOBODYS_ID, Caller, Customer, read_items, refused_by_gateway

CONTACT = f"/v1/contacts/{NOBODYS_ID}"
ROUTES = {
    "any": [("GET", "/v1/whoami", 200)],
    "contacts:read": [("GET", "/v1/contacts/by-phone?phone=1", 400), ("GET", CONTACT, 404)],
    "contacts:write": [
        ("POST", "/v1/contacts", 400),
        ("PATCH", CONTACT, 400),
        ("DELETE", CONTACT, 404),
        ("POST", f"{CONTACT}/tags", 400),
        ("DELETE", f"{CONTACT}/tags/{NOBODYS_ID}", 200),
    ],
}
"""By scope, and how each answers to a caller who may call it."""
OF_EVERY_SCOPE = pytest.mark.parametrize(
    ("method", "target"), [(method, target) for routes in ROUTES.values() for method, target, _ in routes]
)


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        *(("read", "any"), ("write", "any"), ("full", "any")),
        *(("read", "contacts:read"), ("write", "contacts:write")),
        *(("full", "contacts:read"), ("full", "contacts:write")),
    ],
)
def test_a_key_opens_the_routes_of_its_scopes(customer: Customer, kind: str, scope: str) -> None:
    for method, target, status in ROUTES[scope]:
        assert customer.callers[kind].send(method, target).status_code == status


@pytest.mark.parametrize(("kind", "scope"), [("read", "contacts:write"), ("write", "contacts:read")])
def test_a_key_opens_no_route_of_another_scope(customer: Customer, kind: str, scope: str) -> None:
    for method, target, _ in ROUTES[scope]:
        assert refused_by_gateway(customer.callers[kind].send(method, target)) == FORBIDDEN


@OF_EVERY_SCOPE
@pytest.mark.parametrize("kind", ["revoked", "expired"])
def test_a_key_that_is_no_longer_valid_opens_nothing(customer: Customer, kind: str, method: str, target: str) -> None:
    assert refused_by_gateway(customer.callers[kind].send(method, target)) == UNAUTHORIZED


@OF_EVERY_SCOPE
def test_without_a_key_nothing_opens(anonymous: Caller, method: str, target: str) -> None:
    assert refused_by_gateway(anonymous.send(method, target)) == UNAUTHORIZED


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR {}", "Bearer  {}", "bearer     {}"])
def test_the_scheme_is_read_in_any_case_and_with_any_spaces(api: Caller, written: str) -> None:
    headers = {"Authorization": written.format(api.key)}
    assert api.send("GET", "/v1/contacts/by-phone?phone=1", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "written",
    [
        *("", "Bearer", "Bearer sflo_live_", "{}", "Bearer{}", "Bearer\t{}", "Bearer: {}", "Basic {}", "Basic eDp5"),
        *("Bearer {}x", "Bearer {}, Bearer {}", "Bearer {} {}", "Token {}", "Bearer Bearer {}", "Bearer x{}"),
        *("Bearer sflo_live_" + "A" * 43, "Bearer sflo_test_" + "A" * 43, "Bearer " + "A" * 9000),
        *("Bearer null", "Bearer *", "Bearer KEY#0000", "Bearer sflo_live_" + "%" * 43),
        *(b"Bearer \xff\xfe", "Bearer sflo_live_ÄÖÜ".encode()),
    ],
    ids=lambda written: repr(written)[:30],
)
def test_what_is_no_key_of_ours_is_refused(api: Caller, written: str | bytes) -> None:
    authorization = written if isinstance(written, bytes) else written.format(api.key, api.key)
    answer = api.send("GET", CONTACT, headers={"Authorization": authorization})
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_the_case_of_a_key_matters(api: Caller) -> None:
    answer = api.send("GET", CONTACT, headers={"Authorization": f"Bearer {str(api.key).swapcase()}"})
    assert refused_by_gateway(answer) == UNAUTHORIZED


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Authorization", "Proxy-Authorization", "Cookie"])
def test_a_key_in_another_header_is_none(api: Caller, anonymous: Caller, name: str) -> None:
    answer = anonymous.send("GET", CONTACT, headers={name: f"Bearer {api.key}"})
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_a_key_in_the_query_is_none(api: Caller, anonymous: Caller) -> None:
    answer = anonymous.send("GET", f"{CONTACT}?Authorization=Bearer%20{api.key}&access_token={api.key}")
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_the_key_is_looked_at_before_the_request(customer: Customer, anonymous: Caller) -> None:
    for caller in anonymous, customer.callers["revoked"]:
        assert refused_by_gateway(caller.send("POST", "/v1/contacts", body=b"\xff")) == UNAUTHORIZED
    answer = customer.callers["read"].send("POST", "/v1/contacts", body=b"\xff")
    assert refused_by_gateway(answer) == FORBIDDEN


def test_no_key_is_stored(customer: Customer, stack: Stack) -> None:
    stored = json.dumps(read_items(stack))
    secret_parts = [str(caller.key)[14:] for caller in customer.callers.values()]  # what precedes is shown in lists
    assert [part for part in secret_parts if part in stored] == []


def test_the_last_use_of_a_key_is_noted(customer: Customer, stack: Stack) -> None:
    customer.full.call("GET", CONTACT)
    uses = [item["last_used_at"]["S"] for item in read_items(stack) if "last_used_at" in item]
    assert timestamps.to_text(datetime.now(UTC) - timedelta(minutes=5)) < max(uses) <= timestamps.now()

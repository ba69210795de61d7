"""The API key in the Authorization header: which routes it opens."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from contacts.runtime import timestamps
from local.stack import Stack
from tests.document import OPERATIONS, Operation
from tests.gateway.refusals import FORBIDDEN, UNAUTHORIZED
from tests.system import NOBODYS_ID, Caller, Customer, read_items, refused_by_gateway

CONTACT = f"/v1/contacts/{NOBODYS_ID}"

EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)


def target_of(operation: Operation) -> str:
    """Without a query, and with ids that nobody has."""
    return re.sub(r"\{\w+\}", NOBODYS_ID, operation.path)


def status_of(operation: Operation) -> int:
    """Of the answer to a request without query and body, if the key may send it."""
    parameters = operation.described.get("parameters", [])
    if "requestBody" in operation.described or any(
        each.get("in") == "query" and each.get("required") for each in parameters
    ):
        return 400
    return 404 if 404 in operation.statuses else 200


@EVERY_OPERATION
@pytest.mark.parametrize("kind", ["read", "write", "full"])
def test_a_key_opens_exactly_the_routes_of_its_scopes(customer: Customer, kind: str, operation: Operation) -> None:
    answer = customer.callers[kind].send(operation.method, target_of(operation))
    if kind == "full" or operation.scope in {"any", f"contacts:{kind}"}:
        assert answer.status_code == status_of(operation)
    else:
        assert refused_by_gateway(answer) == FORBIDDEN


@EVERY_OPERATION
@pytest.mark.parametrize("kind", ["revoked", "expired"])
def test_a_revoked_or_expired_key_opens_no_route(customer: Customer, kind: str, operation: Operation) -> None:
    answer = customer.callers[kind].send(operation.method, target_of(operation))
    assert refused_by_gateway(answer) == UNAUTHORIZED


@EVERY_OPERATION
def test_no_route_is_open_without_a_key(anonymous: Caller, operation: Operation) -> None:
    assert refused_by_gateway(anonymous.send(operation.method, target_of(operation))) == UNAUTHORIZED


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR {}", "Bearer  {}", "bearer     {}"])
def test_the_scheme_may_have_any_case_and_several_spaces_after_it(api: Caller, written: str) -> None:
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
def test_an_unknown_or_malformed_key_is_refused(api: Caller, written: str | bytes) -> None:
    authorization = written if isinstance(written, bytes) else written.format(api.key, api.key)
    answer = api.send("GET", CONTACT, headers={"Authorization": authorization})
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_the_case_of_a_key_matters(api: Caller) -> None:
    answer = api.send("GET", CONTACT, headers={"Authorization": f"Bearer {str(api.key).swapcase()}"})
    assert refused_by_gateway(answer) == UNAUTHORIZED


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Authorization", "Proxy-Authorization", "Cookie"])
def test_a_key_in_another_header_is_ignored(api: Caller, anonymous: Caller, name: str) -> None:
    answer = anonymous.send("GET", CONTACT, headers={name: f"Bearer {api.key}"})
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_a_key_in_the_query_is_ignored(api: Caller, anonymous: Caller) -> None:
    answer = anonymous.send("GET", f"{CONTACT}?Authorization=Bearer%20{api.key}&access_token={api.key}")
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_the_key_is_checked_before_the_body(customer: Customer, anonymous: Caller) -> None:
    for caller in anonymous, customer.callers["revoked"]:
        assert refused_by_gateway(caller.send("POST", "/v1/contacts", body=b"\xff")) == UNAUTHORIZED
    answer = customer.callers["read"].send("POST", "/v1/contacts", body=b"\xff")
    assert refused_by_gateway(answer) == FORBIDDEN


def test_the_table_holds_no_key_in_plain_text(customer: Customer, stack: Stack) -> None:
    stored = json.dumps(read_items(stack))
    secret_parts = [str(caller.key)[14:] for caller in customer.callers.values()]  # after the stored prefix
    assert [part for part in secret_parts if part in stored] == []


def test_the_last_use_of_a_key_is_stored(customer: Customer, stack: Stack) -> None:
    customer.full.call("GET", CONTACT)
    uses = [item["last_used_at"]["S"] for item in read_items(stack) if "last_used_at" in item]
    assert timestamps.to_text(datetime.now(UTC) - timedelta(minutes=5)) < max(uses) <= timestamps.now()

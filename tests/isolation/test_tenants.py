"""A tenant cannot reach another tenant's contacts and tags: they answer exactly like what does not exist."""

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from local.stack import Stack
from tests.document import document
from tests.gateway.refusals import ROUTE_NOT_FOUND
from tests.system import Caller, Customer, at_once, new_phone, read_items, refused_by_gateway

type Ids = dict[str, str]
type Endpoint = tuple[str, str, dict[str, Any] | None]


def endpoints_by_id() -> Iterator[Endpoint]:
    """Each operation of openapi.yaml whose path has an id, once for each of its example bodies."""
    names = {"contactId": "{contact}", "tagId": "{tag}"}
    for path, operations in document().raw_schema["paths"].items():
        for method in operations.keys() - {"parameters"} if "{" in path else ():
            content = operations[method].get("requestBody", {}).get("content", {}).get("application/json", {})
            examples = [each["value"] for each in content.get("examples", {}).values()]
            for body in examples or [content.get("example")]:
                yield (
                    method.upper(),
                    path.format(**names),
                    body and body | ({"tag_id": "{tag}"} if "tag_id" in body else {}),
                )


CHANGES = "/v1/changes"
WHOAMI: Endpoint = ("GET", "/v1/whoami", None)
BY_PHONE: Endpoint = ("GET", "/v1/contacts/by-phone?phone={phone}", None)
BY_ID: list[Endpoint] = sorted([*endpoints_by_id(), ("PATCH", "/v1/contacts/{contact}", {})], key=str)
BY_TAG = [each for each in BY_ID if "{tag}" in str(each)]

DISGUISES = [
    *("{contact}", "{phone}", "{tag}", "{tenant}", "{key}", "{tenant}%23{contact}", "{tenant}%23{phone}"),
    *("{tenant}%23IDS%230", "{contact}%00", "{contact}%2Ftags", "..%2F{tenant}%2F{contact}", "{tenant}%23TAGS"),
]
"""What an attacker may send in place of an id."""


def name(endpoint: Endpoint) -> str:
    method, target, body = endpoint
    return f"{method} {target} {'' if body is None else body}"


def send(caller: Caller, endpoint: Endpoint, ids: Ids, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The whole answer, without the headers that differ from one answer to the next."""
    method, target, body = endpoint
    filled = body and {name: value and value.format(**ids) for name, value in body.items()}
    response = caller.send(method, target.format(**ids), json_body=filled, headers=headers)
    constant = {name: value for name, value in response.headers.items() if name not in {"date", "x-amzn-requestid"}}
    return response.status_code, constant, response.content


def items_of(tenant: Customer, stack: Stack) -> list[str]:
    """All items of a tenant in the table, API keys included, as JSON."""
    items = read_items(
        stack,
        FilterExpression="begins_with(pk, :tenant) OR tenant_id = :tenant OR sk = :tenant",
        ExpressionAttributeValues={":tenant": {"S": tenant.tenant_id}},
    )
    return sorted(json.dumps(item, sort_keys=True) for item in items)


@pytest.mark.parametrize("endpoint", [BY_PHONE, *BY_ID], ids=name)
def test_the_owner_reaches_and_changes_a_contact(
    victim: Customer, another_of_theirs: Ids, stack: Stack, endpoint: Endpoint
) -> None:
    method, _, body = endpoint
    before = items_of(victim, stack)
    assert send(victim.full, endpoint, another_of_theirs)[0] == 200
    assert (items_of(victim, stack) != before) == (method != "GET" and body != {})


@pytest.mark.parametrize("endpoint", BY_ID, ids=name)
def test_another_tenants_contact_answers_like_a_missing_one(
    attacker: Customer, victim: Customer, theirs: Ids, mine: Ids, unused: Ids, stack: Stack, endpoint: Endpoint
) -> None:
    before = items_of(victim, stack)
    for disguise in DISGUISES:
        attack = send(attacker.full, endpoint, mine | {"contact": disguise.format(**theirs)})
        assert attack == send(attacker.full, endpoint, mine | {"contact": disguise.format(**unused)}), disguise
    assert items_of(victim, stack) == before


@pytest.mark.parametrize("endpoint", BY_TAG, ids=name)
@pytest.mark.parametrize("is_on_own_contact", [True, False])
def test_another_tenants_tag_answers_like_a_missing_one(
    attacker: Customer,
    victim: Customer,
    theirs: Ids,
    mine: Ids,
    unused: Ids,
    stack: Stack,
    endpoint: Endpoint,
    is_on_own_contact: bool,  # noqa: FBT001
) -> None:
    before = items_of(victim, stack)
    contact = (mine if is_on_own_contact else theirs)["contact"]
    for disguise in DISGUISES:
        attack = send(attacker.full, endpoint, {"contact": contact, "tag": disguise.format(**theirs)})
        missing = send(attacker.full, endpoint, {"contact": contact, "tag": disguise.format(**unused)})
        assert attack == missing, disguise
    assert items_of(victim, stack) == before


def test_another_tenants_phone_answers_like_a_missing_one(
    attacker: Customer, victim: Customer, theirs: Ids, unused: Ids, stack: Stack
) -> None:
    before = items_of(victim, stack)
    assert send(attacker.full, BY_PHONE, theirs) == send(attacker.full, BY_PHONE, unused)
    assert items_of(victim, stack) == before


def test_two_tenants_can_each_have_a_contact_with_one_phone(
    attacker: Customer, victim: Customer, theirs: Ids, stack: Stack
) -> None:
    before = items_of(victim, stack)
    status, contact = attacker.full.call("POST", "/v1/contacts", json_body={"phone": theirs["phone"]})
    assert (status, contact["tenantId"], contact["displayName"]) == (201, attacker.tenant_id, None)
    assert contact["id"] != theirs["contact"]
    assert contact["firstSeenAt"] == contact["createdAt"]

    path = f"/v1/contacts/{contact['id']}"
    assert attacker.full.call("GET", path) == (200, contact | {"tagAssignments": []})
    assert send(attacker.full, BY_PHONE, theirs) == send(attacker.full, ("GET", path, None), {})
    assert attacker.full.call("PATCH", path, json_body={"display_name": "Eve Attacker"})[0] == 200
    assert attacker.full.call("POST", f"{path}/tags", json_body={"tag_id": attacker.tag_ids[0]})[0] == 201
    assert attacker.full.call("DELETE", path) == (200, {"ok": True})
    assert items_of(victim, stack) == before


CLAIMS = "tenant_id", "tenantId", "tenant", "owner", "pk"


@pytest.mark.parametrize("place", ["headers", "query", "body"])
@pytest.mark.parametrize("endpoint", [WHOAMI, BY_PHONE, *BY_ID], ids=name)
def test_a_tenant_id_in_the_request_changes_nothing(
    attacker: Customer, victim: Customer, theirs: Ids, stack: Stack, endpoint: Endpoint, place: str
) -> None:
    method, target, body = endpoint
    before = items_of(victim, stack)
    claims = dict.fromkeys(CLAIMS, victim.tenant_id)
    match place:
        case "headers":
            headers = {f"X-{name.replace('_', '-')}": value for name, value in claims.items()}
            attack = send(attacker.full, endpoint, theirs, **headers, Cookie=urlencode(claims))
        case "query":
            separator = "&" if "?" in target else "?"
            attack = send(attacker.full, (method, f"{target}{separator}{urlencode(claims)}", body), theirs)
        case "body":
            attack = send(attacker.full, (method, target, (body or {}) | claims), theirs)
    assert attack == send(attacker.full, endpoint, theirs)
    assert items_of(victim, stack) == before


def test_a_contact_is_created_in_the_callers_own_tenant_only(
    attacker: Customer, victim: Customer, stack: Stack
) -> None:
    before = items_of(victim, stack)
    claims = dict.fromkeys(CLAIMS, victim.tenant_id)
    status, contact = attacker.full.call(
        "POST", f"/v1/contacts?{urlencode(claims)}", json_body=claims | {"phone": new_phone()}, headers=claims
    )
    assert (status, contact["tenantId"]) == (201, attacker.tenant_id)
    assert items_of(victim, stack) == before


@pytest.mark.parametrize("prefix", ["/{tenant}/v1", "/v1/{tenant}", "/v1/tenants/{tenant}"])
def test_no_route_has_a_tenant_in_its_path(attacker: Customer, theirs: Ids, prefix: str) -> None:
    path = f"{prefix.format(**theirs)}/contacts/{theirs['contact']}"
    assert refused_by_gateway(attacker.full.send("GET", path)) == ROUTE_NOT_FOUND


def test_a_tenant_sees_the_changes_of_its_own_contacts_only(attacker: Customer, victim: Customer) -> None:
    cursors = {each.tenant_id: each.full.call("GET", CHANGES)[1]["nextCursor"] for each in (attacker, victim)}
    created = {
        each.tenant_id: each.full.call("POST", "/v1/contacts", json_body={"phone": new_phone()})[1]["id"]
        for each in (attacker, victim)
    }
    for tenant in attacker, victim:
        page = wait_for_changes(tenant.full, cursors[tenant.tenant_id], created[tenant.tenant_id])
        assert {each["tenantId"] for each in page["contacts"]} == {tenant.tenant_id}
    _, page = attacker.full.call(
        "GET", f"{CHANGES}?cursor={cursors[victim.tenant_id]}"
    )  # a place in the own log, or none
    assert created[victim.tenant_id] not in json.dumps(page)


def wait_for_changes(caller: Caller, cursor: str, contact_id: str) -> dict[str, Any]:
    """The page with the contact. Changes come a moment after the write, and those of earlier tests come before."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, page = caller.call("GET", f"{CHANGES}?cursor={cursor}")
        assert status == 200
        if contact_id in {each["contactId"] for each in page["data"]}:
            return dict(page)
        time.sleep(0.1)
    raise AssertionError("no change within 20 s")


def test_tenants_who_call_at_once_get_their_own_contacts(customers: list[Customer]) -> None:
    phones = [new_phone() for _ in range(4)]

    def call(customer: Customer) -> set[str]:
        contacts = [customer.full.call("POST", "/v1/contacts", json_body={"phone": phone})[1] for phone in phones]
        reads = [customer.full.call("GET", f"/v1/contacts/by-phone?phone={phone}")[1] for phone in phones]
        reads += [customer.full.call("GET", f"/v1/contacts/{contact['id']}")[1] for contact in contacts]
        return {contact["tenantId"] for contact in contacts + reads}

    callers = customers * 5
    assert at_once([partial(call, customer) for customer in callers]) == [{each.tenant_id} for each in callers]

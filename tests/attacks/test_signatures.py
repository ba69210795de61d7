"""An attacker who sees a signed request sends another one with its signature.

The attacker knows neither the key's signing secret nor how to sign. Each test takes the headers of one signed request
and sends a request that the key's holder never signed.
"""

import hmac
import json
import os
import time
from copy import deepcopy
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access import secrets
from contacts.access.signatures import signing_secret
from tests.events import Event, Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import signature_rejected

SECRET_NAME = os.environ["SIGNING_ROOT_SECRET"]
ROOT = "a signing root for tests"
PHONE = "4915123"


@pytest.fixture(autouse=True)
def _signing_root(table: Table) -> None:
    secrets._kept.pop(SECRET_NAME, None)
    secrets._client().create_secret(Name=SECRET_NAME, SecretString=ROOT)


def signed_event(function: str, tenant: Tenant, **request: Any) -> Event:
    """A request of the key's holder, signed as docs/signing.md says."""
    event = build_event(function, tenant, key={"requireSignature": "true"}, **request)
    values = event["multiValueQueryStringParameters"] or {}
    pairs = [(name.encode(), value) for name in sorted(values) for value in values[name]]
    target = event["path"] + (f"?{urlencode(pairs)}" if pairs else "")
    key = event["headers"].get("Idempotency-Key", "").replace(".", "%2E")
    body = sha256((event["body"] or "").encode()).hexdigest()
    timestamp = str(int(time.time()))
    text = f"{timestamp}.{event['httpMethod']}.{target}.{key}.{body}"
    signature = hmac.digest(signing_secret(ROOT, tenant.key_id).encode(), text.encode(), "sha256").hex()
    event["headers"] |= {"X-SigFollow-Timestamp": timestamp, "X-SigFollow-Signature": f"sha256={signature}"}
    return event


def altered(event: Event, *, headers: dict[str, str | None] | None = None, **fields: Any) -> Event:
    """The event with other fields. A header that is None is removed."""
    other = deepcopy(event) | fields
    other["headers"] |= headers or {}
    other["headers"] = {name: value for name, value in other["headers"].items() if value is not None}
    return other


def query(**values: list[str]) -> dict[str, Any]:
    return {
        "queryStringParameters": {name: each[-1] for name, each in values.items()},
        "multiValueQueryStringParameters": values,
    }


def outcome(function: str, event: Event) -> tuple[int, Any]:
    answer = invoke(function, event)
    return answer["statusCode"], json.loads(answer["body"])


BAD_SIGNATURE = signature_rejected("bad_signature")


def create(tenant: Tenant, phone: str) -> str:
    status, contact = call("upsert_contact", tenant, json_body={"phone": phone})
    assert status == 201
    return str(contact["id"])


def test_a_part_of_the_query_does_not_pass_for_a_body(acme: Tenant) -> None:
    create(acme, PHONE)
    create(acme, f"{PHONE}45678")
    event = signed_event("get_contact_by_phone", acme, query={"phone": f"{PHONE}.45678"})
    assert outcome("get_contact_by_phone", event)[0] == 200
    other = altered(event, **query(phone=[PHONE]), body="45678.")
    assert outcome("get_contact_by_phone", other) == BAD_SIGNATURE


def test_a_part_of_the_path_does_not_pass_for_a_body(acme: Tenant) -> None:
    contact_id = create(acme, PHONE)
    event = signed_event("delete_contact", acme, contactId=f"{contact_id}.bak")
    assert outcome("delete_contact", event)[0] == 404
    other = altered(event, path=f"/v1/contacts/{contact_id}", pathParameters={"contactId": contact_id}, body="bak.")
    assert outcome("delete_contact", other) == BAD_SIGNATURE
    assert call("get_contact", acme, contactId=contact_id)[0] == 200


def test_a_body_does_not_pass_for_a_part_of_the_path_or_the_idempotency_key(acme: Tenant) -> None:
    contact_id = create(acme, PHONE)
    event = signed_event("delete_contact", acme, contactId=contact_id, body="x.")
    path = f"/v1/contacts/{contact_id}.x"
    assert outcome("delete_contact", altered(event, path=path, body=None)) == BAD_SIGNATURE
    assert outcome("delete_contact", altered(event, headers={"Idempotency-Key": "x"}, body=None)) == BAD_SIGNATURE
    assert outcome("delete_contact", altered(event, headers={"Idempotency-Key": "x."}, body=None)) == BAD_SIGNATURE


@pytest.mark.parametrize("name", ["phone", "x"])
def test_the_values_of_one_parameter_cannot_be_sent_in_another_order(acme: Tenant, name: str) -> None:
    create(acme, PHONE)
    event = signed_event("get_contact_by_phone", acme, query={"phone": PHONE} | {name: ["1234567", PHONE]})
    values = event["multiValueQueryStringParameters"] | {name: [PHONE, "1234567"]}
    assert outcome("get_contact_by_phone", altered(event, **query(**values))) == BAD_SIGNATURE


@pytest.mark.parametrize("key", [None, "another", "first.", "FIRST", "", " first"])
def test_a_signed_request_cannot_be_done_again_with_another_idempotency_key(acme: Tenant, key: str | None) -> None:
    first = signed_event("upsert_contact", acme, json_body={"phone": PHONE}, headers={"Idempotency-Key": "first"})
    assert outcome("upsert_contact", first)[0] == 201
    assert outcome("upsert_contact", altered(first, headers={"Idempotency-Key": key})) == BAD_SIGNATURE
    answer = invoke("upsert_contact", first)
    assert (answer["statusCode"], answer["headers"]["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize("key", ["", "a"])
def test_a_request_that_was_signed_without_an_idempotency_key_cannot_get_one(acme: Tenant, key: str) -> None:
    event = signed_event("upsert_contact", acme, json_body={"phone": PHONE})
    assert outcome("upsert_contact", altered(event, headers={"Idempotency-Key": key})) == BAD_SIGNATURE


def test_an_empty_idempotency_key_cannot_be_signed(acme: Tenant) -> None:
    """Its text is that of a request without the header, which is done although this one never would be."""
    event = signed_event("upsert_contact", acme, json_body={"phone": PHONE}, headers={"Idempotency-Key": ""})
    assert outcome("upsert_contact", event) == BAD_SIGNATURE


def test_a_read_does_not_become_a_deletion(acme: Tenant) -> None:
    contact_id = create(acme, PHONE)
    event = signed_event("get_contact", acme, contactId=contact_id)
    assert outcome("delete_contact", altered(event, httpMethod="DELETE")) == BAD_SIGNATURE
    assert call("get_contact", acme, contactId=contact_id)[0] == 200


def test_an_encoded_slash_does_not_become_a_separator(acme: Tenant) -> None:
    event = signed_event("get_contact", acme, contactId="a/b")
    assert event["path"] == "/v1/contacts/a%2Fb"
    assert outcome("get_contact", altered(event, path="/v1/contacts/a/b")) == BAD_SIGNATURE


def test_an_encoded_percent_sign_does_not_become_an_escape(acme: Tenant) -> None:
    event = signed_event("get_contact", acme, contactId="%41")
    assert event["path"] == "/v1/contacts/%2541"
    assert outcome("get_contact", altered(event, path="/v1/contacts/%41")) == BAD_SIGNATURE


def test_a_query_does_not_become_a_path(acme: Tenant) -> None:
    event = signed_event("get_contact", acme, contactId="c1", query={"a": "b"})
    other = altered(event, path="/v1/contacts/c1%3Fa%3Db", **query())
    assert outcome("get_contact", other) == BAD_SIGNATURE


def test_an_idempotency_key_is_bound_to_the_query(acme: Tenant) -> None:
    key = {"Idempotency-Key": "once"}
    assert call("upsert_contact", acme, json_body={"phone": PHONE}, headers=key, query={"match": "exact"})[0] == 201
    status, error = call("upsert_contact", acme, json_body={"phone": PHONE}, headers=key, query={"match": "alias"})
    assert (status, error["error"]["message"]) == (422, "Idempotency-Key reused")

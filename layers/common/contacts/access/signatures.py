"""Request signatures, contract section 4: the canonical text and the signing secret.

docs/signing.md shows how clients sign, tests/vectors/signing.json has examples.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from operator import itemgetter
from urllib.parse import quote, unquote_to_bytes

type QueryPairs = Iterable[tuple[str, str]]
"""Decoded names and values, in the order in which they were sent."""


def signing_secret(root: str, key_id: str) -> str:
    """The signing secret of one API key. It is derived, so the table stores none."""
    return hmac.digest(root.encode(), key_id.encode(), "sha256").hex()


def sign(secret: str, text: str) -> str:
    """The value of X-SigFollow-Signature for a canonical text."""
    return "sha256=" + hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def canonical_text(
    *, timestamp: str, method: str, path: str, query: QueryPairs, idempotency_key: str | None, body: bytes
) -> str:
    """`path` is the raw path without the stage.

    Neither the hash nor the encoded key contains a dot, so read from the right the text has only one meaning.
    """
    key = _encode(_utf8(idempotency_key or "")).replace(".", "%2E")
    return f"{timestamp}.{method}.{canonical_target(path, query)}.{key}.{sha256(body).hexdigest()}"


def canonical_target(path: str, query: QueryPairs) -> str:
    """Path and query, decoded and encoded again, so that every way to write them gives the same text."""
    segments = "/".join(_encode(unquote_to_bytes(_utf8(segment))) for segment in path.split("/"))
    pairs = sorted(((_utf8(name), _utf8(value)) for name, value in query), key=itemgetter(0))
    return segments + ("?" + "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs) if pairs else "")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a lone surrogate must not raise


def _encode(octets: bytes) -> str:
    return quote(octets, safe="")

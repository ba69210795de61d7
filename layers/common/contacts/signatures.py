"""Request signing, contract section 4: what is signed, and with which secret. tests/vectors/signing.json shows both."""

import hmac
from collections.abc import Iterable
from urllib.parse import quote, unquote

UNRESERVED = "-._~"  # besides letters and digits, RFC 3986 section 2.3


def signing_secret(root: str, key_id: str) -> str:
    """The secret of one API key, derived, so that none is stored."""
    return hmac.digest(root.encode(), key_id.encode(), "sha256").hex()


def sign(secret: str, *, timestamp: str, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> str:
    """The value of X-SigFollow-Signature. Takes the path without the stage, and decoded query pairs in any order."""
    head = f"{timestamp}.{method}.{_canonical_path(path)}{_canonical_query(query)}."
    return "sha256=" + hmac.digest(secret.encode(), head.encode() + body, "sha256").hex()


def _canonical_path(path: str) -> str:
    return "/".join(_encode(unquote(segment)) for segment in path.split("/"))


def _canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    ordered = sorted((name.encode(), value.encode()) for name, value in pairs)
    return "?" + "&".join(f"{_encode(name)}={_encode(value)}" for name, value in ordered) if ordered else ""


def _encode(text: str | bytes) -> str:
    return quote(text, safe=UNRESERVED)

"""Request signatures, contract section 4: the signed text and the secret. tests/vectors/signing.json has examples."""

import hmac
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes


def signing_secret(root: str, key_id: str) -> str:
    """The signing secret of one API key. It is derived, so the table stores none."""
    return hmac.digest(root.encode(), key_id.encode(), "sha256").hex()


def sign(secret: str, *, timestamp: str, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> str:
    """The value of X-SigFollow-Signature. Takes the path without the stage, and decoded query pairs in any order."""
    head = f"{timestamp}.{method}.{_canonical_path(path)}{_canonical_query(query)}."
    return "sha256=" + hmac.digest(secret.encode(), head.encode() + body, "sha256").hex()


def _canonical_path(path: str) -> str:
    return "/".join(_encode(unquote_to_bytes(_utf8(segment))) for segment in path.split("/"))


def _canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    ordered = sorted((_utf8(name), _utf8(value)) for name, value in pairs)
    return "?" + "&".join(f"{_encode(name)}={_encode(value)}" for name, value in ordered) if ordered else ""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # lone surrogates are wrong, but must not raise


def _encode(octets: bytes) -> str:
    return quote(octets, safe="")

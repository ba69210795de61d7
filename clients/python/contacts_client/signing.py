"""Request signatures, contract section 4."""

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, unquote_to_bytes


def canonical_text(timestamp: str, method: str, target: str, idempotency_key: str | None, body: bytes) -> str:
    """The signed text. `target` is path and query as they are sent, without the stage."""
    path, _, query = target.partition("?")
    segments = "/".join(quote(unquote_to_bytes(segment), safe="") for segment in path.split("/"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0].encode())
    if pairs:
        segments += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    key = quote(idempotency_key or "", safe="").replace(".", "%2E")
    return f"{timestamp}.{method}.{segments}.{key}.{hashlib.sha256(body).hexdigest()}"


def sign(secret: str, text: str) -> str:
    """The value of X-SigFollow-Signature."""
    return "sha256=" + hmac.digest(secret.encode(), text.encode(), "sha256").hex()

"""API keys: format, hash, scopes and routes, contract section 4."""

import hmac
import re
import secrets

PREFIX = "sflo_live_"
SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")

DEFAULT_RATE_LIMIT = 80
"""Requests per second of a key that has no limit of its own."""

SCOPES = ("contacts:read", "contacts:write")

ROUTES = {
    "any": ("GET/v1/whoami",),
    "contacts:read": ("GET/v1/contacts", "GET/v1/contacts/*", "GET/v1/tags", "GET/v1/changes"),
    "contacts:write": (
        "POST/v1/contacts",
        "POST/v1/contacts/batch",
        "PATCH/v1/contacts/*",
        "DELETE/v1/contacts/*",
        "POST/v1/contacts/*/tags",
    ),
}
"""Scope → the routes that it opens, as an IAM policy names them; every key may call those of `any`.

A `*` spans slashes.
"""


def batch_rate_limit(rate_limit: int) -> int:
    """Batches per second of a key with this many requests per second: a tenth, rounded up, contract section 8."""
    return -(-rate_limit // 10)


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str, pepper: str) -> str:
    """What is stored instead of the key: HMAC-SHA256, in hex."""
    return hmac.digest(pepper.encode(), key.encode(), "sha256").hex()

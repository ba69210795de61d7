"""Ids of contacts, tags, tenants and keys, contract section 1: CUID-shaped, unguessable, never reused."""

import re
import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits
_SHAPE = re.compile(r"c[a-z0-9]{7,31}")


def new_id() -> str:
    return "c" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def is_id(text: str) -> bool:
    """Text of another shape cannot be in the table, so it needs no request to DynamoDB."""
    return _SHAPE.fullmatch(text) is not None

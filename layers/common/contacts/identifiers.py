"""CUID-shaped identifiers: opaque, unguessable, never reused."""

import re
import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits
_SHAPE = re.compile(r"c[a-z0-9]{7,31}")


def new_id() -> str:
    return "c" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def is_id(text: str) -> bool:
    """Whether the text has the shape; what has not cannot be in the table and needs no look-up."""
    return _SHAPE.fullmatch(text) is not None

"""What people may call things."""

import unicodedata

from admin.errors import InvalidValue

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line ends


def clean(what: str, text: str, longest: int) -> str:
    """Trimmed, and composed so that what looks equal is equal; 1 to `longest` characters. Raises InvalidValue."""
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(cleaned) <= longest:
        raise InvalidValue(f"The {what} must have 1 to {longest} characters; this one has {len(cleaned)}.")
    if printable(cleaned) != cleaned:
        raise InvalidValue(f"The {what} must be one line of readable text, without control characters.")
    return cleaned


def printable(text: str) -> str:
    """Safe on a terminal: contacts choose their own names, and may put escape sequences into them."""
    return "".join("�" if unicodedata.category(each) in _UNPRINTABLE else each for each in text)

"""Text that people enter, and text that a terminal shows."""

import unicodedata

from admin.errors import InvalidValue

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line ends


def clean(what: str, text: str, longest: int) -> str:
    """Trims the text and composes it (NFC). Raises InvalidValue unless it has 1 to `longest` readable characters."""
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(cleaned) <= longest:
        raise InvalidValue(f"The {what} must have 1 to {longest} characters, but has {len(cleaned)}.")
    if printable(cleaned) != cleaned:
        raise InvalidValue(f"The {what} must be one line of readable text, without control characters.")
    return cleaned


def printable(text: str) -> str:
    """Safe on a terminal: contacts choose their own names, and could put escape sequences into them."""
    return "".join("�" if unicodedata.category(each) in _UNPRINTABLE else each for each in text)

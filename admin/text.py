"""Text that people enter, and text that a terminal shows."""

import unicodedata

from admin.errors import InvalidValue

_UNREADABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line ends
_UNPRINTABLE = _UNREADABLE | {"Cf"}  # invisible ones, which hide differences or reverse the direction of the text


def clean(what: str, text: str, longest: int) -> str:
    """Trims the text and composes it (NFC). Raises InvalidValue unless it has 1 to `longest` readable characters."""
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(cleaned) <= longest:
        raise InvalidValue(f"The {what} must have 1 to {longest} characters, but has {len(cleaned)}.")
    if _neutralise(cleaned, _UNREADABLE) != cleaned:
        raise InvalidValue(f"The {what} must be one line of readable text, without control characters.")
    return cleaned


def printable(text: str) -> str:
    """One line that is safe on a terminal: names and arguments may contain escape sequences."""
    return _neutralise(text, _UNPRINTABLE)


def _neutralise(text: str, categories: frozenset[str]) -> str:
    return "".join("�" if unicodedata.category(each) in categories else each for each in text)

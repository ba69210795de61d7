"""Phones as the API reads them, contract sections 2 and 7, so that a file is checked before anything is sent."""

import re
import unicodedata

_LONGEST_INPUT = 100
_FEWEST_DIGITS, _MOST_DIGITS = 5, 32
_PUNCTUATION = frozenset("+()./" + "＋（）．／" + "\N{MINUS SIGN}\t")
_DROPPED_CATEGORIES = frozenset({"Zs", "Pd", "Cf"})
_REWRITTEN = re.compile(r"\+?\d+(?:[.,]\d+)?E\+?\d+|\d+\.0", re.IGNORECASE)
"""4.91512E+11 has lost its digits, and the API would read 491512345678.0 with one digit more."""

_BRAZIL = r"(55(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-579]))"  # with the area code
_ALIASES = (
    (re.compile(_BRAZIL + r"9([6-9]\d{7})"), r"\1\2"),
    (re.compile(_BRAZIL + r"([6-9]\d{7})"), r"\g<1>9\2"),
    (re.compile(r"52([2-9]\d{9})"), r"521\1"),
    (re.compile(r"521([2-9]\d{9})"), r"52\1"),
)


def normalize(raw: str) -> str:
    """Returns the digits. Raises ValueError with a text that completes "phone …"."""
    if len(raw) > _LONGEST_INPUT:
        raise ValueError(f"must have at most {_LONGEST_INPUT} characters.")
    if _REWRITTEN.fullmatch(raw.strip()):
        raise ValueError("is a number that a spreadsheet rewrote. Format the column as text.")
    digits = []
    for character in raw:
        category = unicodedata.category(character)
        if category == "Nd":
            digits.append(str(unicodedata.decimal(character)))
        elif character not in _PUNCTUATION and category not in _DROPPED_CATEGORIES:
            raise ValueError("must contain digits and the usual separators only.")
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        raise ValueError(f"must have {_FEWEST_DIGITS} to {_MOST_DIGITS} digits.")
    return "".join(digits)


def alias_of(phone: str) -> str | None:
    """The other spelling of the normalized phone, if it has one."""
    for spelling, other in _ALIASES:
        if match := spelling.fullmatch(phone):
            return match.expand(other)
    return None


def spellings(phone: str, *, alias: bool) -> list[str]:
    """Under which a contact with the normalized phone may be found, the exact one first."""
    other = alias_of(phone) if alias else None
    return [phone, other] if other else [phone]

"""Phones, contract sections 2 and 7: how they are normalized, and the second spelling that some have."""

import re
import unicodedata
from collections.abc import Callable

LONGEST_INPUT = 100
_FEWEST_DIGITS, _MOST_DIGITS = 5, 32
_PUNCTUATION = frozenset("+()./" + "＋（）．／" + "\N{MINUS SIGN}\t")
_DROPPED_CATEGORIES = frozenset({"Zs", "Pd", "Cf"})  # spaces, dashes, invisible formatting

_BRAZIL = r"(55(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-579]))"  # with the area code
_ALIASES = (
    (re.compile(_BRAZIL + r"9([6-9]\d{7})"), r"\1\2"),
    (re.compile(_BRAZIL + r"([6-9]\d{7})"), r"\g<1>9\2"),
    (re.compile(r"52([2-9]\d{9})"), r"521\1"),
    (re.compile(r"521([2-9]\d{9})"), r"52\1"),
)
"""Spelling → the other spelling of the same mobile number: Brazil's ninth digit, and Mexico's 1."""


def normalize_phone(raw: str) -> str:
    """Returns 5 to 32 ASCII digits. Raises ValueError with a text that completes "the phone …"."""
    if len(raw) > LONGEST_INPUT:  # first, because a body can hold millions of characters
        raise ValueError(f"must have at most {LONGEST_INPUT} characters.")
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


type FindAlias = Callable[[str], str | None]


def parse_match(text: str) -> FindAlias:
    """What `match=` asks for. Raises ValueError with a text that completes "match …"."""
    if text not in _MATCHES:
        raise ValueError("must be exact or alias.")
    return _MATCHES[text]


def no_alias(_phone: str) -> None:
    """For `match=exact`, the default."""


def alias_of(phone: str) -> str | None:
    """The other spelling of a normalized phone, under which the same person may be stored; most phones have none."""
    for spelling, other in _ALIASES:
        match = spelling.fullmatch(phone)
        if match:
            return match.expand(other)
    return None


_MATCHES: dict[str, FindAlias] = {"exact": no_alias, "alias": alias_of}

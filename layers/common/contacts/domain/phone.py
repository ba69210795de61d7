"""Phone normalization, contract section 2. There is no country logic: equal digits are the same contact."""

import unicodedata

_SHORTEST, _LONGEST = 5, 32
_PUNCTUATION = frozenset("+()./" + "＋（）．／" + "\N{MINUS SIGN}\t")
_DROPPED_CATEGORIES = frozenset({"Zs", "Pd", "Cf"})  # spaces, dashes, invisible formatting


def normalize_phone(raw: str) -> str:
    """Returns 5 to 32 ASCII digits. Raises ValueError with a text that completes "the phone …"."""
    digits = []
    for character in raw:
        category = unicodedata.category(character)
        if category == "Nd":
            digits.append(str(unicodedata.decimal(character)))
        elif character not in _PUNCTUATION and category not in _DROPPED_CATEGORIES:
            raise ValueError("must contain digits and the usual separators only.")
    if not _SHORTEST <= len(digits) <= _LONGEST:
        raise ValueError(f"must have {_SHORTEST} to {_LONGEST} digits.")
    return "".join(digits)

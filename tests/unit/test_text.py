"""Text on a terminal."""

import sys
import unicodedata

import pytest

from admin.errors import InvalidValue
from admin.text import clean, printable

HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_control_bidi_and_invisible_characters_are_neutralised_and_no_others() -> None:
    characters = [chr(code_point) for code_point in range(sys.maxunicode + 1)]
    expected = ["�" if unicodedata.category(each) in HARMFUL else each for each in characters]
    assert list(printable("".join(characters))) == expected


def test_names_may_have_joiners_but_no_control_characters() -> None:
    joined = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
    assert clean("name", joined, 10) == joined
    with pytest.raises(InvalidValue):
        clean("name", "a\x1bb", 10)

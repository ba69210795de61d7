"""Which tag names are the same name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.storage.tags import fold, is_tag_name

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("VIP Straße", "vip strasse"),
        ("ＶＩＰ", "vip"),  # full-width
        ("V\N{ZERO WIDTH SPACE}IP", "vip"),
        ("VIP\N{SOFT HYPHEN}", "vip"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}VIP\N{POP DIRECTIONAL FORMATTING}", "vip"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}VIP", "vip"),
        ("VIP\N{HANGUL FILLER}", "vip"),
        ("❤\N{VARIATION SELECTOR-16}", "❤"),
        ("New\N{NO-BREAK SPACE}\N{EM SPACE}lead ", "new lead"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "café"),
        ("CAFE\N{COMBINING ACUTE ACCENT}", "café"),
        ("No. ①½", "no. 11⁄2"),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", "\N{WOMAN}\N{PERSONAL COMPUTER}"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i\N{COMBINING DOT ABOVE}"),
        ("ΒΌΛΟΣ", "βόλοσ"),
        ("βόλος", "βόλοσ"),
    ],
)
def test_names_are_folded(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize(("name", "other"), [("VIP", "VIP2"), ("VIP", "V IP"), ("café", "cafe"), ("А", "A")])
def test_names_with_a_visible_difference_are_different(name: str, other: str) -> None:
    assert fold(name) != fold(other)


@given(TEXT)
def test_folding_again_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@given(TEXT, TEXT, st.sampled_from("\u200b\u200d\u2060\u202e\u2066\ufeff\u00ad\ufe0f\u3164"))
def test_an_invisible_character_makes_no_difference_anywhere(before: str, after: str, invisible: str) -> None:
    assert fold(before + invisible + after) == fold(before + after)


@pytest.mark.parametrize(
    ("name", "is_possible"),
    [
        ("x" * 50, True),
        ("x" * 51, False),
        ("", False),
        ("\N{ZERO WIDTH SPACE}", False),
        ("\N{HANGUL FILLER}\N{BRAILLE PATTERN BLANK}", False),
        ("👩" * 50, True),
        ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 30, True),  # folds to 990 bytes
        ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 31, False),  # 1,023 bytes do not fit behind NAME#
    ],
)
def test_a_tag_name_is_short_visible_and_fits_into_a_sort_key(name: str, *, is_possible: bool) -> None:
    assert is_tag_name(name) is is_possible

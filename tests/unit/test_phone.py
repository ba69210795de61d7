import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import batched

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.domain.phone import normalize_phone

CHARACTERS = [chr(code_point) for code_point in range(sys.maxunicode + 1)]
PUNCTUATION = "+()./＋（）．／−\t"

phones = st.text("0123456789", min_size=5, max_size=32)
separators = st.text(st.characters(categories=["Zs", "Pd", "Cf"], include_characters=PUNCTUATION), max_size=2)


def characters_of(category: str) -> str:
    return "".join(character for character in CHARACTERS if unicodedata.category(character) == category)


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("12345", "12345"),
        ("1" * 32, "1" * 32),
        ("+49 (0) 151/234-56.78", "4901512345678"),
        ("0049 151 2345678", "00491512345678"),  # no country logic: 00 is kept
        (" 49151 2345678", "491512345678"),  # what a raw + in a query becomes
        ("＋４９（１５１）２３４５６７８", "491512345678"),
        ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
        ("۰۱۲۳۴۵۶۷۸۹", "0123456789"),
        ("१२३४५", "12345"),
        ("\u202a+49 151 2345678\u202c", "491512345678"),
        ("\ufeff49\u00ad151\u200b2345678", "491512345678"),
        ("49\u00a0151\u202f234\u3000567", "49151234567"),
        ("49‐151‑234–567—8−9", "4915123456789"),
    ],
)
def test_what_people_and_crms_put_around_digits_is_dropped(raw: str, normalized: str) -> None:
    assert normalize_phone(raw) == normalized


@pytest.mark.parametrize("category", ["Zs", "Pd", "Cf"])
def test_every_space_dash_and_invisible_character_is_dropped(category: str) -> None:
    for some in batched(characters_of(category), 95, strict=False):
        assert normalize_phone(f"123{''.join(some)}45") == "12345"


@pytest.mark.parametrize("character", PUNCTUATION)
def test_the_usual_punctuation_and_its_full_width_twins_are_dropped(character: str) -> None:
    assert normalize_phone(f"{character}12{character}345{character}") == "12345"


@pytest.mark.parametrize("digits", ["".join(ten) for ten in batched(characters_of("Nd"), 10, strict=True)])
def test_digits_of_every_script_become_ascii(digits: str) -> None:
    assert normalize_phone(digits) == "0123456789"


@pytest.mark.parametrize("raw", ["", "+", "1234", "٠١٢٣", "1" * 33, "1" * 100, " \t", "\u200b" * 100])
def test_fewer_than_5_and_more_than_32_digits_are_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refusal:
        normalize_phone(raw)
    assert str(refusal.value) == "must have 5 to 32 digits."


class Walked(str):  # noqa: SLOT000
    """Counts the characters that are visited."""

    visited = 0

    def __iter__(self) -> Iterator[str]:
        for character in super().__iter__():
            self.visited += 1
            yield character


def test_an_input_of_more_than_100_characters_is_refused_before_it_is_walked() -> None:
    longest, too_long = Walked("12345" + " " * 95), Walked("12345" + " " * 96)
    assert normalize_phone(longest) == "12345"
    with pytest.raises(ValueError, match=r"^must have at most 100 characters\.$"):
        normalize_phone(too_long)
    assert (longest.visited, too_long.visited) == (100, 0)


@pytest.mark.parametrize("character", "aßй²①Ⅻ½零€😀*#,;:_\\⁄\0\n\u2028\u0301\ud800\ue000")
def test_anything_else_is_refused_never_dropped(character: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refusal:
        normalize_phone(f"49151{character}2345678")
    assert str(refusal.value) == "must contain digits and the usual separators only."


@given(st.characters(exclude_categories=["Nd", "Zs", "Pd", "Cf"], exclude_characters=PUNCTUATION))
def test_no_other_character_of_unicode_is_dropped(character: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        normalize_phone(f"49151{character}2345678")


@given(phones, st.data())
def test_two_inputs_are_the_same_phone_when_their_digits_are(phone: str, data: st.DataObject) -> None:
    written = "".join(data.draw(separators) + digit for digit in phone) + data.draw(separators)  # 98 at most
    assert normalize_phone(written) == phone


@given(st.text())
def test_the_result_is_a_fixed_point_of_5_to_32_ascii_digits_or_the_input_is_refused(raw: str) -> None:
    try:
        normalized = normalize_phone(raw)
    except ValueError:
        return
    assert re.fullmatch(r"[0-9]{5,32}", normalized)
    assert normalize_phone(normalized) == normalized

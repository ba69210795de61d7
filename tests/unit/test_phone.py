import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import batched, product

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.domain.phone import alias_of, normalize_phone, parse_match

PUNCTUATION = "+()./＋（）．／−\t"

phones = st.text("0123456789", min_size=5, max_size=32)
separators = st.text(st.characters(categories=["Zs", "Pd", "Cf"], include_characters=PUNCTUATION), max_size=2)


def characters_of(category: str) -> str:
    every_character = map(chr, range(sys.maxunicode + 1))
    return "".join(character for character in every_character if unicodedata.category(character) == category)


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("12345", "12345"),
        ("1" * 32, "1" * 32),
        ("+49 (0) 151/234-56.78", "4901512345678"),
        ("0049 151 2345678", "00491512345678"),  # no country logic: 00 is kept
        (" 49151 2345678", "491512345678"),  # an unencoded + in a query
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
def test_the_separators_that_people_and_crms_write_are_dropped(raw: str, normalized: str) -> None:
    assert normalize_phone(raw) == normalized


@pytest.mark.parametrize("category", ["Zs", "Pd", "Cf"])
def test_every_space_dash_and_invisible_character_is_dropped(category: str) -> None:
    for some in batched(characters_of(category), 95, strict=False):
        assert normalize_phone(f"123{''.join(some)}45") == "12345"


@pytest.mark.parametrize("character", PUNCTUATION)
def test_the_usual_punctuation_and_its_full_width_twins_are_dropped(character: str) -> None:
    assert normalize_phone(f"{character}12{character}345{character}") == "12345"


def test_digits_of_every_script_become_ascii() -> None:
    for digits in batched(characters_of("Nd"), 10, strict=True):
        assert normalize_phone("".join(digits)) == "0123456789"


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


def test_an_input_of_more_than_100_characters_is_refused_before_it_is_read() -> None:
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


NUMBERS_WITH_ALIAS = st.from_regex(
    r"55(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-579])9?[6-9][0-9]{7}|521?[2-9][0-9]{9}", fullmatch=True
)


def is_valid(digits: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))


def national_numbers(region: str, kind: str) -> st.SearchStrategy[str]:
    """Numbers of a kind as libphonenumber describes them, without the country code."""
    description = getattr(phonenumbers.PhoneMetadata.metadata_for_region(region), kind)
    return st.from_regex(description.national_number_pattern.replace(r"\d", "[0-9]"), fullmatch=True)


@pytest.mark.parametrize(
    ("phone", "alias"),
    [
        ("5511987654321", "551187654321"),
        ("551187654321", "5511987654321"),
        ("5511967654321", "551167654321"),
        ("525512345678", "5215512345678"),
        ("5215512345678", "525512345678"),
    ],
)
def test_mobile_numbers_of_brazil_and_mexico_have_a_second_spelling(phone: str, alias: str) -> None:
    assert alias_of(phone) == alias


@given(NUMBERS_WITH_ALIAS)
def test_the_alias_of_an_alias_is_the_number_itself(phone: str) -> None:
    alias = alias_of(phone)
    assert alias is not None
    assert abs(len(alias) - len(phone)) == 1
    assert alias_of(alias) == phone


@given(st.text("0123456789", min_size=5, max_size=14) | NUMBERS_WITH_ALIAS.map(lambda phone: phone[:-1]))
def test_a_number_has_one_alias_that_leads_back_or_none(phone: str) -> None:
    alias = alias_of(phone)
    assert alias is None or alias_of(alias) == phone


def test_the_area_codes_of_brazil_are_those_of_libphonenumber() -> None:
    for area in range(100):
        long, short = f"55{area:02}987654321", f"55{area:02}87654321"
        assert (alias_of(long), alias_of(short)) == ((short, long) if is_valid(long) else (None, None))


@given(national_numbers("BR", "mobile").filter(lambda number: len(number) == 11))
def test_the_long_spelling_of_a_brazilian_mobile_number_is_the_valid_one(number: str) -> None:
    """Except after 7: these 8 digits were also trunked radio numbers, which libphonenumber still knows."""
    alias = alias_of(f"55{number}")
    assert is_valid(f"55{number}")
    if number[3] in "012345":  # without its 9 it would be a landline's
        assert alias is None
    else:
        assert alias == f"55{number[:2]}{number[3:]}"
        assert is_valid(alias) == (number[3] == "7")


@given(national_numbers("MX", "mobile"))
def test_the_short_spelling_of_a_mexican_number_is_the_valid_one(number: str) -> None:
    assert is_valid(f"52{number}")
    assert alias_of(f"52{number}") == f"521{number}"
    assert not is_valid(f"521{number}")


@given(national_numbers("BR", "fixed_line").map("55{}".format))
def test_landlines_of_brazil_have_no_alias(phone: str) -> None:
    assert is_valid(phone)
    assert alias_of(phone) is None


@given(national_numbers("AR", "mobile").map("54{}".format) | national_numbers("AR", "fixed_line").map("54{}".format))
def test_numbers_of_argentina_have_no_alias(phone: str) -> None:
    assert alias_of(phone) is None


def test_numbers_of_other_countries_have_no_alias() -> None:
    for region, kind in product(phonenumbers.SUPPORTED_REGIONS - {"BR", "MX"}, phonenumbers.PhoneNumberType.values()):
        number = phonenumbers.example_number_for_type(region, kind)
        if number:
            assert alias_of(f"{number.country_code}{number.national_number}") is None


def test_a_match_is_exact_or_alias() -> None:
    assert parse_match("exact")("525512345678") is None
    assert parse_match("alias")("525512345678") == "5215512345678"


@pytest.mark.parametrize("text", ["", "Exact", "ALIAS", " exact", "alias,exact", "1"])
def test_any_other_match_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be exact or alias\.$"):
        parse_match(text)

import re

import pytest

from contacts.runtime.identifiers import is_id, new_id


def test_new_ids_are_a_c_and_24_lower_case_letters_and_digits() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"c[a-z0-9]{24}", each) and is_id(each) for each in ids)


@pytest.mark.parametrize("text", ["c0000000", "c" + "z" * 31, "cm3contact0ada0sample0001"])
def test_a_c_and_7_to_31_lower_case_letters_and_digits_are_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c",
        "c000000",
        "c" + "z" * 32,
        "x0000000",
        "C0000000",
        "c000000A",
        "c00000é0",
        "c000000٣",
        "c0000000\n",
        "c0000#00",
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_id(text)

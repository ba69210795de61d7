"""What `contacts push` reads: CSV files as spreadsheets write them, and phones as the API reads them."""

import csv
import io
import os
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from contacts.domain.phone import alias_of, normalize_phone
from contacts_client.cli import phones
from contacts_client.cli.errors import Misuse
from contacts_client.cli.sheets import Sheet, join_tags, neutralise, restore, split_tags
from tests.clients.command import write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crm.csv"


def test_a_file_that_changes_while_it_is_read_is_refused(file: Path) -> None:
    write(file, ["49151000001", "", ""], ["49151000002", "", ""])
    rows = Sheet.open(file).rows()
    next(rows)
    write(file, ["49151000003", "", ""])
    os.utime(file, ns=(0, 0))
    with pytest.raises(Misuse, match="changed while it was read"):
        list(rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_a_file_is_read_as_spreadsheets_write_it(file: Path, encoding: str, delimiter: str, line_end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    header, rows = ["Name, first; last\there", "Phone "], [["Zoë\r\n😀", "1"], [" ", ""], ["a;b,c\td", '"2"']]
    writer.writerows([header, *rows])
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    file.write_bytes((bom + text.getvalue() + line_end).encode(encoding))
    sheet = Sheet.open(file)
    assert (sheet.header, sheet.delimiter) == (("Name, first; last\there", "Phone"), delimiter)
    assert [*sheet.rows()] == [(2, rows[0]), (4, rows[2])]


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b c"], ["a|b", "\\", "a\\|b"], ["=a", "-"]])
def test_tags_can_be_joined_and_split_again(names: list[str]) -> None:
    cell = neutralise(join_tags(names))
    assert not cell.startswith(("=", "-"))
    assert split_tags(restore(cell)) == names


def test_phones_are_read_as_the_api_reads_them() -> None:
    kinds = {"Nd", "Zs", "Pd", "Cf"}
    every = (chr(number) for number in range(sys.maxunicode + 1))
    for character in (each for each in every if each < "\u3100" or unicodedata.category(each) in kinds):
        assert normal(phones.normalize, f"12345{character}") == normal(normalize_phone, f"12345{character}")
    for phone in ["", "1234", "1" * 32, "1" * 33, "1" + " " * 99, "1" * 5 + " " * 96]:
        assert normal(phones.normalize, phone) == normal(normalize_phone, phone)


def test_aliases_are_those_of_the_api() -> None:
    ends = ["", "987654321", "87654321", "57654321", "2223334444", "12223334444", "1222333444"]
    for phone in (f"{start}{end}" for start in [*range(5500, 5600), 52, 521, 49] for end in ends):
        assert phones.alias_of(phone) == alias_of(phone)


def normal(normalize: Callable[[str], str], phone: str) -> str:
    try:
        return normalize(phone)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("phone", ["4.91512E+11", "4,91512e+11", "491512345678.0", "5E+10"])
def test_a_phone_that_a_spreadsheet_rewrote_is_refused(phone: str) -> None:
    with pytest.raises(ValueError, match="a spreadsheet rewrote"):
        phones.normalize(phone)

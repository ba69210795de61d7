"""The rows of a sheet as the contacts that they ask for, checked as the API checks them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contacts_client import Contacts
from contacts_client.cli import phones
from contacts_client.cli.errors import Misuse
from contacts_client.cli.sheets import Sheet, restore, split_tags

MOST_TAGS = 20
_LONGEST_NAME = 128
_USUAL_NAMES = {
    "phone": ("phone", "phone number", "mobile", "mobile phone", "whatsapp"),
    "name": ("display name", "display_name", "name", "full name"),
    "tags": ("tags",),
}


@dataclass(frozen=True)
class Columns:
    """Where a row has what. None: nowhere."""

    phone: int
    name: int | None
    tags: int | None

    @classmethod
    def find(cls, sheet: Sheet, phone: str | None, name: str | None, tags: str | None) -> "Columns":
        """By the given names, else by usual ones, in any case. Raises Misuse."""
        found = {kind: _find(sheet, kind, given) for kind, given in (("phone", phone), ("name", name), ("tags", tags))}
        if found["phone"] is None:
            raise Misuse(f"Which column has the phones? Pass --phone with one of: {', '.join(sheet.header)}.")
        return cls(found["phone"], found["name"], found["tags"])


@dataclass(frozen=True)
class Row:
    number: int
    cells: Sequence[str]
    phone: str
    name: str | None
    tags: Sequence[str]
    """Ids."""
    unknown_tags: Sequence[str]
    """Names."""
    refusal: str | None
    """Why the API would refuse this row, whatever contacts there are."""

    @property
    def item(self) -> dict[str, Any]:
        return {"phone": self.phone, "display_name": self.name, "tags": [{"tag_id": each} for each in self.tags]}


class TagNames:
    """Ids by name. The API compares the names, each at most once."""

    def __init__(self, client: Contacts) -> None:
        self._client = client

    def find(self, name: str) -> str | None:
        if name not in self._ids:
            self._ids[name] = next((tag.id for tag in self._client.tags(name)), None)
        return self._ids[name]

    @cached_property
    def _ids(self) -> dict[str, str | None]:
        return {tag.name: tag.id for tag in self._client.tags()}


@dataclass(frozen=True)
class Rows:
    sheet: Sheet
    columns: Columns
    tag_names: TagNames
    tags_of_all: Sequence[str] = ()
    """Names. They replace the column."""

    def __iter__(self) -> Iterator[Row]:
        return (self._read(number, cells) for number, cells in self.sheet.rows())

    def _read(self, number: int, cells: list[str]) -> Row:
        names = self.tags_of_all or split_tags(self._cell(cells, self.columns.tags))
        ids = {name: self.tag_names.find(name) for name in names}
        tags = tuple(dict.fromkeys(each for each in ids.values() if each))
        name = self._cell(cells, self.columns.name)
        phone, refusal = "", None
        try:
            phone = phones.normalize(self._cell(cells, self.columns.phone))
        except ValueError as error:
            refusal = f"phone {error}"
        if len(cells) > len(self.sheet.header) and any(cells[len(self.sheet.header) :]):
            refusal = f"The row has {len(cells)} cells, but the header has {len(self.sheet.header)}."
        elif not refusal and "\0" in name:
            refusal = "display_name: Input should have neither NUL characters nor lone surrogates."
        elif not refusal and len(tags) > MOST_TAGS:
            refusal = f"tags: Input should have at most {MOST_TAGS} entries."
        unknown = tuple(name for name, tag_id in ids.items() if not tag_id)
        return Row(number, cells, phone, name[:_LONGEST_NAME] or None, tags, unknown, refusal)

    @staticmethod
    def _cell(cells: list[str], column: int | None) -> str:
        return restore(cells[column].strip()) if column is not None and column < len(cells) else ""


def _find(sheet: Sheet, kind: str, given: str | None) -> int | None:
    header = [each.casefold() for each in sheet.header]
    for name in [given.strip().casefold()] if given is not None else _USUAL_NAMES[kind]:
        if header.count(name) > 1:
            raise Misuse(f"{sheet.path} has several columns {name!r}.")
        if name in header:
            return header.index(name)
    if given is not None:
        raise Misuse(f"{sheet.path} has no column {given!r}, but these: {', '.join(sheet.header)}.")
    return None

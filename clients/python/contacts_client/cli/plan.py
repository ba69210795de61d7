"""What a push would do, found out with reads alone."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from contacts_client import Contact, ContactNotFound, Contacts
from contacts_client.cli.errors import Misuse
from contacts_client.cli.phones import spellings
from contacts_client.cli.rows import MOST_TAGS, Row

type Effect = str
"""One letter, because a plan has one for each row: a key of COUNTED."""

CREATED, UNCHANGED, REFUSED = "c", "u", "x"
COUNTED: dict[Effect, tuple[str, ...]] = {
    CREATED: ("created",),
    "r": ("renamed",),
    "t": ("tags_added",),
    "b": ("renamed", "tags_added"),
    UNCHANGED: ("unchanged",),
    REFUSED: ("refused",),
}
"""Effect → the counts that it belongs to. A tag is added, too, if its source or its reason changes."""

_EFFECTS = {(True, False): "r", (False, True): "t", (True, True): "b", (False, False): UNCHANGED}

_MOST_LISTED = 20
_PAGE = 100


def count(effects: Iterable[Effect]) -> Counter[str]:
    counts = Counter(dict.fromkeys(chain.from_iterable(COUNTED.values()), 0))
    for effect, number in Counter(effects).items():
        counts.update(dict.fromkeys(COUNTED[effect], number))
    return counts


def check(rows: Iterable[Row]) -> tuple[int, list[str]]:
    """The number of rows, and remarks for the user: why the API would refuse rows, and a doubtful spelling of phones.

    Raises Misuse if the rows name tags that do not exist.
    """
    number, zeros, first_zero = 0, 0, 0
    remarks, unknown = list[str](), dict[str, int]()
    for number, row in enumerate(rows, start=1):  # noqa: B007 - the last number is a result
        for name in row.unknown_tags:
            unknown.setdefault(name, row.number)
        if len(unknown) > _MOST_LISTED:
            break
        if row.refusal and len(remarks) < _MOST_LISTED:
            remarks.append(f"row {row.number}: {row.refusal}")
        if row.phone.startswith("0"):
            zeros, first_zero = zeros + 1, first_zero or row.number
    if unknown:
        listed = [f"  {name} (row {row})" for name, row in unknown.items()]
        listed[_MOST_LISTED:] = ["  and more"] * (len(unknown) > _MOST_LISTED)
        raise Misuse("\n".join(["These tags do not exist:", *listed, "A | separates tags."]))
    if zeros:
        remarks.append(
            f"row {first_zero}: phone begins with 0 (so do {zeros:,} in all). "
            "Write the country code without 00, else this is a contact that WhatsApp does not know."
        )
    return number, remarks


class State(NamedTuple):
    name: str | None
    tags: dict[str, bool]
    """Id → whether the assignment is as a push leaves it: by the API, without a reason."""


class Known:
    """Contacts by phone, in a temporary database on disk, because there may be millions."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # SQLite deletes its file at once
        self._database.execute("CREATE TABLE contacts (phone TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID")

    def __getitem__(self, phone: str) -> State | None:
        found = self._database.execute("SELECT state FROM contacts WHERE phone = ?", (phone,)).fetchone()
        return State(*json.loads(found[0])) if found else None

    def __setitem__(self, phone: str, state: State) -> None:
        self._database.execute("INSERT OR REPLACE INTO contacts VALUES (?, ?)", (phone, json.dumps(state)))

    def close(self) -> None:
        self._database.close()

    def read(
        self, client: Contacts, rows: Iterable[Row], number: int, *, alias: bool, tick: Callable[[], None]
    ) -> None:
        """Adds the contacts that the rows may meet, and calls `tick` after each.

        Lists all contacts, until to look up each of the `number` phones would have taken fewer requests: then it
        does that.
        """
        for listed, contact in enumerate(client.contacts()):
            if listed == number * _PAGE:
                break
            self._add(contact)
            tick()
        else:
            return
        for phone in (each for row in rows if not row.refusal for each in spellings(row.phone, alias=alias)):
            if self[phone] is None:
                with suppress(ContactNotFound):
                    self._add(client.by_phone(phone))
                tick()

    def _add(self, contact: Contact) -> None:
        tags = {each.tag_id: each.source == "API" and each.reason is None for each in contact.tag_assignments or ()}
        self[contact.phone] = State(contact.display_name, tags)


def predict(rows: Iterable[Row], known: Known, *, alias: bool) -> Iterator[Effect]:
    """What the push of each row does after those before it, and changes `known` accordingly."""
    for row in rows:
        if row.refusal:
            yield REFUSED
            continue
        found = ((each, state) for each in spellings(row.phone, alias=alias) if (state := known[each]))
        phone, state = next(found, (row.phone, None))
        name, tags = state or (None, {})
        if len(tags.keys() | set(row.tags)) > MOST_TAGS:
            yield REFUSED
            continue
        known[phone] = State(row.name or name, tags | dict.fromkeys(row.tags, True))
        is_renamed = row.name not in {None, name}
        gets_tags = not all(tags.get(each) for each in row.tags)
        yield CREATED if state is None else _EFFECTS[is_renamed, gets_tags]

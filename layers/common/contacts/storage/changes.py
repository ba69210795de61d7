"""The change log of one tenant, contract section 9: entries at the positions 1, 2, 3 and so on.

An entry is only written behind the last one. So the positions have no holes, and whoever goes on from one of them
misses nothing.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from contacts.domain.changes import Change, Changes
from contacts.domain.contact import ContactWithTags
from contacts.domain.errors import CursorExpired, DatabaseUnavailable
from contacts.runtime.observability import logger
from contacts.storage.contacts import ContactRepository
from contacts.storage.items import ChangeLogEntry
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Table

MOST_CHANGES = 100
"""In one entry, and on one page."""

MOST_CONTACTS = 50
"""One entry names no more contacts, so that the largest ones fit into one answer."""

_KEPT = timedelta(days=35)
_GAP_OF_A_RESET = 1000
CLOSED = 10**16 - 1
"""The last possible position. Its entry closes the log."""

_SECONDS_TO_READ_CONTACTS = 8
"""A page ends when only this time is left: two operations with their retries."""

_FEW = 4
"""How many entries a page reads first. Usually few are new, and a Query pays for all that it reads."""


class Entry(NamedTuple):
    position: int
    changes: list[Change]


class ChangesPage(NamedTuple):
    cursor: int
    """The position before the entries."""
    entries: list[Entry]
    contacts: dict[str, ContactWithTags]
    """By id, the contacts that the entries name and that exist, as they are now."""
    has_more: bool


class ChangeLog:
    def __init__(self, tenant_id: str, deadline: float | None = None) -> None:
        """No request is sent after the deadline, in seconds of time.monotonic()."""
        self._tenant_id = tenant_id
        self._table = Table(deadline)
        self._contacts = ContactRepository(tenant_id, deadline)

    def append(self, changes: Changes) -> None:
        """One entry, or none if the log is closed.

        Raises DatabaseUnavailable: then it may have been written nevertheless, and again by a repetition. The caller
        keeps to MOST_CHANGES and MOST_CONTACTS.
        """
        self._add(changes, lambda last: last + 1)

    def reset(self) -> int:
        """Makes every cursor expire, also those from before a restore. Returns the new last position.

        The time in milliseconds is greater than every position of the past: between two resets each entry adds 1.
        Raises DatabaseUnavailable.
        """
        return self._add([], lambda last: max(last + _GAP_OF_A_RESET, time.time_ns() // 1_000_000))

    def close(self) -> None:
        """Nothing more is appended: the tenant is being deleted. Safe to repeat. Raises DatabaseUnavailable."""
        self._add([], lambda _: CLOSED)

    def page(self, cursor: int | None) -> ChangesPage:
        """The entries that follow the position, or the last position if there is no cursor.

        Raises CursorExpired, DatabaseUnavailable.
        """
        if cursor is None:
            return ChangesPage(self._last(), [], {}, has_more=False)
        entries, has_more = self._entries_after(cursor)
        named = dict.fromkeys(change.contact_id for entry in entries for change in entry.changes)
        return ChangesPage(cursor, entries, self._contacts.find(named), has_more)

    def _add(self, changes: Changes, following: Callable[[int], int]) -> int:
        """Reads the last position before each attempt. One that was remembered could be from before a reset."""
        nonce = secrets.token_urlsafe(9)
        texts = [_to_text(each) for each in changes]
        for _ in self._table.attempts():
            last = self._last()
            if last == CLOSED:
                return last
            position = following(last)
            entry = ChangeLogEntry(*ChangeLogEntry.key(self._tenant_id, position), changes=texts, written_by=nonce)
            try:
                self._table.put(entry, ChangeLogEntry.pk.does_not_exist())
            except ConditionFailed as failure:
                if ChangeLogEntry.from_raw_data(failure.old_item or {}).written_by != nonce:
                    continue  # another consumer was faster
            self._let_expire(last)
            return position
        raise DatabaseUnavailable

    def _last(self) -> int:
        """0 if the log is empty."""
        found = self._table.query(ChangeLogEntry, ChangeLogEntry.log(self._tenant_id), limit=1, backward=True)
        return int(found[0].sk) if found else 0

    def _let_expire(self, position: int) -> None:
        """Not for the last entry: the next position is counted from it. Never fails: a missing TTL does no harm."""
        entry = ChangeLogEntry(*ChangeLogEntry.key(self._tenant_id, position))
        expires_at = ChangeLogEntry.expires_at.set(int(time.time() + _KEPT.total_seconds()))
        try:
            self._table.update(entry, [expires_at], ChangeLogEntry.pk.exists())
        except ConditionFailed:
            pass  # the log was empty
        except DatabaseUnavailable:
            logger.exception("An entry of the change log will not expire", position=position)

    def _entries_after(self, cursor: int) -> tuple[list[Entry], bool]:
        """The entries that fit on a page, and whether there are more. Raises CursorExpired if one is missing.

        Reads again if one is missing: a Query is no snapshot, so it can find an entry that was appended meanwhile and
        not the one before it.
        """
        for _ in range(2):
            entries, is_end = self._read_from(cursor)
            positions = [each.position for each in entries]
            first = positions[0] if positions else 0  # an empty log has cursor 0 only
            if first in {cursor, cursor + 1} and positions == [*range(first, first + len(positions))]:
                following = [each for each in entries if each.position > cursor]
                page = _first_page(following)
                return page, len(page) < len(following) or not is_end
        raise CursorExpired

    def _read_from(self, cursor: int) -> tuple[list[Entry], bool]:
        """More entries than fit on a page, or all up to the end, beginning with that of the cursor."""
        pk, first = ChangeLogEntry.key(self._tenant_id, cursor)
        entries: list[Entry] = []
        condition, limit = ChangeLogEntry.sk >= first, _FEW
        while True:
            found = self._table.query(ChangeLogEntry, pk, condition, limit=limit)
            entries += [Entry(int(each.sk), [_to_change(text) for text in each.changes]) for each in found]
            if len(found) < limit:
                return entries, True
            number = sum(len(each.changes) for each in entries if each.position > cursor)
            if number > MOST_CHANGES or self._table.seconds_left() < _SECONDS_TO_READ_CONTACTS:
                return entries, False
            condition, limit = ChangeLogEntry.sk > found[-1].sk, 2 * limit


def _first_page(entries: Sequence[Entry]) -> list[Entry]:
    page: list[Entry] = []
    number = 0
    for entry in entries:
        number += len(entry.changes)
        if number > MOST_CHANGES:
            break
        page.append(entry)
    return page


def _to_text(change: Change) -> str:
    return " ".join((change.id, change.type, change.tag_id or "-", change.source, str(change.at)))


def _to_change(text: str) -> Change:
    id_, type_, tag_id, source, at = text.split(" ")
    return Change(id_, type_, None if tag_id == "-" else tag_id, source, int(at))

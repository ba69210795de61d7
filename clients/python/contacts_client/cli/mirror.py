"""`contacts mirror`: a copy of all contacts in an SQLite file. A worked example of the guide "Mirror a tenant".

Every page of changes is one transaction, and its cursor is a part of it. So the file is right whenever this is stopped,
by kill -9 too, and goes on where it was.
"""

import os
import sqlite3
from collections.abc import Iterable
from itertools import batched
from pathlib import Path

from contacts_client import ChangePage, Contact, Contacts, CursorExpired
from contacts_client.cli.errors import Misuse
from contacts_client.cli.terminal import Meter

_SCHEMA = """
CREATE TABLE IF NOT EXISTS contacts (
    id TEXT PRIMARY KEY,
    phone TEXT NOT NULL,
    display_name TEXT,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    listing INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS contacts_by_phone ON contacts (phone);
CREATE TABLE IF NOT EXISTS tag_assignments (
    contact_id TEXT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    tag_id TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (contact_id, tag_id)
);
CREATE TABLE IF NOT EXISTS mirror (
    tenant_id TEXT NOT NULL,
    cursor TEXT,
    listing INTEGER NOT NULL,
    is_listed INTEGER NOT NULL
);
"""
_PAGE = 100


class Mirror:
    def __init__(self, client: Contacts, file: Path, tenant_id: str) -> None:
        """Raises Misuse if the file is something else, or the mirror of another tenant."""
        self._client = client
        self._file = file
        os.close(os.open(file, os.O_CREAT, 0o600))  # only its owner can read the contacts
        self._db = sqlite3.connect(file)
        try:
            self._prepare(tenant_id)
        except BaseException:
            self.close()
            raise

    def _prepare(self, tenant_id: str) -> None:
        try:
            self._db.execute("PRAGMA journal_mode = WAL")  # others can read the file meanwhile
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise Misuse(f"{self._file} cannot be used as a mirror: {error}.") from None
        with self._db:
            new = tenant_id, None, 0, False
            self._db.execute("INSERT INTO mirror SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT * FROM mirror)", new)
        if self._one("SELECT tenant_id FROM mirror") != tenant_id:
            raise Misuse(f"{self._file} is the mirror of another tenant.")

    def close(self) -> None:
        self._db.close()

    def __len__(self) -> int:
        return int(str(self._one("SELECT count(*) FROM contacts")))

    def catch_up(self) -> int:
        """Makes the file equal to what is there now. Returns the number of changes."""
        changes = 0
        if not self._one("SELECT is_listed FROM mirror"):
            self._list()
        cursor = str(self._one("SELECT cursor FROM mirror"))
        try:
            for page in self._client.changes(cursor):
                self._apply(page, cursor)
                cursor = page.next_cursor
                changes += len(page.data)
        except CursorExpired:
            self._list()
        return changes

    def _list(self) -> None:
        """The cursor comes first: what changes during the list comes after it."""
        [now] = self._client.changes()
        with self._db:
            self._db.execute(
                "UPDATE mirror SET cursor = ?, listing = listing + 1, is_listed = FALSE", [now.next_cursor]
            )
        with Meter("Listing") as meter:
            for contacts in batched(meter.track(self._client.contacts()), _PAGE, strict=False):
                with self._db:
                    self._store(contacts)
        with self._db:  # those that the list did not show are gone
            self._db.execute("DELETE FROM contacts WHERE listing < (SELECT listing FROM mirror)")
            self._db.execute("UPDATE mirror SET is_listed = TRUE")

    def _apply(self, page: ChangePage, cursor: str) -> None:
        """First the deletions, then the contacts as they are now: so it does no harm to see a change twice or late.

        Raises Misuse if the file is not at the cursor any more: what somebody else has written is newer than the page.
        """
        deleted = [(each.contact_id,) for each in page.data if each.type == "contact.deleted"]
        with self._db:
            self._db.executemany("DELETE FROM contacts WHERE id = ?", deleted)
            self._store(page.contacts)
            moved = self._db.execute("UPDATE mirror SET cursor = ? WHERE cursor = ?", [page.next_cursor, cursor])
            if not moved.rowcount:
                raise Misuse(f"Another process writes to {self._file}.")

    def _store(self, contacts: Iterable[Contact]) -> None:
        for each in contacts:
            self._db.execute("DELETE FROM contacts WHERE id = ?", [each.id])  # and its tags
            self._db.execute(
                "INSERT INTO contacts SELECT ?, ?, ?, ?, ?, ?, ?, listing FROM mirror",
                (
                    *(each.id, each.phone, each.display_name),
                    *(each.first_seen_at, each.last_seen_at, each.created_at, each.updated_at),
                ),
            )
            self._db.executemany(
                "INSERT INTO tag_assignments VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (each.id, tag.tag_id, tag.source, tag.reason, tag.created_at, tag.updated_at)
                    for tag in each.tag_assignments or ()
                ],
            )

    def _one(self, query: str) -> object:
        return self._db.execute(query).fetchone()[0]

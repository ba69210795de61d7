"""`contacts changes`: what changes, line by line."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contacts_client import Contacts


class CursorFile:
    """Keeps the place between two runs. Without a path it is forgotten."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.cursor: str | None = None
        if path:
            with suppress(FileNotFoundError):
                self.cursor = path.read_text().strip() or None

    def keep(self, cursor: str) -> None:
        """Atomic, so that a kill leaves the old place or the new one."""
        self.cursor = cursor
        if self._path:
            part = Path(f"{self._path}.part")
            part.write_text(f"{cursor}\n")
            part.replace(self._path)


def new_changes(client: Contacts, file: CursorFile) -> Iterator[dict[str, Any]]:
    """Each with its contact as it is now, or None if that is gone. A page's place is kept when all of it was taken."""
    for page in client.changes(file.cursor):
        contacts = {each.id: asdict(each) for each in page.contacts}
        for change in page.data:
            yield asdict(change) | {"contact": contacts.get(change.contact_id)}
        file.keep(page.next_cursor)

"""`contacts pull`: a file that `contacts push` takes."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from contacts_client import Contacts
from contacts_client.cli.sheets import RowWriter, join_tags, neutralise

_HEADER = "Phone", "Display name", "Tags", "First seen", "Last seen"


def pull_contacts(client: Contacts, path: Path, tick: Callable[[], None]) -> int:
    """Writes all contacts and returns their number. The file is replaced when the last one is written."""
    number, names = 0, dict[str, str | None]()
    part = Path(f"{path}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(RowWriter(part, _HEADER)) as writer:
            for number, contact in enumerate(client.contacts(), start=1):  # noqa: B007 - the last one is the result
                ids = [each.tag_id for each in contact.tag_assignments or ()]
                if not names.keys() >= {*ids}:
                    names |= dict.fromkeys(ids) | {tag.id: tag.name for tag in client.tags()}
                tags = join_tags([name for each in ids if (name := names[each])])  # a deleted tag has none
                cells = contact.phone, neutralise(contact.display_name or ""), neutralise(tags)
                writer.write([*cells, contact.first_seen_at, contact.last_seen_at])
                tick()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return number

"""Many contacts in one call, contract section 8: in order for each phone, side by side otherwise."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from contacts.domain.errors import ContactsError, DatabaseUnavailable, TagNotFound
from contacts.runtime.threads import side_by_side
from contacts.storage.contacts import ContactRepository, TagWish, Upserted


class Wish(NamedTuple):
    phone: str
    alias: str | None
    """The other spelling, under which an existing contact counts as this one."""
    display_name: str | None
    tags: tuple[TagWish, ...]


type Outcome = Upserted | ContactsError


def upsert_all(contacts: ContactRepository, wishes: Sequence[Wish | ContactsError], last_begin: float) -> list[Outcome]:
    """The outcomes in the order of the wishes; an error among the wishes is its own outcome.

    No upsert begins after `last_begin`, in seconds of time.monotonic(). Raises DatabaseUnavailable if the tags cannot
    be read, before anything is written.
    """
    outcomes: dict[int, Outcome] = {}
    groups: defaultdict[str, list[tuple[int, Wish]]] = defaultdict(list)
    for number, wish in enumerate(wishes):
        if isinstance(wish, Wish):
            groups[min(wish.phone, wish.alias or wish.phone)].append((number, wish))
        else:
            outcomes[number] = wish
    named = {tag.tag_id for group in groups.values() for _, wish in group for tag in wish.tags}
    existing = contacts.existing_tags(named)

    def upsert_group(group: list[tuple[int, Wish]]) -> None:
        for number, wish in group:
            outcomes[number] = _upsert(contacts, wish, existing, last_begin)

    side_by_side(upsert_group, list(groups.values()))
    return [outcomes[number] for number in range(len(wishes))]


def _upsert(contacts: ContactRepository, wish: Wish, existing_tags: set[str], last_begin: float) -> Outcome:
    if time.monotonic() > last_begin:
        return DatabaseUnavailable()
    for number, tag in enumerate(wish.tags):
        if tag.tag_id not in existing_tags:
            return TagNotFound(field=f"tags[{number}].tag_id")
    try:
        return contacts.upsert(wish.phone, wish.display_name, wish.tags, alias=wish.alias)
    except ContactsError as error:
        return error
    except Exception as bug:  # noqa: BLE001 - a bug fails its item, not the batch
        failure = ContactsError()
        failure.__cause__ = bug
        return failure

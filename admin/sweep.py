"""Removes a deleted tag from every contact of its tenant that still holds it. Safe to repeat."""

from collections.abc import Callable, Iterator
from functools import partial

from admin.database import table
from admin.jobs import patiently
from contacts.domain.source import Source
from contacts.runtime.threads import side_by_side
from contacts.storage.items import ContactItem, ContactPointer
from contacts.storage.retries import ConditionFailed

_PAGE = 100


def sweep(tenant_id: str, tag_id: str, cursor: str, on_page: Callable[[str, int, int], object]) -> None:
    """Begins behind the contact id `cursor`, or with the first one if it is empty.

    Calls `on_page` with the last id of each page, its contacts, and how many of them lost the tag.
    """
    for pointers in _pages(tenant_id, cursor):
        removed = patiently(partial(_remove_from, tenant_id, tag_id, pointers))
        on_page(pointers[-1].sk, len(pointers), removed)


def _pages(tenant_id: str, cursor: str) -> Iterator[list[ContactPointer]]:
    """In the order of the ids."""
    for number in ContactPointer.SHARDS[ContactPointer.shard_of(cursor) if cursor else 0 :]:
        shard, last = ContactPointer.shard(tenant_id, number), cursor or "c"
        while pointers := patiently(partial(_query, shard, last)):
            yield pointers
            last = pointers[-1].sk


def _query(shard: str, cursor: str) -> list[ContactPointer]:
    return table.query(ContactPointer, shard, ContactPointer.sk > cursor, limit=_PAGE)


def _remove_from(tenant_id: str, tag_id: str, pointers: list[ContactPointer]) -> int:
    found = table.batch_read(ContactItem.key(tenant_id, each.phone) for each in pointers)
    holders = [ContactItem(*key) for key, raw in found.items() if tag_id in raw["tags"]["M"]]
    return sum(side_by_side(lambda contact: _remove(contact, tag_id), holders))


def _remove(contact: ContactItem, tag_id: str) -> bool:
    tag, origin = ContactItem.tags[tag_id], ContactItem.tag_origins[tag_id]
    try:
        table.update(
            contact,
            [tag.remove(), origin.remove(), ContactItem.changed_by.set(Source.MANUAL_ADMIN)],
            tag.exists(),
        )
    except ConditionFailed:
        return False  # the contact lost the tag, or was deleted, since it was read
    return True

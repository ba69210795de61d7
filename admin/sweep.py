"""Removes a deleted tag from every contact that still holds it. Safe to repeat."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

from admin.database import table
from contacts.domain.source import Source
from contacts.storage.items import ContactItem
from contacts.storage.retries import ConditionFailed, retry
from contacts.storage.table import TableItem

_SEGMENTS = 8
_PAGE_ITEMS = 500
_READ_UNITS_PER_SECOND = 500.0  # per segment: a partition has 3,000, and the API needs most of them


def count_items() -> int:
    """The approximate number of items in the table. DynamoDB updates it every six hours."""
    return int(retry(TableItem.describe_table)["ItemCount"])


def sweep(tenant_id: str, tag_id: str, on_read: Callable[[int], object]) -> int:
    """Returns how many contacts lost the tag. Several threads call `on_read` with the number of items read."""
    stop = Event()
    with ThreadPoolExecutor(_SEGMENTS) as pool:
        try:
            segments = [
                pool.submit(_sweep_segment, tenant_id, tag_id, each, on_read, stop) for each in range(_SEGMENTS)
            ]
            return sum(segment.result() for segment in as_completed(segments))
        finally:
            stop.set()  # a segment that failed, or Ctrl-C, stops the others too


def _sweep_segment(tenant_id: str, tag_id: str, segment: int, on_read: Callable[[int], object], stop: Event) -> int:
    is_of_tenant = ContactItem.pk.startswith(f"{tenant_id}#")
    holds_tag = ContactItem.tags[tag_id].exists()
    pages = ContactItem.scan(
        is_of_tenant & holds_tag,
        segment=segment,
        total_segments=_SEGMENTS,
        page_size=_PAGE_ITEMS,
        consistent_read=True,
        rate_limit=_READ_UNITS_PER_SECOND,
        attributes_to_get=["pk", "sk"],
    ).page_iter
    removed = 0
    while page := retry(lambda: next(pages, None)):
        removed += sum(_remove(ContactItem.from_raw_data(raw), tag_id) for raw in page["Items"])
        on_read(page["ScannedCount"])
        if stop.is_set():
            break
    return removed


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

"""Checks the table: items that one transaction writes exist together, and contacts are within their limits.

It repairs nothing, because no request, however it ends, may leave a finding (docs/decisions/0016).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from admin.audit import AuditEntry
from admin.database import table
from admin.jobs import patiently
from contacts.domain.contact import TAG_LIMIT
from contacts.storage.items import (
    ApiKeyItem,
    ChangeLogEntry,
    ContactItem,
    ContactPointer,
    IdempotencyRecord,
    TagItem,
    TagName,
    TenantApiKey,
    TenantItem,
)
from contacts.storage.retries import retry
from contacts.storage.table import Key, TableItem
from contacts.storage.tags import fold

_PAGE_ITEMS = 100

type Pages = Iterator[dict[str, Any]]

_ALONE: dict[type[TableItem], str] = {
    ContactItem: "The contact has no pointer.",
    ContactPointer: "The pointer leads to no contact.",
    TagItem: "The tag's name is not reserved.",
    TagName: "The name is reserved for a tag that does not exist.",
    ApiKeyItem: "The key is not in its tenant's list.",
    TenantApiKey: "The tenant's list has a key that does not exist.",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Has ids only: the key of a contact's item contains the phone, the one of an API key its hash."""

    tenant_id: str
    id: str
    problem: str


def check_table(on_read: Callable[[int], object]) -> Iterator[Finding]:
    """Reads every item and calls `on_read` with the number of items of each page. Ignores writes in progress."""
    return check_segment(0, 1, on_read)


def check_segment(number: int, segments: int, on_read: Callable[[int], object]) -> Iterator[Finding]:
    """As check_table(), for one of so many parts of the table. The parts are of about the same size."""
    pages = TableItem.scan(
        page_size=_PAGE_ITEMS, consistent_read=True, segment=number, total_segments=segments
    ).page_iter
    return _check(pages, on_read)


def check_tenant(tenant_id: str, on_read: Callable[[int], object]) -> Iterator[Finding]:
    """As check_table(), for the items of one tenant. A contact without a pointer is not found: only a scan finds it."""
    pointers = (ContactPointer.shard(tenant_id, each) for each in ContactPointer.SHARDS)
    for pk in (*pointers, TagItem.catalog(tenant_id), TenantApiKey.keys_of(tenant_id)):
        yield from _check(
            TableItem.query(pk, page_size=_PAGE_ITEMS, consistent_read=True).page_iter, on_read, with_partners=True
        )


def _check(pages: Pages, on_read: Callable[[int], object], *, with_partners: bool = False) -> Iterator[Finding]:
    while page := patiently(lambda: retry(lambda: next(pages, None))):
        items = [_parse(raw) for raw in page["Items"]]
        yield from patiently(partial(_findings, items, with_partners=with_partners))
        on_read(page["ScannedCount"])


def _findings(items: Sequence[TableItem], *, with_partners: bool) -> list[Finding]:
    partners = {_key(item): other for item in items if (other := partner(item))}
    found = _read(partners.values())
    return [*_alone(partners, found), *_out_of_bounds([*items, *found.values()] if with_partners else items)]


def _alone(partners: Mapping[Key, Key], found: Mapping[Key, TableItem]) -> Iterator[Finding]:
    """Items without their partner, the item that the same transaction wrote.

    Takes the keys of items with those of their partners, and the partners that were found.
    """
    suspects = [key for key, other in partners.items() if other not in found or partner(found[other]) != key]
    # Ids are never reused: an item that leads to the same partner before and after the search did so all the time.
    for key, item in _read(suspects).items():
        if partner(item) == partners[key]:
            yield _finding(item, _ALONE[type(item)])


def _out_of_bounds(items: Iterable[TableItem]) -> Iterator[Finding]:
    for item in items:
        match item:
            case ContactItem():
                tags, origins = item.tags.as_dict(), item.tag_origins.as_dict()
                if tags.keys() != origins.keys():
                    yield _finding(item, "The contact's tags and their origins differ.")
                if len(tags) > TAG_LIMIT:
                    yield _finding(item, f"The contact holds {len(tags)} tags.")
            case _ if type(item) is TableItem:
                yield _finding(item, "The kind of this item is unknown.")


def partner(item: TableItem) -> Key | None:  # noqa: PLR0911 - one line for each kind
    """The key of the item that was written together with this one and leads back to it."""
    match item:
        case ContactItem():
            return ContactPointer.key(_tenant_id(item), item.id)
        case ContactPointer():
            return ContactItem.key(_tenant_id(item), item.phone)
        case TagItem() if not item.deleted_at:
            return TagName.key(_tenant_id(item), fold(item.name))
        case TagName():
            return TagItem.key(_tenant_id(item), item.tag_id)
        case ApiKeyItem():
            return TenantApiKey.key(item.tenant_id, item.key_id)
        case TenantApiKey():
            return ApiKeyItem.key(item.key_hash)
    return None


def _parse(raw: dict[str, Any]) -> TableItem:
    return _kind(raw["pk"]["S"], raw["sk"]["S"]).from_raw_data(raw)


def _kind(pk: str, sk: str) -> type[TableItem]:  # noqa: PLR0911 - one line for each kind
    match pk.split("#"), sk:
        case ["TENANTS"], _:
            return TenantItem
        case ["KEY", _], "KEY":
            return ApiKeyItem
        case ["AUDIT", _], _:
            return AuditEntry
        case [_, "TAGS"], _:
            return TagName if sk.startswith("NAME#") else TagItem
        case [_, "KEYS"], _:
            return TenantApiKey
        case [_, _, "IDEMPOTENCY"], _:
            return IdempotencyRecord
        case [_, "CHANGES"], _:
            return ChangeLogEntry
        case [_, "IDS", _], _:
            return ContactPointer
        case [_, _], "CONTACT":
            return ContactItem
    return TableItem


def _read(keys: Iterable[Key]) -> dict[Key, TableItem]:
    """The items that exist, strongly consistent."""
    return {key: _parse(raw) for key, raw in table.batch_read(keys).items()}


def _key(item: TableItem) -> Key:
    return item.pk, item.sk


def _tenant_id(item: TableItem) -> str:
    return item.tenant_id if isinstance(item, ApiKeyItem) else item.pk.partition("#")[0]


def _finding(item: TableItem, problem: str) -> Finding:
    match item:
        case ContactItem():
            id_ = item.id
        case ApiKeyItem():
            id_ = item.key_id
        case _:
            id_ = item.sk
    return Finding(tenant_id=_tenant_id(item), id=id_, problem=problem)

"""Deletes a tenant and everything that belongs to it.

Each step looks for what is left, so an interrupted deletion goes on where it was. What leads to other items is deleted
with them or after them: a contact's pointer with the contact, keys after their idempotency records, the tenant last.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from admin import gateway
from admin.audit import list_entries
from admin.database import table
from admin.errors import TenantNotFound
from admin.jobs import patiently
from admin.keys import change_status
from admin.progress import Progress
from admin.table_check import partner
from admin.tenants import change_tenant, find_tenant, remove_tenant
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id
from contacts.runtime.threads import side_by_side
from contacts.storage.changes import CLOSED, ChangeLog
from contacts.storage.items import (
    ChangeLogEntry,
    ContactPointer,
    IdempotencyRecord,
    TagItem,
    TagName,
    TenantApiKey,
    TenantItem,
)
from contacts.storage.retries import retry
from contacts.storage.table import Key, TableItem

_MOST_IN_A_TRANSACTION = 100
_IS_TAG = TagItem.sk.startswith("c")
"""Every id begins with it, and no reserved name does."""

_BEGUN, _DELETED = "tenant.deletion_began", "tenant.deleted"


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """How many a tenant has."""

    contacts: int
    tags: int
    """Deleted ones too."""
    keys: int
    """Revoked ones too."""


def count_contacts(tenant_id: str) -> int:
    """Reads all pointers, about 40 for a read unit, and no contact."""
    return sum(_count(ContactPointer, ContactPointer.shard(tenant_id, each)) for each in ContactPointer.SHARDS)


def count_belongings(tenant_id: str) -> Belongings:
    return Belongings(
        contacts=count_contacts(tenant_id),
        tags=_count(TagItem, TagItem.catalog(tenant_id), _IS_TAG),
        keys=_count(TenantApiKey, TenantApiKey.keys_of(tenant_id)),
    )


def is_deleted(tenant_id: str) -> bool:
    """Whether the audit trail says that there was such a tenant and that it is gone."""
    return any(each.action == _DELETED for each in list_entries(tenant_id))


def delete(tenant_id: str, contacts: int, wait_seconds: float, progress: Progress) -> None:
    """Safe to repeat: also after the tenant is gone, it deletes what messages in the queues created since.

    `contacts` is how many the progress shows as the whole.

    Waits for calls in progress before it deletes contacts, and as long for the consumer of the stream before it deletes
    the last item of the change log, which makes the consumer drop what it learns of the deletion. Raises
    TenantNotFound, TenantChanged.
    """
    began_at = _begin(tenant_id)
    keys = table.query(TenantApiKey, TenantApiKey.keys_of(tenant_id))
    progress.begin("Revoking keys", len(keys))
    for status in "ACTIVE", "SUSPENDED":
        change_status(tenant_id, status, "REVOKED")
    for key in keys:
        gateway.dismiss(key.sk)
        progress.advance()
    progress.begin("Waiting for calls in progress")
    sleep(max(0, wait_seconds - max(0, (datetime.now(UTC) - began_at).total_seconds())))
    patiently(ChangeLog(tenant_id).close)
    progress.begin("Deleting contacts", contacts)
    for number in ContactPointer.SHARDS:
        _delete_all(ContactPointer, ContactPointer.shard(tenant_id, number), progress)
    progress.begin("Deleting tags, changes and kept answers")
    _delete_all(TagItem, TagItem.catalog(tenant_id), progress, _IS_TAG)
    _delete_all(TagName, TagItem.catalog(tenant_id), progress)
    changes, last = ChangeLogEntry.key(tenant_id, CLOSED)
    _delete_all(ChangeLogEntry, changes, progress, ChangeLogEntry.sk < last)
    for key in keys:
        records = [IdempotencyRecord.key(key.sk, f"{number:02x}")[0] for number in range(256)]
        side_by_side(lambda pk: _delete_all(IdempotencyRecord, pk, progress), records)
    progress.begin("Deleting keys", len(keys))
    _delete_all(TenantApiKey, TenantApiKey.keys_of(tenant_id), progress)
    progress.begin("Waiting for the stream of the deleted contacts")
    sleep(wait_seconds)
    _delete_all(ChangeLogEntry, changes, progress)
    if find_tenant(tenant_id):
        remove_tenant(tenant_id, _DELETED)


def _begin(tenant_id: str) -> datetime:
    """From now on, or since an earlier attempt, nobody can create keys. Returns since when."""
    item = table.read(TenantItem, TenantItem.key(tenant_id)) if is_id(tenant_id) else None
    if item is None:
        if not is_deleted(tenant_id):
            raise TenantNotFound(tenant_id)
        return datetime.min.replace(tzinfo=UTC)
    began_at: str | None = item.deletion_began_at
    if began_at is None:
        began_at = timestamps.now()
        is_first = TenantItem.pk.exists() & TenantItem.deletion_began_at.does_not_exist()
        change_tenant(tenant_id, [TenantItem.deletion_began_at.set(began_at)], is_first, _BEGUN)
    return datetime.fromisoformat(began_at)


def _delete_all(kind: type[TableItem], pk: str, progress: Progress, sk: Condition | None = None) -> None:
    """With their partners in the same transactions: `check` finds no half of a pair, whenever this is interrupted."""
    while deleted := patiently(lambda: _delete_page(kind, pk, sk)):
        progress.advance(deleted)


def _delete_page(kind: type[TableItem], pk: str, sk: Condition | None) -> int:
    items = table.query(kind, pk, sk, limit=_MOST_IN_A_TRANSACTION // 2)
    if items:
        _delete({key for item in items for key in ((item.pk, item.sk), partner(item)) if key})
    return len(items)


def _delete(keys: Iterable[Key]) -> None:
    def add(transaction: TransactWrite) -> None:
        for key in keys:
            transaction.delete(TableItem(*key))

    table.transact(add, token=str(uuid.uuid4()))


def _count(kind: type[TableItem], pk: str, sk: Condition | None = None) -> int:
    return patiently(lambda: retry(lambda: kind.count(pk, sk, consistent_read=True)))

"""Tenants. Everything else belongs to one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from admin.audit import audited
from admin.database import table
from admin.errors import TenantBeingDeleted, TenantChanged, TenantNameExists, TenantNotFound, TenantSuspended
from admin.text import clean
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import TenantItem
from contacts.storage.retries import ConditionFailed
from contacts.storage.tags import fold

LONGEST_NAME = 100
_PARTITION, _ = TenantItem.key("")


@dataclass(frozen=True, kw_only=True)
class Tenant:
    id: str
    name: str
    status: Literal["ACTIVE", "SUSPENDED", "DELETING"]
    created_at: str


def create_tenant(name: str) -> Tenant:
    """Creates another tenant even if the name exists. Raises InvalidValue."""
    item = TenantItem(*TenantItem.key(new_id()), name=_clean(name), created_at=timestamps.now())
    table.put(item)  # without a condition, because a retry after a lost reply would meet its own first attempt
    return _tenant(item)


def list_tenants() -> list[Tenant]:
    """All tenants, oldest first."""
    items = table.query(TenantItem, _PARTITION)
    return sorted((_tenant(item) for item in items), key=lambda tenant: tenant.created_at)


def refuse_existing_name(name: str, *, but: str | None = None) -> None:
    """Unless it is the name of the tenant `but`. Raises TenantNameExists.

    So repeating a command whose outcome is unknown creates no second tenant.
    """
    for tenant in list_tenants():
        if fold(tenant.name) == fold(name) and tenant.id != but:
            raise TenantNameExists(tenant.name, tenant.id)


def find_tenant(tenant_id: str) -> Tenant | None:
    """Whatever its status."""
    item = table.read(TenantItem, TenantItem.key(tenant_id)) if is_id(tenant_id) else None
    return _tenant(item) if item else None


def get_tenant(tenant_id: str) -> Tenant:
    """Raises TenantNotFound, TenantBeingDeleted."""
    tenant = find_tenant(tenant_id)
    if tenant is None:
        raise TenantNotFound(tenant_id)
    if tenant.status == "DELETING":
        raise TenantBeingDeleted(tenant_id)
    return tenant


def get_active_tenant(tenant_id: str) -> Tenant:
    """Raises TenantNotFound, TenantBeingDeleted, TenantSuspended."""
    tenant = get_tenant(tenant_id)
    if tenant.status == "SUSPENDED":
        raise TenantSuspended(tenant_id)
    return tenant


def is_active() -> Condition:
    """Of a tenant's item, for the transactions that need an active tenant."""
    is_neither = TenantItem.suspended_at.does_not_exist() & TenantItem.deletion_began_at.does_not_exist()
    exists_and_is: Condition = TenantItem.pk.exists() & is_neither
    return exists_and_is


def rename_tenant(tenant_id: str, name: str) -> Tenant:
    """Takes another tenant's name, too. Raises InvalidValue, TenantNotFound, TenantBeingDeleted."""
    get_tenant(tenant_id)
    try:
        return _tenant(table.update(_item(tenant_id), [TenantItem.name.set(_clean(name))], TenantItem.pk.exists()))
    except ConditionFailed:
        raise TenantNotFound(tenant_id) from None


def change_tenant(tenant_id: str, actions: Sequence[Action], condition: Condition, action: str) -> None:
    """Changes the tenant's item, and says so in the audit trail. Raises TenantChanged if the condition fails."""
    note = audited(tenant_id, action)

    def change(transaction: TransactWrite) -> None:
        transaction.update(_item(tenant_id), list(actions), condition=condition)
        note(transaction)

    try:
        table.transact(change, token=str(uuid.uuid4()))
    except ConditionFailed:
        raise TenantChanged from None


def remove_tenant(tenant_id: str, action: str) -> None:
    """Deletes the tenant's item, and says so in the audit trail."""
    note = audited(tenant_id, action)

    def remove(transaction: TransactWrite) -> None:
        transaction.delete(_item(tenant_id))
        note(transaction)

    table.transact(remove, token=str(uuid.uuid4()))


def _item(tenant_id: str) -> TenantItem:
    return TenantItem(*TenantItem.key(tenant_id))


def _clean(name: str) -> str:
    return clean("tenant's name", name, LONGEST_NAME)


def _tenant(item: TenantItem) -> Tenant:
    return Tenant(
        id=item.sk,
        name=item.name,
        status="DELETING" if item.deletion_began_at else "SUSPENDED" if item.suspended_at else "ACTIVE",
        created_at=item.created_at,
    )

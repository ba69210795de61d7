"""Tenants. Everything else belongs to one."""

from dataclasses import dataclass

from pynamodb.transactions import TransactWrite

from admin.errors import TenantNotFound
from admin.text import clean
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import TenantItem
from contacts.storage.table import Table

LONGEST_NAME = 100
_PARTITION, _ = TenantItem.key("")


@dataclass(frozen=True, kw_only=True)
class Tenant:
    id: str
    name: str
    created_at: str


def create_tenant(name: str) -> Tenant:
    """Names need not be unique. Raises InvalidValue."""
    item = TenantItem(
        *TenantItem.key(new_id()), name=clean("tenant's name", name, LONGEST_NAME), created_at=timestamps.now()
    )
    Table().put(item)  # without a condition: sent again after a lost reply, it would meet itself
    return _tenant(item)


def list_tenants() -> list[Tenant]:
    """All of them, oldest first."""
    items = Table().query(TenantItem, _PARTITION)
    return sorted((_tenant(item) for item in items), key=lambda tenant: tenant.created_at)


def get_tenant(tenant_id: str) -> Tenant:
    """Raises TenantNotFound."""
    item = Table().read(TenantItem, TenantItem.key(tenant_id)) if is_id(tenant_id) else None
    if item is None:
        raise TenantNotFound(tenant_id)
    return _tenant(item)


def require_tenant(transaction: TransactWrite, tenant_id: str) -> None:
    """Lets the transaction fail unless the tenant is there. Raises TenantNotFound at once for what is no id."""
    if not is_id(tenant_id):
        raise TenantNotFound(tenant_id)
    transaction.condition_check(TenantItem, *TenantItem.key(tenant_id), condition=TenantItem.pk.exists())


def _tenant(item: TenantItem) -> Tenant:
    return Tenant(id=item.sk, name=item.name, created_at=item.created_at)

"""Tenants. Everything else belongs to one."""

from dataclasses import dataclass

from admin.database import table
from admin.errors import TenantNameExists, TenantNotFound
from admin.text import clean
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import TenantItem
from contacts.storage.tags import fold

LONGEST_NAME = 100
_PARTITION, _ = TenantItem.key("")


@dataclass(frozen=True, kw_only=True)
class Tenant:
    id: str
    name: str
    created_at: str


def create_tenant(name: str) -> Tenant:
    """Creates another tenant even if the name exists. Raises InvalidValue."""
    item = TenantItem(
        *TenantItem.key(new_id()), name=clean("tenant's name", name, LONGEST_NAME), created_at=timestamps.now()
    )
    table.put(item)  # without a condition, because a retry after a lost reply would meet its own first attempt
    return _tenant(item)


def list_tenants() -> list[Tenant]:
    """All tenants, oldest first."""
    items = table.query(TenantItem, _PARTITION)
    return sorted((_tenant(item) for item in items), key=lambda tenant: tenant.created_at)


def refuse_existing_name(name: str) -> None:
    """So that repeating a command whose outcome is unknown creates no second tenant. Raises TenantNameExists."""
    for tenant in list_tenants():
        if fold(tenant.name) == fold(name):
            raise TenantNameExists(tenant.name, tenant.id)


def get_tenant(tenant_id: str) -> Tenant:
    """Raises TenantNotFound."""
    item = table.read(TenantItem, TenantItem.key(tenant_id)) if is_id(tenant_id) else None
    if item is None:
        raise TenantNotFound(tenant_id)
    return _tenant(item)


def _tenant(item: TenantItem) -> Tenant:
    return Tenant(id=item.sk, name=item.name, created_at=item.created_at)

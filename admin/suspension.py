"""Refuses all API keys of a tenant for a while.

The authorizer reads one item for a call, the key's. So each key is marked, beside the tenant. Both orders below let an
interrupted command be repeated, and let nobody create a key meanwhile: `key create` needs an active tenant.
"""

from admin.keys import change_status
from admin.tenants import Tenant, change_tenant, get_tenant
from contacts.runtime import timestamps
from contacts.storage.items import TenantItem


def suspend(tenant_id: str) -> tuple[Tenant, int]:
    """Returns how many keys were suspended. Raises TenantNotFound, TenantBeingDeleted, TenantChanged."""
    if get_tenant(tenant_id).status == "ACTIVE":
        is_active = TenantItem.pk.exists() & TenantItem.suspended_at.does_not_exist()
        now = timestamps.now()
        change_tenant(tenant_id, [TenantItem.suspended_at.set(now)], is_active, "tenant.suspended")
    number = change_status(tenant_id, "ACTIVE", "SUSPENDED")
    return get_tenant(tenant_id), number


def resume(tenant_id: str) -> tuple[Tenant, int]:
    """Returns how many keys work again: those that `suspend` stopped, and that were not revoked since.

    Raises TenantNotFound, TenantBeingDeleted, TenantChanged.
    """
    is_suspended = get_tenant(tenant_id).status == "SUSPENDED"
    number = change_status(tenant_id, "SUSPENDED", "ACTIVE")
    if is_suspended:
        change_tenant(tenant_id, [TenantItem.suspended_at.remove()], TenantItem.suspended_at.exists(), "tenant.resumed")
    return get_tenant(tenant_id), number

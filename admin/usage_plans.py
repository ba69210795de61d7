"""Restores the gateway's keys and usage plans from the table, which says which keys exist and what their limits are."""

from admin import gateway
from admin.keys import list_keys
from admin.tenants import list_tenants


def restore() -> int:
    """Creates what the gateway lacks, for all active keys. Returns the number of keys. Raises ApiNotFound."""
    keys = (key for tenant in list_tenants() for key in list_keys(tenant.id))
    return gateway.admit_missing({key.key_id: key.rate_limit for key in keys if key.status == "ACTIVE"})

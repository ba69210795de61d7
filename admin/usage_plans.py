"""Restores the gateway's keys and usage plans from the table, which says which keys exist and what their limits are."""

from admin import gateway
from admin.keys import list_live_keys


def restore() -> int:
    """Creates what the gateway lacks for the keys that work or will again. Returns how many. Raises ApiNotFound."""
    return gateway.admit_missing({key.key_id: key.rate_limit for key in list_live_keys()})

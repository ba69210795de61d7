"""Restores the gateway's keys and usage plans from the table, which says which keys exist and what their limits are."""

from admin import gateway
from admin.keys import list_live_keys


def restore() -> dict[str, int]:
    """Creates what the gateway lacks for the keys that work or will again. Raises ApiNotFound.

    Returns how many the gateway lacked, and how many it accepts now. A new API lacks none if the usage plans are still
    there: they are bound to it.
    """
    rate_limits = {key.key_id: key.rate_limit for key in list_live_keys()}
    return {"restored_keys": gateway.admit_missing(rate_limits), "accepted_keys": len(rate_limits)}

"""Which deployment a command works on."""

import os

from contacts import settings


def pepper_name() -> str:
    """The secret that keys the hashes of API keys, as template.yaml names it; tables are named by their stage too."""
    stage = os.environ.get("CONTACTS_STAGE") or settings.table_name().removeprefix("contacts-")
    return f"contacts/{stage}/key-pepper"

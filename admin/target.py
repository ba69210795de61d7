"""Which deployment the commands work on. All that it has carries its stage in the name, see template.yaml."""

import os
from pathlib import Path

from admin.errors import Refused
from contacts.runtime import settings

LOCAL_SETTINGS = Path(".local/admin.env")
"""Where the local stack says, while it runs, how the SDK finds it."""


def choose(stage: str | None, table: str | None) -> None:
    """Settles the environment that `contacts` and the SDK read; without a choice, the local stack when there is one.

    To be called before `contacts.tables` is imported: it reads the name of the table.
    """
    is_local = bool(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")) or LOCAL_SETTINGS.exists()
    if not (stage or table or os.environ.get("TABLE_NAME")) and is_local:
        stage = "local"
    if stage == "local":
        if not is_local:
            raise Refused("No local stack is running. Start one with `make start`, or pass another --stage.")
        _read_local_settings()
    if stage:
        os.environ["CONTACTS_STAGE"] = stage
    if stage or table:
        os.environ["TABLE_NAME"] = table or f"contacts-{stage}"


def _read_local_settings() -> None:
    if not os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        lines = LOCAL_SETTINGS.read_text().splitlines()
        os.environ.update((name, value) for name, _, value in (line.partition("=") for line in lines))


def stage() -> str:
    """The chosen one, else the one that the table's name ends with."""
    return os.environ.get("CONTACTS_STAGE") or settings.table_name().removeprefix("contacts-")

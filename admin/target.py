"""Which deployment the commands work on. Tables and secrets carry its stage in their names, see template.yaml."""

import os
from pathlib import Path

from admin.errors import Refused
from contacts import settings

LOCAL_SETTINGS = Path(".local/admin.env")
"""Where the local stack says, while it runs, how the SDK finds it."""


def choose(stage: str | None, table: str | None) -> None:
    """Settles the environment that `contacts` and the SDK read; without a choice, the local stack when there is one.

    To be called before `contacts.tables` is imported: it reads the name of the table.
    """
    is_local = "AWS_ENDPOINT_URL_DYNAMODB" in os.environ or LOCAL_SETTINGS.exists()
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
    if "AWS_ENDPOINT_URL_DYNAMODB" not in os.environ:
        lines = LOCAL_SETTINGS.read_text().splitlines()
        os.environ.update((name, value) for name, _, value in (line.partition("=") for line in lines))


def pepper_name() -> str:
    """The secret that keys the hashes of API keys."""
    stage = os.environ.get("CONTACTS_STAGE") or settings.table_name().removeprefix("contacts-")
    return f"contacts/{stage}/key-pepper"

"""Which deployment the commands work on. The names of all its resources contain its stage, see template.yaml."""

import os
import re
from pathlib import Path
from typing import Literal

from admin.errors import InvalidValue, Refused
from contacts.runtime import settings

Stage = Literal["local", "dev", "staging", "prod"]
"""The stages that template.yaml allows."""

LOCAL_SETTINGS = Path(".local/admin.env")
"""Exists while the local stack runs. What the SDK needs in its environment to find the local stack."""


_TABLE_SUFFIX = re.compile(r"(-[A-Za-z0-9-]{1,64})?")  # as template.yaml allows it
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")  # as DynamoDB allows it


def choose(stage: Stage | None, table: str | None) -> None:
    """Sets the environment variables that `contacts` and the SDK read. Without a choice: the local stack if it runs.

    Raises InvalidValue, Refused.
    """
    if table is not None and not _TABLE_NAME.fullmatch(table):
        raise InvalidValue(f"{table!r} is not the name of a DynamoDB table.")
    is_local = bool(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")) or LOCAL_SETTINGS.exists()
    if not (stage or table or os.environ.get("TABLE_NAME")) and is_local:
        stage = "local"
    if stage == "local":
        if not is_local:
            raise Refused("No local stack is running. Start one with `make start`, or choose another --stage.")
        _read_local_settings()
    if stage:
        os.environ["CONTACTS_STAGE"] = stage
    if stage or table:
        os.environ["TABLE_NAME"] = table or f"contacts-{stage}"


def _read_local_settings() -> None:
    if not os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        lines = LOCAL_SETTINGS.read_text().splitlines()
        os.environ.update((name, value) for name, _, value in (line.partition("=") for line in lines))


def describe() -> str:
    """For questions: "stage prod", with the table if it is not the stage's own."""
    table = settings.table_name()
    return f"stage {stage()}" if table == f"contacts-{stage()}" else f"stage {stage()} (table {table})"


def stage() -> str:
    """The chosen stage, or else the one at the end of the table's name."""
    return os.environ.get("CONTACTS_STAGE") or settings.table_name().removeprefix("contacts-")


def table_suffix() -> str:
    """What the table's name has behind that of the stage's own table: TableSuffix in template.yaml.

    Raises InvalidValue if no suffix gives this name.
    """
    own, name = f"contacts-{stage()}", settings.table_name()
    suffix = name.removeprefix(own)
    if not name.startswith(own) or not _TABLE_SUFFIX.fullmatch(suffix):
        raise InvalidValue(f"A stack of this stage has a table named {own!r} or {own + '-…'!r}, not {name!r}.")
    return suffix

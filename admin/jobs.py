"""What lets a long command survive: patience with the database, one budget for all its reads, checkpoints."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from rich.console import Console

from admin.errors import Interrupted, NothingToResume
from admin.faults import explain
from contacts.domain.errors import DatabaseUnavailable
from contacts.storage.retries import retry
from contacts.storage.table import TableItem, connection

ReadUnits = Annotated[
    int,
    typer.Option(
        "--read-units", min=1, max=100_000, help="The most read units in a second. A partition has 3,000 for all."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]

READ_UNITS = 500

# Dollars for a million units on demand in us-east-1: https://aws.amazon.com/dynamodb/pricing/on-demand/
READ_PRICE, WRITE_PRICE = 0.125, 0.625

_PAUSES = 1, 2, 4, 8, 15, 30, 60, 60, 60, 60, 60, 60, 60, 60, 60
"""In seconds, ten minutes in all."""

_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
_BYTES_OF_A_READ_UNIT = 4096
_MINUTE = 60


def patiently[Result](operation: Callable[[], Result]) -> Result:
    """Repeats an operation that the database does not take, although storage/ has retried it. It must be idempotent.

    Raises DatabaseUnavailable after ten minutes.
    """
    for pause in _PAUSES:
        with suppress(DatabaseUnavailable):
            return operation()
        time.sleep(pause)
    return operation()


@contextmanager
def read_budget(units_per_second: int) -> Iterator[None]:
    """All reads of the process keep to it together, whatever sends them: each waits until the earlier ones are paid."""
    lock, free_at = Lock(), 0.0

    def wait(model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if model.name in _READS:
            time.sleep(max(0, free_at - time.monotonic()))

    def pay(parsed: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        nonlocal free_at
        if model.name in _READS:
            consumed = parsed.get("ConsumedCapacity") or []
            tables = consumed if isinstance(consumed, list) else [consumed]
            with lock:
                units = sum(each["CapacityUnits"] for each in tables)
                free_at = max(free_at, time.monotonic()) + units / units_per_second

    events = connection().client.meta.events
    events.register("before-call.dynamodb", wait)
    events.register("after-call.dynamodb", pay)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", wait)
        events.unregister("after-call.dynamodb", pay)


def announce(read_units: float, units_per_second: int, *, write_units: float = 0) -> None:
    """Says what a job will take: always on a terminal, else if it takes more than a minute."""
    seconds = read_units / units_per_second
    if seconds < _MINUTE and not Console(stderr=True).is_terminal:
        return
    duration = f"{seconds / _MINUTE:,.0f} minutes" if seconds >= _MINUTE else f"{seconds:.0f} seconds"
    writes = f" and {write_units:,.0f} write units" if write_units else ""
    dollars = (read_units * READ_PRICE + write_units * WRITE_PRICE) / 1_000_000
    typer.echo(f"About {read_units:,.0f} read units{writes}: {duration}, ${dollars:.2f}.", err=True)


@dataclass(frozen=True)
class Description:
    """Of the table. DynamoDB renews the numbers every six hours."""

    id: str
    items: int
    read_units: float
    """For reading all of it, strongly consistent."""


def describe_table() -> Description:
    table = retry(TableItem.describe_table)
    return Description(
        id=str(table.get("TableId") or table["TableArn"]),
        items=int(table["ItemCount"]),
        read_units=int(table["TableSizeBytes"]) / _BYTES_OF_A_READ_UNIT,
    )


def contact_read_units(contacts: int) -> float:
    """For reading all contacts of a tenant by their pointers: one for each contact, and a 40th for its pointer."""
    return contacts * (1 + 1 / 40)


class Checkpoint:
    """How far a job has come, in a file of this user on this machine. It has ids and numbers only."""

    def __init__(self, job: str, table_id: str) -> None:
        self._file, self._table_id = _directory() / f"{job}.json", table_id

    def load(self) -> dict[str, Any]:
        """Raises NothingToResume, also if the file is about another table."""
        try:
            kept: dict[str, Any] = json.loads(self._file.read_text())
            is_ours = kept.pop("table_id") == self._table_id
        except (OSError, ValueError, KeyError, AttributeError):
            is_ours = False
        if not is_ours:
            raise NothingToResume
        return kept

    def save(self, state: dict[str, Any]) -> None:
        """A job goes on even if it cannot be written."""
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps({"table_id": self._table_id, **state}))
            new.replace(self._file)

    def clear(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def _directory() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "contacts-admin"


@contextmanager
def resumable(advice: str) -> Iterator[None]:
    """Turns what stops a job into an error that says how to go on. Raises Interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {advice}") from None
    except (DatabaseUnavailable, PynamoDBException, BotoCoreError, ClientError) as fault:
        raise Interrupted(f"{explain(fault)} {advice}") from fault

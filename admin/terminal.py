"""What commands read from and show to people and scripts."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from admin.text import printable

type Record = dict[str, Any]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
TenantId = Annotated[str, typer.Argument(help="The tenant's id. `tenant list` shows it.")]

_WIDTH_OF_A_FILE = 200


def moment(text: str) -> datetime:
    """Parses a time that was given as an option. Without an offset it is in UTC."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.") from None
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is not between the years 1 and 9999 in UTC.") from None


def show(records: Record | list[Record], *, as_json: bool = False) -> None:
    """Prints one record as lines, several as a table."""
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    elif isinstance(records, dict):
        _print(_sheet(records))
    elif records:
        _print(_table(records))
    else:
        typer.echo("There are none.")


def confirm(question: str, *, yes: bool) -> None:
    """Asks if somebody sits at a terminal; a script is not asked."""
    if not yes and sys.stdin.isatty():
        typer.confirm(printable(question), abort=True)


def _sheet(record: Record) -> Table:
    sheet = Table(box=None, show_header=False)
    sheet.add_column(style="bold", no_wrap=True)
    sheet.add_column(overflow="fold")
    for name, value in record.items():
        sheet.add_row(_title(name), _cell(name, value))
    return sheet


def _table(records: list[Record]) -> Table:
    table = Table()
    for name in records[0]:
        table.add_column(_title(name), overflow="fold")
    for record in records:
        table.add_row(*(_cell(name, value) for name, value in record.items()))
    return table


def _print(table: Table) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(table)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - records have values of many types
    if value is None:
        return ""
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    if name.endswith("_at"):
        text = text[:16].replace("T", " ")
    return printable(text)

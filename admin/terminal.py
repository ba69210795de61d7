"""What commands read from and show to people and scripts."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from admin.text import printable

type Record = Mapping[str, Any]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
TenantId = Annotated[str, typer.Argument(help="The tenant's id. `tenant list` shows it.")]

_WIDTH_OF_A_FILE = 200
_DATE_WIDTH = 10


def moment(text: str) -> datetime:
    """Parses a time that was given as an option. Without an offset it is in UTC."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.") from None
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is not between the years 1 and 9999 in UTC.") from None


def show(records: Record | Sequence[Record], *, as_json: bool = False) -> None:
    """Prints one record as lines, several as a table."""
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    elif isinstance(records, Mapping):
        _print_lines(records)
    elif records:
        _print_table(records)
    else:
        typer.echo("There are none.")


def confirm(question: str, *, yes: bool) -> None:
    """Asks scripts too, which have to pass --yes. Raises Abort after every answer but yes, also if nobody answers."""
    if yes:
        return
    typer.echo(f"{printable(question)} [y/N]: ", nl=False, err=True)
    answer = _read_line()
    if not answer.endswith("\n"):
        typer.echo(err=True)
    if answer.strip().lower() not in {"y", "yes"}:
        raise typer.Abort


def _read_line() -> str:
    """Empty if standard input is closed or is not text."""
    try:
        return sys.stdin.readline() if sys.stdin else ""
    except UnicodeDecodeError:
        return ""


def _print_lines(record: Record) -> None:
    """Never wraps a value, so that a key or a secret can be copied from any terminal."""
    titles = {name: _title(name) for name in record}
    width = max(map(len, titles.values()))
    for name, value in record.items():
        typer.echo(f"{typer.style(titles[name].ljust(width), bold=True)}  {_cell(name, value)}".rstrip())


def _print_table(records: Sequence[Record]) -> None:
    """Ids stay whole. Other values wrap if the terminal is narrow, times between date and time of day."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in records[0]:
        table.add_column(
            _title(name),
            overflow="fold",
            no_wrap=name.endswith("id"),
            min_width=_DATE_WIDTH if _is_time(name) else None,
        )
    for record in records:
        table.add_row(*(_cell(name, value) for name, value in record.items()))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(table)


def _title(name: str) -> str:
    title = name.replace("_", " ").capitalize()
    return f"{title} (UTC)" if _is_time(name) else title


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - records have values of many types
    if value is None:
        return ""
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return printable(text[:16].replace("T", " ") if _is_time(name) else text)


def _is_time(name: str) -> bool:
    return name.endswith(("_at", "_until"))

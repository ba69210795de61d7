"""The commands, their options, and their exit codes: 0 all done, 1 some rows not, 2 usage or file, 3 key refused."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from itertools import count as count_up
from pathlib import Path
from typing import Annotated, NoReturn

import httpx2
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.exceptions import TyperException

from contacts_client import Contacts, ContactsError, CursorExpired, Forbidden, Unauthorized
from contacts_client.cli.changes import CursorFile, new_changes
from contacts_client.cli.errors import Misuse, Stopped
from contacts_client.cli.mirror import Mirror
from contacts_client.cli.plan import count
from contacts_client.cli.progress import Progress
from contacts_client.cli.pull import pull_contacts
from contacts_client.cli.push import check_rows, make_plan, send
from contacts_client.cli.rows import Columns, Rows, TagNames
from contacts_client.cli.sending import Pace, Sender
from contacts_client.cli.sheets import Sheet
from contacts_client.cli.terminal import Meter, printable, tell
from contacts_client.client import Match

_SHARE_OF_RATE = 0.7
"""The rest of the key's batches is left for others who use it."""
_RETRY_SECONDS = 300
_SECONDS_BETWEEN_ROUNDS = 1
"""Changes come within two seconds of their write."""
_WIDTH_OF_A_FILE = 200

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Contacts between CSV files and the Contacts API. Set CONTACTS_URL, CONTACTS_KEY and, for a key that requires"
    " signatures, CONTACTS_SECRET.",
)

File = Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@app.command()
def push(
    file: File,
    *,
    phone: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of the phones. [Phone]")] = None,
    name: Annotated[str | None, typer.Option(metavar="COLUMN", help="That of the names. [Display name]")] = None,
    tags: Annotated[str | None, typer.Option(metavar="COLUMN", help="That of the tags, separated by |. [Tags]")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A tag for all rows, instead of the column.")
    ] = None,
    match: Annotated[Match | None, typer.Option(help="alias: also finds the other spelling of a number.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing, and show what a push would do.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an unfinished push of the file.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Create or update the contacts of a CSV file. The same command goes on with a push that was stopped."""
    if tags is not None and tag:
        raise Misuse("Pass --tags or --tag, not both.")
    sheet = Sheet.open(file)
    columns = Columns.find(sheet, phone, name, tags)
    journal, sha256 = Path(f"{file}.progress"), sheet.sha256()
    if restart:
        journal.unlink(missing_ok=True)
    with _connect() as client:
        key = client.whoami()
        rows = Rows(sheet, columns, TagNames(client), tuple(tag or ()))
        options = asdict(columns) | {"tenant": key.tenant_id, "tag": tag, "match": match}
        progress = None if dry_run else Progress.resume(journal, sha256, options)
        number = check_rows(rows)
        if progress:
            tell(f"Going on after {progress.rows:,} of {number:,} rows.")
        else:
            plan = make_plan(client, rows, number, alias=match == "alias")
            if dry_run:
                counts = count(plan)
                _show({**counts, "left": 0}, _sentence(counts), as_json=as_json)
                raise typer.Exit(int(counts["refused"] > 0))
            _confirm(f"{file}: {_sentence(count(plan))} Push this with the key {key.name!r}?", yes=yes)
            progress = Progress.begin(journal, sha256, options, plan)
        pace = Pace(_SHARE_OF_RATE * key.batch_rate_limit)
        with _connect(_RETRY_SECONDS, pace.pause) as sending_client:
            try:
                send(rows, progress, Sender(sending_client, pace, progress.run, match), pace)
            finally:
                progress.close()
                _show_push(file, progress, as_json=as_json)
    raise typer.Exit(int(progress.counts["refused"] > 0))


@app.command()
def pull(file: File, *, yes: Yes = False, as_json: Json = False) -> None:
    """Write all contacts into a CSV file, which can be pushed."""
    if file.exists():
        _confirm(f"Replace {file}?", yes=yes)
    with _connect() as client, Meter("Pulling") as meter:
        contacts = pull_contacts(client, file, meter.advance)
    _show({"contacts": contacts}, f"{contacts:,} contacts are in {file}.", as_json=as_json)


@app.command()
def changes(
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    cursor_file: Annotated[
        Path | None,
        typer.Option("--cursor", metavar="FILE", help="Keeps the place for the next run. Without it: from now on."),
    ] = None,
) -> None:
    """Print what changed, one JSON object per line, each with the contact as it is now."""
    file = CursorFile(cursor_file)
    try:
        with _connect(_RETRY_SECONDS) as client, suppress(KeyboardInterrupt):
            for _ in _rounds(follow=follow):
                for change in new_changes(client, file):
                    typer.echo(json.dumps(change))
    except CursorExpired:
        raise Misuse(
            f"The place in {cursor_file} is too old. Read all contacts again, for example with `contacts pull`. "
            f"Then delete {cursor_file}, and the command begins from now on."
        ) from None


@app.command()
def mirror(
    file: Annotated[Path, typer.Argument(metavar="FILE.sqlite", show_default=False)],
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the file is up to date.")] = False,
    as_json: Json = False,
) -> None:
    """Keep a copy of all contacts in an SQLite file, until Ctrl-C. Goes on where it was stopped."""
    with _connect(_RETRY_SECONDS) as client, closing(Mirror(client, file, client.whoami().tenant_id)) as copy:
        with suppress(KeyboardInterrupt):
            for number in _rounds(follow=not once):
                if (copy.catch_up() or number == 0) and not once:
                    tell(f"{len(copy):,} contacts are in {file}.")
        _show({"contacts": len(copy)}, f"{len(copy):,} contacts are in {file}.", as_json=as_json)


def _rounds(*, follow: bool) -> Iterator[int]:
    """One, or as many as there is time for."""
    for number in count_up():
        yield number
        if not follow:
            return
        time.sleep(_SECONDS_BETWEEN_ROUNDS)


@app.command()
def tags(*, as_json: Json = False) -> None:
    """List the tags that a push can assign."""
    with _connect() as client:
        found = [asdict(each) for each in client.tags()]
    table = Table("Name", "Description", "Colour", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for each in found:
        table.add_row(*(Text(printable(each[name] or "")) for name in ("name", "description", "colour")))
    _show(found, table, as_json=as_json)


@app.command()
def whoami(*, as_json: Json = False) -> None:
    """Show the tenant and the settings of the key."""
    with _connect() as client:
        found = asdict(client.whoami())
    lines = (f"{name.replace('_', ' '):18} {json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
    _show(found, "\n".join(lines), as_json=as_json)


def run(arguments: Sequence[str] | None = None) -> None:
    try:
        exit_code = app(arguments, prog_name="contacts", standalone_mode=False)
    except TyperException as misuse:
        misuse.show()  # type: ignore[attr-defined]  # all that typer raises have it
        raise SystemExit(2) from None
    except typer.Abort:
        _fail("\nAborted. Scripts confirm with --yes.", 2)
    except Misuse as misuse:
        _fail(f"Error: {misuse}", 2)
    except (httpx2.InvalidURL, httpx2.TransportError) as error:
        _fail(f"Error: CONTACTS_URL or CONTACTS_KEY cannot be used. {error}", 2)
    except OSError as error:
        _fail(f"Error: {error.filename}: {error.strerror}.", 2)
    except sqlite3.Error as error:
        _fail(f"Error: the mirror cannot be written: {error}.", 2)
    except (Unauthorized, Forbidden) as refused:
        _fail(f"Error: the API refuses the key. {refused}", 3)
    except ContactsError as failure:
        _fail(f"Error: {failure}", 1)
    except Stopped:
        _fail("Stopped.", 1)
    raise SystemExit(exit_code or 0)


def _connect(retry_seconds: float = 30, pause: Callable[[float], None] | None = None) -> Contacts:
    """Raises Misuse unless the environment has the settings."""
    url, key = (os.environ.get(name, "").strip() for name in ("CONTACTS_URL", "CONTACTS_KEY"))
    if not key or not key.isascii() or not url.startswith(("https://", "http://")):
        raise Misuse("Set CONTACTS_URL to the https:// address of the API, and CONTACTS_KEY to an API key.")
    secret = os.environ.get("CONTACTS_SECRET", "").strip() or None
    return Contacts(url, key, signing_secret=secret, retry_seconds=retry_seconds, pause=pause)


def _show_push(file: Path, progress: Progress, *, as_json: bool) -> None:
    text = _sentence(progress.counts)
    if progress.counts["refused"]:
        text += f" The refused rows are in {file}.failed.csv."
    if progress.left:
        text += f" {progress.left:,} rows are left: the same command goes on."
    _show({**progress.counts, "left": progress.left}, text, as_json=as_json)


def _sentence(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in counts.items() if number) or "no rows"
    ) + "."


def _show(value: object, text: str | Table, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(value))
    elif isinstance(text, str):
        typer.echo(printable(text))
    else:
        console = Console(highlight=False)
        console.width = console.width if console.is_terminal else _WIDTH_OF_A_FILE
        console.print(text)


def _confirm(question: str, *, yes: bool) -> None:
    """Raises Abort after every answer but yes, also if nobody answers."""
    if not yes:
        typer.confirm(printable(question), abort=True, err=True)


def _fail(text: str, exit_code: int) -> NoReturn:
    typer.secho(printable(text), fg="red", err=True)
    raise SystemExit(exit_code)

"""`python -m admin`: its options, commands and exit codes. 0 means done, 1 refused, 2 used incorrectly."""

import io
import sys
from collections.abc import Sequence
from typing import Annotated, Never

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from typer.exceptions import TyperException

from admin import target
from admin.commands import (
    audit,
    changes,
    contact,
    key,
    message,
    queue,
    secret,
    signature,
    stack,
    table,
    tag,
    tag_command,
    tenant,
)
from admin.errors import Refused
from admin.faults import explain
from admin.target import Stage
from admin.text import printable
from contacts.domain.errors import ContactNotFound, DatabaseUnavailable
from contacts.runtime.settings import SettingMissing

# Errors are single lines, without the frames that rich would draw around them.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(tenant.app, name="tenant")
app.add_typer(key.app, name="key")
app.add_typer(secret.app, name="secret")
app.add_typer(tag.app, name="tag")
app.add_typer(contact.app, name="contact")
app.add_typer(changes.app, name="changes")
app.add_typer(message.app, name="message")
app.add_typer(tag_command.app, name="tag-command")
app.add_typer(queue.app, name="queue")
app.add_typer(audit.app, name="audit")
app.add_typer(stack.app, name="stack")
app.command()(signature.sign)
app.command()(table.check)


@app.callback()
def choose_target(
    stage: Annotated[Stage | None, typer.Option(help="The deployment to work on: its table, secrets and API.")] = None,
    table: Annotated[str | None, typer.Option(help="Another table than that of the stage.")] = None,
) -> None:
    """Commands for operators. Without options they work on the local stack if it runs."""
    target.choose(stage, table)


def main(arguments: Sequence[str] | None = None) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a key that was created must be shown in any encoding
    try:
        exit_code = app(arguments, prog_name="python -m admin", standalone_mode=False)
    except TyperException as misuse:
        shown = io.StringIO()
        misuse.show(shown)  # type: ignore[attr-defined]  # all that typer raises have it
        _fail(shown.getvalue(), misuse.exit_code)
    except typer.Abort:
        _fail("Aborted: nothing was changed. Scripts confirm with --yes.", 1)
    except Refused as refused:
        _fail(f"Error: {refused}", refused.exit_code)
    except ContactNotFound as absent:
        _fail(f"Error: {absent} Check the tenant and the contact's id or phone.", 1)
    except SettingMissing:
        _fail(
            "Error: Which deployment? Pass --stage dev (or staging, prod), or start a local one with `make start`.", 2
        )
    except (DatabaseUnavailable, PynamoDBException, BotoCoreError, ClientError) as fault:
        _fail(f"Error: {explain(fault)}", 1)
    raise SystemExit(exit_code or 0)


def _fail(text: str, exit_code: int) -> Never:
    """Neutralises each line, because messages repeat arguments and texts of AWS."""
    typer.secho("\n".join(map(printable, text.splitlines())), fg="red", err=True)
    raise SystemExit(exit_code)


if __name__ == "__main__":
    main()

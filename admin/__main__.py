"""`python -m admin`: its options, commands and exit codes. 0 means done, 1 refused, 2 used incorrectly."""

from collections.abc import Sequence
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from admin import target
from admin.commands import contact, key, message, signature, table, tag, tag_command, tenant
from admin.errors import Refused
from admin.faults import explain
from contacts.domain.errors import ContactNotFound, DatabaseUnavailable
from contacts.runtime.settings import SettingMissing

# Errors are single lines, without the frames that rich would draw around them.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(tenant.app, name="tenant")
app.add_typer(key.app, name="key")
app.add_typer(tag.app, name="tag")
app.add_typer(contact.app, name="contact")
app.add_typer(message.app, name="message")
app.add_typer(tag_command.app, name="tag-command")
app.command()(signature.sign)
app.command()(table.check)


@app.callback()
def choose_target(
    stage: Annotated[
        str | None, typer.Option(help="The deployment to work on: dev, staging or prod, with its table and secrets.")
    ] = None,
    table: Annotated[str | None, typer.Option(help="Another table than that of the stage.")] = None,
) -> None:
    """Commands for operators. Without options they work on the local stack if it runs."""
    target.choose(stage, table)


def main(arguments: Sequence[str] | None = None) -> None:
    try:
        app(arguments, prog_name="python -m admin")
    except Refused as refused:
        _exit(str(refused), refused.exit_code)
    except ContactNotFound as absent:
        _exit(f"{absent} Check the tenant and the contact's id or phone.", 1)
    except SettingMissing:
        _exit("Which deployment? Pass --stage dev (or staging, prod), or start a local one with `make start`.", 2)
    except (DatabaseUnavailable, PynamoDBException, BotoCoreError, ClientError) as fault:
        _exit(explain(fault), 1)


def _exit(message: str, code: int) -> None:
    typer.secho(f"Error: {message}", fg="red", err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()

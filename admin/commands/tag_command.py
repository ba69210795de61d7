from datetime import datetime
from typing import Annotated, Literal

import typer

from admin.queues import send_tag_command
from admin.terminal import Json, TenantId, moment, show
from contacts.domain.source import Source

app = typer.Typer(no_args_is_help=True, help="Tag commands, as agents and the AI send them.")


@app.command()
def send(
    tenant_id: TenantId,
    contact_id: Annotated[str, typer.Argument(help="The contact's id. `contact show` shows it.")],
    tag_id: Annotated[str, typer.Argument(help="The tag's id. `tag list` shows it.")],
    action: Annotated[Literal["ASSIGN", "REMOVE"], typer.Argument()],
    *,
    source: Annotated[
        Source, typer.Option(help="Who sends the command. An assignment from a source of higher weight stays.")
    ],
    reason: Annotated[str | None, typer.Option(help="At most 500 characters.")] = None,
    issued_at: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="For example 2027-01-31T12:00:00Z. [now]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a command into the queue, after the earlier ones of its contact."""
    message_id = send_tag_command(
        tenant_id, contact_id, tag_id, action, source=source, reason=reason, issued_at=issued_at
    )
    show({"message_id": message_id}, as_json=as_json)

from datetime import datetime
from typing import Annotated

import typer

from admin.queues import send_inbound_message
from admin.terminal import Json, TenantId, moment, show

app = typer.Typer(no_args_is_help=True, help="Inbound messages, as the inbox reports them.")


@app.command()
def send(
    tenant_id: TenantId,
    phone: Annotated[str, typer.Argument(help="The sender's phone.")],
    *,
    display_name: Annotated[str | None, typer.Option(help="The sender's name.")] = None,
    received_at: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="For example 2027-01-31T12:00:00Z. [now]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a message into the queue. A moment later its sender is a contact."""
    message_id = send_inbound_message(tenant_id, phone, display_name=display_name, received_at=received_at)
    show({"message_id": message_id}, as_json=as_json)

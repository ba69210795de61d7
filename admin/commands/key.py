# ruff: noqa: PLC0415 - see the package's docstring
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from admin.errors import InvalidValue
from admin.terminal import Json, TenantId, Yes, confirm, show

app = typer.Typer(no_args_is_help=True, help="API keys of a tenant.")


@app.command()
def create(
    tenant_id: TenantId,
    *,
    name: Annotated[str, typer.Option(help="What it is for; 1 to 64 characters.")],
    scopes: Annotated[list[str], typer.Option("--scope", help="contacts:read or contacts:write; repeat it for both.")],
    expires_at: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
            help="In UTC, as 2027-01-31 or 2027-01-31T12:00:00Z. Without it the key does not expire.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, for the only time."""
    from admin.keys import create_key

    expiry = expires_at.replace(tzinfo=UTC) if expires_at else None
    if expiry and expiry <= datetime.now(UTC):
        raise InvalidValue("The key would be expired from the start. Choose an --expires-at in the future.")
    show(asdict(create_key(tenant_id, name=name, scopes=scopes, expires_at=expiry)), as_json=as_json)
    if not as_json:
        typer.echo("Hand the key over now: it cannot be shown again.")


@app.command("list")
def list_(tenant_id: TenantId, *, as_json: Json = False) -> None:
    """Show all keys of a tenant."""
    from admin.keys import list_keys

    show([asdict(key) for key in list_keys(tenant_id)], as_json=as_json)


@app.command()
def revoke(
    tenant_id: TenantId,
    key_id: Annotated[str, typer.Argument(help="As `key list` shows it.")],
    *,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Refuse a key from now on, for good. The gateway may go by what it knows for another minute."""
    from admin.keys import revoke_key

    confirm(f"Revoke key {key_id} for good?", yes=yes)
    show(asdict(revoke_key(tenant_id, key_id)), as_json=as_json)

# ruff: noqa: PLC0415 - see the package's docstring
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from admin.errors import InvalidValue
from admin.terminal import Json, TenantId, Yes, confirm, moment, show

app = typer.Typer(no_args_is_help=True, help="API keys of a tenant.")

KeyId = Annotated[str, typer.Argument(help="As `key list` shows it.")]

_GRACE = timedelta(days=1)
_FOR_A_TABLE = ("key_id", "prefix", "name", "scopes", "status", "created_at", "expires_at", "last_used_at")
_HAND_OVER = "Hand it over now: it cannot be shown again. On AWS it takes some seconds until it works."
_STILL_KNOWN = "The gateway may go by what it knows of the key for up to 60 seconds."


@app.command()
def create(
    tenant_id: TenantId,
    *,
    name: Annotated[str, typer.Option(help="What it is for; 1 to 64 characters.")],
    scopes: Annotated[list[str], typer.Option("--scope", help="contacts:read or contacts:write; repeat it for both.")],
    expires_at: Annotated[
        datetime | None,
        typer.Option("--expires", parser=moment, metavar="DATE", help="As 2027-01-31 or 2027-01-31T12:00:00Z."),
    ] = None,
    rate_limit: Annotated[int | None, typer.Option(help="Requests per second; 80 when left out.")] = None,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Refuse unsigned requests; shows the signing secret.")
    ] = False,
    ip_allowlist: Annotated[
        list[str] | None,
        typer.Option("--allow-ip", metavar="CIDR", help="From where it may be used, IPv4 or IPv6; repeat it for more."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, for the only time."""
    from admin.keys import create_key

    issued = create_key(
        tenant_id,
        name=name,
        scopes=scopes,
        expires_at=_in_the_future("--expires", expires_at),
        rate_limit=rate_limit,
        require_signature=require_signature,
        ip_allowlist=ip_allowlist or (),
    )
    show(asdict(issued), as_json=as_json)
    if not as_json:
        typer.echo(_HAND_OVER)


@app.command("list")
def list_(tenant_id: TenantId, *, as_json: Json = False) -> None:
    """Show all keys of a tenant."""
    from admin.keys import list_keys

    keys = [asdict(key) for key in list_keys(tenant_id)]
    show(keys if as_json else [{name: key[name] for name in _FOR_A_TABLE} for key in keys], as_json=as_json)


@app.command("show")
def show_(tenant_id: TenantId, key_id: KeyId, *, as_json: Json = False) -> None:
    """Show all there is to know of a key but the key itself."""
    from admin.keys import get_key

    show(asdict(get_key(tenant_id, key_id)), as_json=as_json)


@app.command()
def rotate(
    tenant_id: TenantId,
    key_id: KeyId,
    *,
    keep_old_until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="DATE", help="When the old key ends; in 24 hours when left out."),
    ] = None,
    expires_at: Annotated[
        datetime | None,
        typer.Option("--expires", parser=moment, metavar="DATE", help="When the new key ends, if it is to end."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key with the settings of another one, which keeps working for a while."""
    from admin.keys import get_key, rotate_key

    end = _in_the_future("--keep-old-until", keep_old_until) or datetime.now(UTC) + _GRACE
    new = rotate_key(tenant_id, key_id, keep_old_until=end, expires_at=_in_the_future("--expires", expires_at))
    old_works_until = get_key(tenant_id, key_id).expires_at
    show(asdict(new) | {"old_key_works_until": old_works_until}, as_json=as_json)
    if not as_json:
        typer.echo(f"{_HAND_OVER}\nThe old key, {key_id}, works until {old_works_until}; then revoke it.")


@app.command()
def revoke(tenant_id: TenantId, key_id: KeyId, *, yes: Yes = False, as_json: Json = False) -> None:
    """Refuse a key from now on, for good. The gateway may go by what it knows for another minute."""
    from admin.keys import revoke_key

    confirm(f"Revoke key {key_id} for good?", yes=yes)
    show(asdict(revoke_key(tenant_id, key_id)), as_json=as_json)
    if not as_json:
        typer.echo(_STILL_KNOWN)


@app.command()
def restore(*, as_json: Json = False) -> None:
    """Put the gateway's keys and usage plans back for all active keys of all tenants, where they are missing."""
    from admin.usage_plans import restore

    show({"restored_keys": restore()}, as_json=as_json)


def _in_the_future(option: str, wanted: datetime | None) -> datetime | None:
    if wanted and wanted <= datetime.now(UTC):
        raise InvalidValue(f"Choose {option} in the future: until then the key works.")
    return wanted

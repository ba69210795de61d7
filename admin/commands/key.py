from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer

from admin.errors import InvalidValue
from admin.keys import create_key, get_key, list_keys, revoke_key, rotate_key
from admin.secret_store import SecretName, current_version
from admin.terminal import Json, TenantId, Yes, confirm, moment, show
from admin.usage_plans import restore as restore_gateway_keys

app = typer.Typer(no_args_is_help=True, help="A tenant's API keys.")

KeyId = Annotated[str, typer.Argument(help="The key's id. `key list` shows it.")]

_GRACE = timedelta(days=1)
_FOR_A_TABLE = (
    "key_id",
    "prefix",
    "name",
    "scopes",
    "status",
    "created_at",
    "expires_at",
    "last_used_at",
    "old_secrets",
)
_HAND_OVER = "Store the key now: it cannot be shown again. On AWS it works after some seconds."
_STILL_KNOWN = "Until the gateway's cache expires, the key can work for up to 60 more seconds."


@app.command()
def create(
    tenant_id: TenantId,
    *,
    name: Annotated[str, typer.Option(help="What the key is for, in 1 to 64 characters.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", help="contacts:read or contacts:write. Repeat the option for both.")
    ],
    expires_at: Annotated[
        datetime | None,
        typer.Option(
            "--expires", parser=moment, metavar="DATE", help="For example 2027-01-31 or 2027-01-31T12:00:00Z. [never]"
        ),
    ] = None,
    rate_limit: Annotated[int | None, typer.Option(help="Requests per second. [80]")] = None,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Refuse unsigned requests. Shows the signing secret.")
    ] = False,
    ip_allowlist: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-ip",
            metavar="CIDR",
            help="Accept the key only from this IPv4 or IPv6 block. Repeat the option for more.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key and show it once."""
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
    """Show a tenant's keys."""
    current = {secret: current_version(secret).number for secret in get_args(SecretName)}
    keys = [asdict(key) | {"old_secrets": key.old_secrets(current)} for key in list_keys(tenant_id)]
    show(keys if as_json else [{name: key[name] for name in _FOR_A_TABLE} for key in keys], as_json=as_json)


@app.command("show")
def show_(tenant_id: TenantId, key_id: KeyId, *, as_json: Json = False) -> None:
    """Show the settings of a key. The key itself cannot be shown again."""
    show(asdict(get_key(tenant_id, key_id)), as_json=as_json)


@app.command()
def rotate(
    tenant_id: TenantId,
    key_id: KeyId,
    *,
    keep_old_until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="DATE", help="When the old key expires. [in 24 hours]"),
    ] = None,
    expires_at: Annotated[
        datetime | None,
        typer.Option("--expires", parser=moment, metavar="DATE", help="When the new key expires. [never]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key with the settings of an old one, which keeps working for a while."""
    end = _in_the_future("--keep-old-until", keep_old_until) or datetime.now(UTC) + _GRACE
    new = rotate_key(tenant_id, key_id, keep_old_until=end, expires_at=_in_the_future("--expires", expires_at))
    old_works_until = get_key(tenant_id, key_id).expires_at
    show(asdict(new) | {"old_key_works_until": old_works_until}, as_json=as_json)
    if not as_json:
        typer.echo(f"{_HAND_OVER}\nThe old key, {key_id}, works until {old_works_until}. Revoke it afterwards.")


@app.command()
def revoke(tenant_id: TenantId, key_id: KeyId, *, yes: Yes = False, as_json: Json = False) -> None:
    """Refuse a key permanently. Because of the gateway's cache it can work for up to 60 more seconds."""
    confirm(f"Revoke key {key_id} permanently?", yes=yes)
    show(asdict(revoke_key(tenant_id, key_id)), as_json=as_json)
    if not as_json:
        typer.echo(_STILL_KNOWN)


@app.command()
def restore(*, as_json: Json = False) -> None:
    """Create missing gateway keys and usage plans, for all active keys of all tenants."""
    show({"restored_keys": restore_gateway_keys()}, as_json=as_json)


def _in_the_future(option: str, wanted: datetime | None) -> datetime | None:
    if wanted and wanted <= datetime.now(UTC):
        raise InvalidValue(f"The key works until the time of {option}. Choose one in the future.")
    return wanted

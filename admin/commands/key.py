import math
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args

import typer

from admin.errors import InvalidValue
from admin.keys import IssuedKey, create_key, get_key, list_keys, revoke_key, rotate_key
from admin.secret_store import SecretName, current_version
from admin.target import describe
from admin.tenants import get_tenant
from admin.terminal import Json, TenantId, Yes, confirm, moment, show
from admin.usage_plans import restore as restore_gateway_keys

app = typer.Typer(no_args_is_help=True, help="A tenant's API keys.")

Status = Literal["ACTIVE", "EXPIRED", "SUSPENDED", "REVOKED"]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print only the key, and its signing secret on a second line if it has one.")
]
KeyId = Annotated[str, typer.Argument(help="The key's id. `key list` shows it.")]

_GRACE = timedelta(days=1)
_FOR_A_TABLE = ("key_id", "name", "status", "expires_at", "old_secrets")
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
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Create a key and show it once."""
    _refuse_both(quiet=quiet, as_json=as_json)
    issued = create_key(
        tenant_id,
        name=name,
        scopes=scopes,
        expires_at=_in_the_future("--expires", expires_at),
        rate_limit=rate_limit,
        require_signature=require_signature,
        ip_allowlist=ip_allowlist or (),
    )
    _show_issued(issued, {}, quiet=quiet, as_json=as_json)
    if not (quiet or as_json):
        typer.echo(_HAND_OVER)


@app.command("list")
def list_(
    tenant_id: TenantId,
    *,
    status: Annotated[Status | None, typer.Option(help="Show only keys of this status.")] = None,
    old_secrets: Annotated[
        bool, typer.Option("--old-secrets", help="Show only keys that need an older version of a secret.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="The number of keys on a page. [all]")] = None,
    page: Annotated[int, typer.Option(min=1, help="Which page to show, with --limit. [1]")] = 1,
    as_json: Json = False,
) -> None:
    """Show a tenant's keys, oldest first."""
    if page > 1 and limit is None:
        raise InvalidValue("--page needs --limit.")
    current = {secret: current_version(secret).number for secret in get_args(SecretName)}
    keys = [asdict(key) | {"old_secrets": key.old_secrets(current)} for key in list_keys(tenant_id)]
    wanted = [
        key for key in keys if (status is None or key["status"] == status) and (key["old_secrets"] or not old_secrets)
    ]
    first = (page - 1) * (limit or 0)
    shown = wanted[first:][:limit]
    show(shown if as_json else [{name: key[name] for name in _FOR_A_TABLE} for key in shown], as_json=as_json)
    if limit and not as_json:
        typer.echo(f"{len(shown)} of {len(wanted)} keys, page {page} of {max(1, math.ceil(len(wanted) / limit))}.")


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
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Create a key with the settings of an old one, which keeps working for a while."""
    _refuse_both(quiet=quiet, as_json=as_json)
    end = _in_the_future("--keep-old-until", keep_old_until) or datetime.now(UTC) + _GRACE
    new, old_end = rotate_key(tenant_id, key_id, keep_old_until=end, expires_at=_in_the_future("--expires", expires_at))
    _show_issued(new, {"old_key_works_until": old_end}, quiet=quiet, as_json=as_json)
    if not (quiet or as_json):
        typer.echo(f"{_HAND_OVER}\nThe old key, {key_id}, works until {old_end}. Revoke it afterwards.")


@app.command()
def revoke(tenant_id: TenantId, key_id: KeyId, *, yes: Yes = False, as_json: Json = False) -> None:
    """Refuse a key permanently. Because of the gateway's cache it can work for up to 60 more seconds."""
    tenant, key = get_tenant(tenant_id), get_key(tenant_id, key_id)
    confirm(
        f"Revoke key {key.name!r} ({key_id}) of tenant {tenant.name!r} in {describe()}? "
        "Requests with it are refused, and this cannot be undone.",
        yes=yes,
    )
    show(asdict(revoke_key(tenant_id, key_id)), as_json=as_json)
    if not as_json:
        typer.echo(_STILL_KNOWN)


@app.command()
def restore(*, as_json: Json = False) -> None:
    """Create missing gateway keys and usage plans, for all active and suspended keys of all tenants."""
    show(restore_gateway_keys(), as_json=as_json)


def _refuse_both(*, quiet: bool, as_json: bool) -> None:
    if quiet and as_json:
        raise InvalidValue("Pass either --quiet or --json.")


def _show_issued(issued: IssuedKey, also: dict[str, str], *, quiet: bool, as_json: bool) -> None:
    if quiet:
        typer.echo("\n".join(filter(None, (issued.key, issued.signing_secret))))
    else:
        show(asdict(issued) | also, as_json=as_json)


def _in_the_future(option: str, wanted: datetime | None) -> datetime | None:
    if wanted and wanted <= datetime.now(UTC):
        raise InvalidValue(f"The key works until the time of {option}. Choose one in the future.")
    return wanted

from dataclasses import asdict
from typing import Annotated

import typer

from admin import offboarding, suspension
from admin.errors import TenantNotFound
from admin.export import STANDARD_OUTPUT
from admin.export import export as export_contacts
from admin.jobs import READ_UNITS, ReadUnits, Resume, announce, contact_read_units, read_budget, resumable
from admin.progress import progress
from admin.target import describe
from admin.tenants import create_tenant, find_tenant, get_tenant, list_tenants, refuse_existing_name, rename_tenant
from admin.terminal import Json, TenantId, Yes, confirm, show

app = typer.Typer(no_args_is_help=True, help="Tenants. Everything else belongs to one.")

Name = Annotated[str, typer.Argument(help="1 to 100 characters.")]
Another = Annotated[bool, typer.Option("--another", help="Do it even if another tenant has this name.")]

_STILL_KNOWN = "Until the gateway's cache expires, its keys can work for up to 60 more seconds."


@app.command()
def create(name: Name, *, another: Another = False, as_json: Json = False) -> None:
    """Create a tenant. Safe to repeat: a tenant that already exists is not created again."""
    if not another:
        refuse_existing_name(name)
    show(asdict(create_tenant(name)), as_json=as_json)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show all tenants."""
    show([asdict(tenant) for tenant in list_tenants()], as_json=as_json)


@app.command("show")
def show_(tenant_id: TenantId, *, as_json: Json = False) -> None:
    """Show a tenant and count what it has. Reads the ids of all its contacts."""
    tenant = find_tenant(tenant_id)
    if tenant is None:
        raise TenantNotFound(tenant_id)
    show(asdict(tenant) | asdict(offboarding.count_belongings(tenant_id)), as_json=as_json)


@app.command()
def rename(tenant_id: TenantId, name: Name, *, another: Another = False, as_json: Json = False) -> None:
    """Rename a tenant."""
    if not another:
        refuse_existing_name(name, but=tenant_id)
    show(asdict(rename_tenant(tenant_id, name)), as_json=as_json)


@app.command()
def suspend(tenant_id: TenantId, *, yes: Yes = False, as_json: Json = False) -> None:
    """Refuse all keys of a tenant until it is resumed. Safe to repeat, also after an interruption."""
    tenant = get_tenant(tenant_id)
    confirm(
        f"Suspend tenant {tenant.name!r} ({tenant_id}) in {describe()}? Requests with its keys are refused until "
        "`tenant resume`.",
        yes=yes,
    )
    suspended, number = suspension.suspend(tenant_id)
    show(asdict(suspended) | {"suspended_keys": number}, as_json=as_json)
    if not as_json:
        typer.echo(_STILL_KNOWN)


@app.command()
def resume(tenant_id: TenantId, *, as_json: Json = False) -> None:
    """Accept a tenant's keys again, but for those that were revoked. Safe to repeat."""
    resumed, number = suspension.resume(tenant_id)
    show(asdict(resumed) | {"resumed_keys": number}, as_json=as_json)


@app.command()
def export(
    tenant_id: TenantId,
    file: Annotated[str, typer.Argument(help="A new file, or - for standard output.")],
    *,
    resume: Resume = False,
    read_units: ReadUnits = READ_UNITS,
    as_json: Json = False,
) -> None:
    """Write all contacts, with the names of their tags, as JSON lines."""
    tenant = find_tenant(tenant_id)
    if tenant is None:
        raise TenantNotFound(tenant_id)
    with progress() as shown, read_budget(read_units), resumable("Go on with --resume."):
        contacts = offboarding.count_contacts(tenant_id)
        announce(contact_read_units(contacts), read_units)
        shown.begin("Exporting contacts", contacts)
        written = export_contacts(tenant_id, file, shown, resume=resume)
    if file != STANDARD_OUTPUT:
        show({"tenant_id": tenant_id, "contacts": written, "file": file}, as_json=as_json)


@app.command()
def delete(
    tenant_id: TenantId,
    *,
    wait_seconds: Annotated[
        float,
        typer.Option(min=0, max=3600, help="Time for calls in progress to end, and again for the table's stream."),
    ] = 90,
    read_units: ReadUnits = READ_UNITS,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a tenant with all it has. Repeat the command if it was interrupted: it goes on where it was."""
    tenant = find_tenant(tenant_id)
    if tenant is None and not offboarding.is_deleted(tenant_id):
        raise TenantNotFound(tenant_id)
    with read_budget(read_units):
        found = offboarding.count_belongings(tenant_id)
    whose = f"tenant {tenant.name!r} ({tenant_id})" if tenant else f"what is left of tenant {tenant_id}"
    confirm(
        f"Delete {whose} in {describe()} with {found.contacts} contacts, {found.tags} tags and {found.keys} keys? "
        "Its keys stop working, everything it has is deleted, and this cannot be undone.",
        yes=yes,
    )
    announce(contact_read_units(found.contacts), read_units, write_units=4 * found.contacts)
    advice = "The tenant is deleted in part. Run the command again: it goes on where it was."
    with progress() as shown, read_budget(read_units), resumable(advice):
        offboarding.delete(tenant_id, found.contacts, wait_seconds, shown)
    deleted = asdict(found)
    as_lines = {f"deleted_{name}": number for name, number in deleted.items()}
    show({"tenant_id": tenant_id} | ({"deleted": deleted} if as_json else as_lines), as_json=as_json)

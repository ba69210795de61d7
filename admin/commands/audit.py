from dataclasses import asdict

import typer

from admin.audit import list_entries
from admin.errors import TenantNotFound
from admin.tenants import find_tenant
from admin.terminal import Json, TenantId, show

app = typer.Typer(no_args_is_help=True, help="What administrators did.")


@app.command("list")
def list_(tenant_id: TenantId, *, as_json: Json = False) -> None:
    """Show who did what to a tenant, its keys and its tags, oldest first. Also for a tenant that is deleted."""
    entries = list_entries(tenant_id)
    if not entries and find_tenant(tenant_id) is None:
        raise TenantNotFound(tenant_id)
    show([asdict(entry) for entry in entries], as_json=as_json)

from dataclasses import asdict
from typing import Annotated

import typer

from admin.tenants import create_tenant, list_tenants, refuse_existing_name
from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="Tenants. Everything else belongs to one.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="1 to 100 characters.")],
    *,
    another: Annotated[bool, typer.Option("--another", help="Create it even if a tenant has this name.")] = False,
    as_json: Json = False,
) -> None:
    """Create a tenant. Safe to repeat: a tenant that already exists is not created again."""
    if not another:
        refuse_existing_name(name)
    show(asdict(create_tenant(name)), as_json=as_json)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show all tenants."""
    show([asdict(tenant) for tenant in list_tenants()], as_json=as_json)

from dataclasses import asdict
from typing import Annotated

import typer

from admin.tenants import create_tenant, list_tenants
from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="Tenants. Everything else belongs to one.")


@app.command()
def create(name: Annotated[str, typer.Argument(help="1 to 100 characters.")], *, as_json: Json = False) -> None:
    """Create a tenant."""
    show(asdict(create_tenant(name)), as_json=as_json)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show all tenants."""
    show([asdict(tenant) for tenant in list_tenants()], as_json=as_json)

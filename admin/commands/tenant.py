# ruff: noqa: PLC0415 - see the package's docstring
from dataclasses import asdict
from typing import Annotated

import typer

from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="Tenants: everything else belongs to one.")


@app.command()
def create(name: Annotated[str, typer.Argument(help="1 to 100 characters.")], *, as_json: Json = False) -> None:
    """Make a tenant."""
    from admin.tenants import create_tenant

    show(asdict(create_tenant(name)), as_json=as_json)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show all tenants."""
    from admin.tenants import list_tenants

    show([asdict(tenant) for tenant in list_tenants()], as_json=as_json)

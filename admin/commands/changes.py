from typing import Annotated

import typer

from admin.errors import InvalidValue
from admin.target import describe
from admin.tenants import get_tenant, list_tenants
from admin.terminal import Json, Yes, confirm, show
from contacts.storage.changes import ChangeLog

app = typer.Typer(no_args_is_help=True, help="The change logs behind GET /v1/changes.")


@app.command()
def reset(
    tenant_id: Annotated[str | None, typer.Argument(help="The tenant's id. `tenant list` shows it.")] = None,
    *,
    all_tenants: Annotated[bool, typer.Option("--all", help="Reset the logs of all tenants.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make every cursor expire, so that whoever mirrors contacts lists all of them again.

    Needed for all tenants after a restore of the table, and after changes were lost. Safe to repeat.
    """
    if (tenant_id is None) is not all_tenants:
        raise InvalidValue("Pass either a tenant's id or --all.")
    tenants = [get_tenant(tenant_id)] if tenant_id else list_tenants()
    whose = f"tenant {tenants[0].name!r}" if tenant_id else f"all {len(tenants)} tenants"
    confirm(
        f"Reset the change log of {whose} in {describe()}? Every mirror has to list all contacts again, "
        "and this cannot be undone.",
        yes=yes,
    )
    show(
        [{"tenant_id": each.id, "name": each.name, "new_cursor": ChangeLog(each.id).reset()} for each in tenants],
        as_json=as_json,
    )

from dataclasses import asdict
from datetime import UTC, datetime
from time import sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from admin.errors import Refused
from admin.sweep import count_items, sweep
from admin.tags import create_tag, delete_tag, get_tag, list_tags, rename_tag
from admin.target import describe
from admin.tenants import get_tenant
from admin.terminal import Json, TenantId, Yes, confirm, show

app = typer.Typer(no_args_is_help=True, help="A tenant's catalog of tags.")

Name = Annotated[str, typer.Argument(help="1 to 50 characters, unique in the tenant whatever the case.")]
TagId = Annotated[str, typer.Argument(help="The tag's id. `tag list` shows it.")]


@app.command()
def create(
    tenant_id: TenantId,
    name: Name,
    *,
    description: Annotated[str | None, typer.Option(help="At most 500 characters.")] = None,
    colour: Annotated[str | None, typer.Option(help="As #rrggbb.")] = None,
    as_json: Json = False,
) -> None:
    """Create a tag."""
    show(asdict(create_tag(tenant_id, name, description, colour)), as_json=as_json)


@app.command("list")
def list_(
    tenant_id: TenantId,
    *,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show deleted tags too.")] = False,
    as_json: Json = False,
) -> None:
    """Show a tenant's tags by name."""
    show([asdict(tag) for tag in list_tags(tenant_id) if deleted or not tag.deleted_at], as_json=as_json)


@app.command()
def rename(tenant_id: TenantId, tag_id: TagId, name: Name, *, as_json: Json = False) -> None:
    """Rename a tag. Its old name is free again."""
    show(asdict(rename_tag(tenant_id, tag_id, name)), as_json=as_json)


@app.command()
def delete(
    tenant_id: TenantId,
    tag_id: TagId,
    *,
    wait_seconds: Annotated[
        float,
        typer.Option(
            min=0, max=3600, help="Time from the deletion to the search: calls that saw the tag before end in it."
        ),
    ] = 30,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a tag and remove it from every contact. Repeat the command if it was interrupted."""
    tenant, tag = get_tenant(tenant_id), get_tag(tenant_id, tag_id)
    confirm(
        f"Delete tag {tag.name!r} ({tag_id}) of tenant {tenant.name!r} in {describe()}? "
        "It is removed from every contact that holds it, and this cannot be undone.",
        yes=yes,
    )
    tag = delete_tag(tenant_id, tag_id)
    screen = Console(stderr=True)
    with Progress(console=screen, disable=as_json or not screen.is_terminal, transient=True) as progress:
        try:
            pause = progress.add_task("Waiting for assignments in progress", total=None)
            sleep(max(0, wait_seconds - _seconds_since(str(tag.deleted_at))))
            progress.remove_task(pause)
            search = progress.add_task("Removing the tag from the contacts", total=count_items())
            removed = sweep(tenant_id, tag_id, lambda read: progress.advance(search, read))
        except KeyboardInterrupt:
            raise Refused("The tag is deleted, but some contacts may still hold it. Run the command again.") from None
    show(asdict(tag) | {"removed_from_contacts": removed}, as_json=as_json)


def _seconds_since(moment: str) -> float:
    """0 for a moment of another operator's clock that is ahead of ours."""
    return max(0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())

from dataclasses import asdict
from datetime import UTC, datetime
from time import sleep
from typing import Annotated, Any

import typer

from admin.jobs import (
    READ_UNITS,
    Checkpoint,
    ReadUnits,
    Resume,
    announce,
    contact_read_units,
    describe_table,
    read_budget,
    resumable,
)
from admin.offboarding import count_contacts
from admin.progress import progress
from admin.sweep import sweep
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
    resume: Resume = False,
    read_units: ReadUnits = READ_UNITS,
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
    checkpoint = Checkpoint(f"tag-delete-{tag_id}", describe_table().id)
    state: dict[str, Any] = checkpoint.load() if resume else {"cursor": "", "removed": 0}
    tag = delete_tag(tenant_id, tag_id)
    checkpoint.save(state)
    advice = "The tag is deleted, but some contacts may still hold it. Run the command again, with --resume."
    with progress() as shown, read_budget(read_units), resumable(advice):
        contacts = count_contacts(tenant_id)
        announce(contact_read_units(contacts), read_units)
        shown.begin("Waiting for assignments in progress")
        sleep(max(0, wait_seconds - _seconds_since(str(tag.deleted_at))))
        shown.begin("Removing the tag from the contacts", contacts)

        def keep(cursor: str, read: int, removed: int) -> None:
            state.update(cursor=cursor, removed=state["removed"] + removed)
            checkpoint.save(state)
            shown.advance(read)

        sweep(tenant_id, tag_id, state["cursor"], keep)
    checkpoint.clear()
    show(asdict(tag) | {"removed_from_contacts": state["removed"]}, as_json=as_json)


def _seconds_since(moment: str) -> float:
    """0 for a moment of another operator's clock that is ahead of ours."""
    return max(0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())

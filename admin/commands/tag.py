# ruff: noqa: PLC0415 - see the package's docstring
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from admin.errors import Refused
from admin.terminal import Json, TenantId, Yes, confirm, show

app = typer.Typer(no_args_is_help=True, help="A tenant's catalog of tags.")

Name = Annotated[str, typer.Argument(help="1 to 50 characters, in any case the only one of its name.")]
TagId = Annotated[str, typer.Argument(help="As `tag list` shows it.")]


@app.command()
def create(
    tenant_id: TenantId,
    name: Name,
    *,
    description: Annotated[str | None, typer.Option(help="Up to 500 characters.")] = None,
    colour: Annotated[str | None, typer.Option(help="As #rrggbb.")] = None,
    as_json: Json = False,
) -> None:
    """Make a tag."""
    from admin.tags import create_tag

    show(asdict(create_tag(tenant_id, name, description, colour)), as_json=as_json)


@app.command("list")
def list_(
    tenant_id: TenantId,
    *,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show deleted ones too.")] = False,
    as_json: Json = False,
) -> None:
    """Show a tenant's tags."""
    from admin.tags import list_tags

    show([asdict(tag) for tag in list_tags(tenant_id) if deleted or not tag.deleted_at], as_json=as_json)


@app.command()
def rename(tenant_id: TenantId, tag_id: TagId, name: Name, *, as_json: Json = False) -> None:
    """Give a tag another name; the old one is free again."""
    from admin.tags import rename_tag

    show(asdict(rename_tag(tenant_id, tag_id, name)), as_json=as_json)


@app.command()
def delete(
    tenant_id: TenantId,
    tag_id: TagId,
    *,
    wait_seconds: Annotated[
        float, typer.Option(min=0, help="Then look once more, for assignments that were under way.")
    ] = 60,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a tag and take it off every contact. Safe to repeat, also to finish what was interrupted."""
    from admin.sweep import count_items, sweep
    from admin.tags import delete_tag

    confirm(f"Delete tag {tag_id} and take it off every contact?", yes=yes)
    tag = delete_tag(tenant_id, tag_id)
    screen = Console(stderr=True)
    with Progress(console=screen, disable=as_json or not screen.is_terminal, transient=True) as progress:

        def look(title: str) -> int:
            task = progress.add_task(title, total=count_items())
            return sweep(tenant_id, tag_id, lambda read: progress.advance(task, read))

        try:
            given_up = look("Taking it off the contacts")
            pause = progress.add_task("Waiting for assignments under way", total=None)
            time.sleep(wait_seconds)
            progress.remove_task(pause)
            given_up += look("Looking once more")
        except KeyboardInterrupt:
            raise Refused("The tag is deleted, but some contacts may still hold it. Run the command again.") from None
    show(asdict(tag) | {"taken_off_contacts": given_up}, as_json=as_json)

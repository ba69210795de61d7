from collections.abc import Callable, Iterator
from dataclasses import asdict
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
from admin.progress import Progress, progress
from admin.table_check import Finding, check_segment, check_tenant
from admin.tenants import get_tenant
from admin.terminal import Json, show

_ITEMS_OF_A_SEGMENT, _MOST_SEGMENTS = 10_000, 10_000


def check(
    tenant_id: Annotated[
        str | None,
        typer.Argument(help="Check only this tenant's contacts, tags and keys, without a scan of the table."),
    ] = None,
    *,
    resume: Resume = False,
    read_units: ReadUnits = READ_UNITS,
    as_json: Json = False,
) -> None:
    """Check every item of the table against the rules that always hold. Exit code 1 if an item breaks one."""
    with progress() as shown, read_budget(read_units):
        if tenant_id is None:
            checked, findings = _check_table(shown, read_units, resume=resume)
        else:
            checked, findings = _check_tenant(tenant_id, shown, read_units)
    if as_json:
        show({"items": checked, "findings": findings}, as_json=True)
    elif findings:
        show(findings)
    else:
        typer.echo(f"All {checked} items are correct.")
    raise typer.Exit(bool(findings))


def _check_table(shown: Progress, read_units: int, *, resume: bool) -> tuple[int, list[dict[str, str]]]:
    """A checkpoint is a number of segments, because the key of an item, where a scan could go on, has a phone."""
    table = describe_table()
    segments = max(1, min(table.items // _ITEMS_OF_A_SEGMENT, _MOST_SEGMENTS))
    checkpoint = Checkpoint(f"check-{table.id.rpartition('/')[2]}", table.id)
    begin: dict[str, Any] = {"done": 0, "segments": segments, "items": 0, "findings": []}
    state = checkpoint.load() if resume else begin
    announce((table.read_units + table.items) * (1 - state["done"] / state["segments"]), read_units)
    shown.begin("Checking every item", table.items)
    shown.advance(state["items"])
    with resumable("Go on with --resume."):
        while state["done"] < state["segments"]:
            checkpoint.save(state)
            checked, findings = _collect(shown, lambda count: check_segment(state["done"], state["segments"], count))
            state["done"] += 1
            state["items"] += checked
            state["findings"] += findings
    checkpoint.clear()
    return state["items"], state["findings"]


def _check_tenant(tenant_id: str, shown: Progress, read_units: int) -> tuple[int, list[dict[str, str]]]:
    with resumable("Run the command again: it begins anew."):
        contacts = count_contacts(get_tenant(tenant_id).id)
        announce(contact_read_units(contacts), read_units)
        shown.begin("Checking the tenant's items", contacts)
        return _collect(shown, lambda count: check_tenant(tenant_id, count))


def _collect(
    shown: Progress, check: Callable[[Callable[[int], None]], Iterator[Finding]]
) -> tuple[int, list[dict[str, str]]]:
    """How many items were checked, and the findings."""
    checked = 0

    def count(read: int) -> None:
        nonlocal checked
        checked += read
        shown.advance(read)

    findings = [asdict(finding) for finding in check(count)]
    return checked, findings

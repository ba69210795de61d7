# ruff: noqa: PLC0415 - see the package's docstring
from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import Progress

from admin.terminal import Json, show


def check(*, as_json: Json = False) -> None:
    """Look at every item of the table for what must never be there. Exit code 1 when there is something."""
    from admin.sweep import count_items
    from admin.table_check import check_table

    screen = Console(stderr=True)
    looked_at = 0
    with Progress(console=screen, disable=as_json or not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("Looking at every item", total=count_items())

        def count(read: int) -> None:
            nonlocal looked_at
            looked_at += read
            progress.advance(task, read)

        findings = [asdict(finding) for finding in check_table(count)]
    if as_json:
        show({"items": looked_at, "findings": findings}, as_json=True)
    elif findings:
        show(findings)
    else:
        typer.echo(f"All {looked_at} items are as they should be.")
    raise typer.Exit(bool(findings))

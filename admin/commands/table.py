from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import Progress

from admin.sweep import count_items
from admin.table_check import check_table
from admin.terminal import Json, show


def check(*, as_json: Json = False) -> None:
    """Check every item of the table against the rules that always hold. Exit code 1 if an item breaks one."""
    screen = Console(stderr=True)
    checked = 0
    with Progress(console=screen, disable=as_json or not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("Checking every item", total=count_items())

        def count(read: int) -> None:
            nonlocal checked
            checked += read
            progress.advance(task, read)

        findings = [asdict(finding) for finding in check_table(count)]
    if as_json:
        show({"items": checked, "findings": findings}, as_json=True)
    elif findings:
        show(findings)
    else:
        typer.echo(f"All {checked} items are correct.")
    raise typer.Exit(bool(findings))

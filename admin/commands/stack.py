from collections.abc import Iterator

import typer

from admin import adoption
from admin.target import stage, table_suffix
from admin.terminal import Json, show
from contacts.runtime.settings import table_name

app = typer.Typer(no_args_is_help=True, help="What outlives the deletion of a stack.")


@app.command()
def adopt(*, as_json: Json = False) -> None:
    """Import the table, secrets and log groups of a deleted stack into a new one. It needs the rights of a deployer."""
    adopted = adoption.adopt()
    show([{"resource": each} for each in adopted], as_json=as_json)
    if not as_json:
        typer.echo("\n".join(_next_steps()))


def _next_steps() -> Iterator[str]:
    """Those of docs/operations.md."""
    suffix, admin = table_suffix(), f"python -m admin --stage {stage()}"
    if suffix:
        admin += f" --table {table_name()}"
        yield f'First write "TableSuffix={suffix}" into the parameter_overrides of the stage in samconfig.toml.'
    yield "Next, run:"
    yield f"sam build --config-env {stage()}"
    yield f"sam deploy --config-env {stage()}"
    if suffix:
        yield f"{admin} changes reset --all  # if the table was restored"
    yield f"{admin} key restore"

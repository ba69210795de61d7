import typer

from admin import adoption
from admin.target import stage, table_suffix
from admin.terminal import Json, show
from contacts.runtime.settings import table_name

app = typer.Typer(no_args_is_help=True, help="What outlives the deletion of a stack.")

_NEXT = "Now run `sam deploy --config-env {stage}` and `python -m admin --stage {stage}{table} key restore`."


@app.command()
def adopt(*, as_json: Json = False) -> None:
    """Import the table, secrets and log groups of a deleted stack into a new one. It needs the rights of a deployer."""
    adopted = adoption.adopt()
    show([{"resource": each} for each in adopted], as_json=as_json)
    if not as_json:
        typer.echo(_NEXT.format(stage=stage(), table=f" --table {table_name()}" if table_suffix() else ""))
        if suffix := table_suffix():
            typer.echo(f'samconfig.toml needs "TableSuffix={suffix}" in the parameter_overrides of the stage first.')

import typer

from admin import adoption
from admin.target import stage
from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="What outlives the deletion of a stack.")


@app.command()
def adopt(*, as_json: Json = False) -> None:
    """Import the table, secrets and log groups of a deleted stack into a new one. It needs the rights of a deployer."""
    adopted = adoption.adopt()
    show([{"resource": each} for each in adopted], as_json=as_json)
    if not as_json:
        typer.echo(f"Now run `sam deploy --config-env {stage()}` and `python -m admin --stage {stage()} key restore`.")

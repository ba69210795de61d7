from collections import Counter
from typing import Annotated, get_args

import typer

from admin.keys import list_live_keys
from admin.secret_store import SecretName, add_version, list_versions
from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="The secrets behind API keys.")

_EXPLANATION = """\
New keys use this version from now on, and existing keys go on working with theirs.
`key list` shows which keys need an older version. Replace them with `key rotate`."""


@app.command()
def rotate(
    secret: Annotated[
        SecretName, typer.Argument(help="pepper keys the hashes of API keys; signing secrets come from signing-root.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Add a version to a secret. New keys use it, and existing keys go on working."""
    show({"secret": secret, "version": add_version(secret)}, as_json=as_json)
    if not as_json:
        typer.echo(_EXPLANATION)


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show the versions of the secrets, and how many active and suspended keys of all tenants need each of them."""
    keys = list_live_keys()
    needed = Counter[tuple[str, int | None]](("pepper", key.pepper_version) for key in keys)
    needed.update(("signing-root", key.signing_version) for key in keys)
    show(
        [
            {"secret": secret, "version": version, "active_keys": needed[secret, version]}
            for secret in get_args(SecretName)
            for version in list_versions(secret)
        ],
        as_json=as_json,
    )

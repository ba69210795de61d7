"""The `contacts` command. Needs the extra `cli`."""

import sys


def main() -> None:
    try:
        from contacts_client.cli.commands import run  # noqa: PLC0415 - typer and rich may be missing
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich"}:
            raise
        sys.stderr.write("The contacts command needs more packages: pip install 'contacts-client[cli]'\n")
        raise SystemExit(2) from None
    run()

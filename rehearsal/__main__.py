"""`make account`: an emulated AWS account, to try documented commands by hand."""

import signal
from shlex import quote
from threading import Event

from local.emulator.processes import write_private
from rehearsal.account import ENVIRONMENT, run_account

SETTINGS = ENVIRONMENT / "account.env"


def main() -> None:
    for each in signal.SIGINT, signal.SIGTERM:
        signal.signal(each, signal.default_int_handler)
    try:
        with run_account() as account:
            settings = {name: value for name, value in account.environment().items() if name.startswith("AWS_")}
            settings["PATH"] = account.environment()["PATH"]
            write_private(SETTINGS, "".join(f"export {name}={quote(value)}\n" for name, value in settings.items()))
            print(
                f"An empty AWS account runs on {account.url}. In another terminal, `. {SETTINGS}` makes sam, aws and\n"
                "`python -m admin` work on it. Its stages answer at the path /_aws/execute-api/API_ID/STAGE.\n"
                "Ctrl-C ends it, and nothing of it stays."
            )
            Event().wait()
    except KeyboardInterrupt:
        SETTINGS.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

"""`python -m local`, which `make start`, `make engine`, `make invoke` and `make reset` call."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the slow imports below ends without a stack trace

from local.commands import main  # noqa: E402

main()

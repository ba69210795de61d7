"""`python -m local`, behind `make start`, `make engine`, `make invoke` and `make reset`."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the rest is imported there is nothing to tidy up

from local.commands import main  # noqa: E402

main()

"""The cold start of a function. It has a whole CPU, a later call only the share that its memory buys.

1. Importing `contacts` calls `begin`: the garbage collector is off, as imports leave nothing to collect.
2. app.py imports what its handler uses.
3. The last line of app.py calls `finish`: it takes the steps that the first call would otherwise pay for, and turns
   the collector on again. docs/performance.md has the gain.

Outside Lambda nothing of this happens.
"""

import gc
import os
from collections.abc import Callable

_is_under_way = False


def begin() -> None:
    global _is_under_way  # noqa: PLW0603 - the one fact about the process that changes once
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        _is_under_way = True
        gc.disable()


def finish(*steps: Callable[[], object]) -> None:
    """Takes the steps, then hides what was imported from the collector, so that no call walks it."""
    global _is_under_way  # noqa: PLW0603
    if _is_under_way:
        for step in steps:
            step()
        gc.freeze()
        gc.enable()
        _is_under_way = False

"""A cold start: from the first import of this package until the handler is ready. See docs/performance.md."""

import gc
from collections.abc import Callable

from contacts import settings


def begin() -> None:
    """In Lambda alone. Nothing that is imported is garbage, and looking for some takes a good part of the time."""
    if settings.is_in_lambda():
        gc.disable()


def ahead(step: Callable[[], object]) -> None:
    """Takes a step that the first call would take: a cold start has a whole CPU, a call the share of its memory."""
    if _is_under_way():
        step()


def finish() -> None:
    """From now on garbage is collected again, though not looked for in what the cold start has left."""
    if _is_under_way():
        gc.freeze()
        gc.enable()


def _is_under_way() -> bool:
    return not gc.isenabled()

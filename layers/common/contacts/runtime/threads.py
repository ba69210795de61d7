"""Runs requests side by side, because a function waits for them most of the time."""

from collections.abc import Callable, Sequence
from contextvars import copy_context

MOST_THREADS = 8
"""Below the ten connections of the DynamoDB client, so that no thread waits for one."""


def side_by_side[Item, Result](function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results in the order of the items. Raises the first error, when all calls have ended."""
    if len(items) <= 1:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most functions start without it

    with ThreadPoolExecutor(MOST_THREADS) as pool:
        futures = [pool.submit(copy_context().run, function, item) for item in items]
    return [future.result() for future in futures]

"""A loop beside the body of a test."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event


@contextmanager
def meanwhile(loop: Callable[[Event], None]) -> Iterator[None]:
    """Runs the loop in a thread until the end of the block, which sets its event. Raises what the loop raised."""
    ended = Event()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(loop, ended)
        try:
            yield
        finally:
            ended.set()
    running.result()

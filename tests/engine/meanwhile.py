"""What a test does beside its body, and what it waits for."""

import time
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


def wait_for(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_done() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_done()

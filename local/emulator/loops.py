"""Loops that consume something in threads while the system runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

type Loop = Callable[[Event], object]
"""Works until the event is set."""


@contextmanager
def run_loops(loops: Iterable[Loop]) -> Iterator[None]:
    """Each in a thread of its own. At the end every loop finishes the batch that is in progress."""
    closing = Event()
    threads = [Thread(target=loop, args=(closing,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        closing.set()
        for thread in threads:
            thread.join()

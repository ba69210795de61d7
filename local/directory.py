"""The directory that keeps local data, `.local/`: used by one process at a time, read by its owner alone."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import InUse


@contextmanager
def locked(directory: Path, patience_seconds: float) -> Iterator[None]:
    """Makes the directory if need be. The lock ends with its process, however that ends. Raises InUse."""
    directory.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience_seconds
    with (directory / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InUse(f"Another `make start` or `make engine` uses {directory}. Stop it first.") from None
                time.sleep(0.05)
        yield


def write_private(file: Path, text: str) -> None:
    """Whole or not at all."""
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)

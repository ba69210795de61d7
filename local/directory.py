"""`.local/` keeps the local data. One process at a time uses it, and only its owner can read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from local.emulator.errors import CannotStart


class InUse(CannotStart):
    """Another process uses the same local data."""


@contextmanager
def locked(directory: Path, patience_seconds: float) -> Iterator[None]:
    """Creates the directory if it is missing. The kernel releases the lock when the process ends. Raises InUse."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory, *directory.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
    try:
        lock = FileLock(directory / "lock", timeout=patience_seconds, mode=0o600).acquire()
    except Timeout:
        raise InUse(f"Another `make start` or `make engine` uses {directory}. Stop it first.") from None
    with lock:
        yield

"""`.local/` keeps the local data. One process at a time uses it, and only its owner can read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from local.emulator.errors import CannotStart
from local.emulator.processes import write_private

LAYOUT = "2"
"""The layout of the table's items. Raise it when the code no longer reads the items that an older version wrote."""


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


@contextmanager
def opened(directory: Path) -> Iterator[None]:
    """Locks the directory for data of this layout. Raises InUse, or CannotStart if it has data of another one."""
    with locked(directory, patience_seconds=3):
        layout = directory / "layout"
        if not (directory / "dynamodb").exists():
            write_private(layout, LAYOUT)
        elif not layout.exists() or layout.read_text() != LAYOUT:
            raise CannotStart(
                f"{directory} has data of another version of this code. `make reset` deletes them; then start again."
            )
        yield

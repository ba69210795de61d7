"""A share of one core for a process, as Lambda gives it to a function by its memory size.

A function has one core at 1,769 MB and a proportional share below. In each period it runs until its share is used up,
then it waits for the next period. AWS does not document the period. About 20 ms is what others have measured.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.costs import MEGABYTES_OF_A_CORE

PERIOD_MS = 20
_CGROUPS = Path("/sys/fs/cgroup")
_VERSION_1 = _CGROUPS / "cpu" / "cpu.cfs_quota_us"


class NoQuota(Exception):
    """The message says what this machine does not allow."""


@contextmanager
def run_quota(memory_mb: int) -> Iterator[Callable[[int], object]]:
    """Yields what puts a process under the quota. The process must end before the block. Raises NoQuota."""
    period = 1000 * PERIOD_MS
    quota = period * memory_mb // MEGABYTES_OF_A_CORE
    if _VERSION_1.exists():
        parent, settings = _VERSION_1.parent, {"cpu.cfs_period_us": f"{period}", _VERSION_1.name: f"{quota}"}
    else:
        parent, settings = _CGROUPS, {"cpu.max": f"{quota} {period}"}
    directory = parent / f"contacts-benchmarks-{os.getpid()}"
    try:
        directory.mkdir()
    except OSError as error:
        raise NoQuota(f"A cgroup is needed, which takes root's rights on Linux: {error}") from None
    try:
        for name, value in settings.items():
            _write(directory / name, value)
        yield lambda pid: _write(directory / "cgroup.procs", str(pid))
    finally:
        directory.rmdir()


def _write(file: Path, value: str) -> None:
    try:
        file.write_text(value)
    except OSError as error:
        raise NoQuota(f"The cgroup cannot limit CPU time: {error}") from None

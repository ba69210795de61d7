"""The CPU time of the local stack's processes, by what each process stands for."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]

ROLES = PRODUCT, GATEWAY, EMULATOR, ENGINE, REST = (
    "functions",
    "local gateway",
    "runtime emulator",
    "engine",
    "clients and rest",
)


@contextmanager
def meter_cpu() -> Iterator[dict[str, float]]:
    """Yields the CPU seconds by role. They are there when the block ends, of the processes that still run then."""
    spent: dict[str, float] = {}
    before = _cpu_seconds()
    yield spent
    spent |= {role: seconds - before[role] for role, seconds in _cpu_seconds().items()}


def _cpu_seconds() -> dict[str, float]:
    this = psutil.Process()  # the gateway runs in it
    seconds = dict.fromkeys(ROLES, 0.0) | {GATEWAY: sum(this.cpu_times()[:2])}
    for process in this.children(recursive=True):
        seconds[_role(process)] += sum(process.cpu_times()[:2])
    return seconds


def _role(process: psutil.Process) -> str:
    if process.name().startswith("aws-lambda-rie"):
        return EMULATOR
    command = process.cmdline()
    if "local.emulator.dynamodb_server" in command:
        return ENGINE
    return PRODUCT if "awslambdaric" in command else REST

"""The processes of a function's execution environments."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from local import ROOT


def signal_all(function: str, number: signal.Signals) -> None:
    """Emulator and runtime of each; only ours, whatever else runs on the machine."""
    emulators = _children(function, {os.getpid()})
    for process in emulators | _children(function, emulators):
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _children(function: str, parents: set[int]) -> set[int]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in parents and (process / "cwd").readlink() == ROOT / "functions" / function:
                found.add(int(process.name))
    return found

"""What functions print: unchanged in a file, easier to read in the terminal."""

import json
import re
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.text import Text

from local.emulator.processes import private

_COLOURS = {"DEBUG": "dim", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_NOISE = re.compile(r"(START|END|REPORT) RequestId: |\s*$")  # lines of the runtime interface emulator, empty lines
_REFUSAL = re.compile(r"\[ERROR\] \w+: Unauthorized\b")  # an authorizer answers 401 by raising this: not a failure
_SHOWN_ELSEWHERE = {"timestamp", "level", "message", "exception"}
_HIDDEN = {"location", "service", "exception_name", "stack_trace", "xray_trace_id", "sampling_rate"}


class Log:
    def __init__(self, file: Path, terminal: Console | None = None) -> None:
        self._file = open(file, "w", buffering=1, opener=private)  # noqa: SIM115 - closed by `close`
        self._terminal = terminal
        self._lock = Lock()

    def write(self, source: str, line: str) -> None:
        """Ignores what a function still prints after `close`."""
        with self._lock:
            if self._file.closed:
                return
            self._file.write(f"{line}\n")
            if self._terminal and (text := _render(source, line)):
                self._terminal.print(text, soft_wrap=True)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _render(source: str, line: str) -> Text | None:
    """None for lines that only the file keeps."""
    if _NOISE.match(line) or _REFUSAL.match(line):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not entry.keys() & {"level", "_aws"}:
        # The runtime client puts a stack trace on one line, separated by \r.
        return Text.assemble((source, "cyan"), "  ", line.replace("\r", "\n"))
    is_metric = "_aws" in entry  # CloudWatch's embedded metric format
    return None if is_metric else _render_entry(source, entry)


def _render_entry(source: str, entry: dict[str, Any]) -> Text:
    """One line for an entry of Powertools' Logger, and its stack trace below."""
    level = str(entry["level"])
    extras = (f"{name}={value}" for name, value in entry.items() if name not in _SHOWN_ELSEWHERE | _HIDDEN)
    return Text.assemble(
        (str(entry.get("timestamp"))[11:19], "dim"),
        (f" {level:<8}", _COLOURS.get(level, "")),
        (source, "cyan"),
        f"  {entry.get('message')}  ",
        (" ".join(extras), "dim"),
        f"\n{entry['exception']}" if "exception" in entry else "",
    )

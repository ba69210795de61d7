"""What functions print: as it comes in a file, readable in the terminal."""

import json
import re
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.text import Text

_COLOURS = {"DEBUG": "dim", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_NOISE = re.compile(r"(START|END|REPORT) RequestId: |\s*$")  # the emulator's own, and nothing
# Raising it is how an authorizer says 401: an error to the runtime, to us none.
_REFUSAL = re.compile(r"\[ERROR\] \w+: Unauthorized\b")
_SHOWN_OTHERWISE = {"timestamp", "level", "message", "exception"}
_NOT_WORTH_READING = {"location", "service", "exception_name", "stack_trace", "xray_trace_id", "sampling_rate"}


class Log:
    def __init__(self, file: Path, terminal: Console | None = None) -> None:
        self._file = file.open("w", buffering=1)
        self._terminal = terminal
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._file.close()

    def write(self, source: str, line: str) -> None:
        with self._lock:
            if self._file.closed:  # a function's last words, while everything stops
                return
            self._file.write(f"{line}\n")
            if self._terminal and (text := _render(source, line)):
                self._terminal.print(text, soft_wrap=True)


def _render(source: str, line: str) -> Text | None:
    """None when there is nothing worth reading."""
    if _NOISE.match(line) or _REFUSAL.match(line):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not entry.keys() & {"level", "_aws"}:
        return Text.assemble(
            (source, "cyan"), "  ", line.replace("\r", "\n")
        )  # \r: the runtime keeps a trace in one line
    return None if "_aws" in entry else _render_entry(source, entry)  # _aws: metrics in CloudWatch's embedded format


def _render_entry(source: str, entry: dict[str, Any]) -> Text:
    """An entry of Powertools' Logger, in one line, and a trace below it."""
    level = str(entry["level"])
    extras = (f"{name}={value}" for name, value in entry.items() if name not in _SHOWN_OTHERWISE | _NOT_WORTH_READING)
    return Text.assemble(
        (str(entry.get("timestamp"))[11:19], "dim"),
        (f" {level:<8}", _COLOURS.get(level, "")),
        (source, "cyan"),
        f"  {entry.get('message')}  ",
        (" ".join(extras), "dim"),
        f"\n{entry['exception']}" if "exception" in entry else "",
    )

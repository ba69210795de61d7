"""What a long command shows on standard error, so that its result stays alone on standard output."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

_SECONDS_BETWEEN_LINES = 30
"""Where a log file or a pipe takes the place of a terminal."""


class Progress:
    """Steps one after the other. A terminal shows a bar for each, everything else gets a line now and then."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._last_line = time.monotonic()
        self.begin("Starting")

    def begin(self, step: str, total: int | None = None) -> None:
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._step, self._total, self._done = step, total, 0
        self._task = self._bars.add_task(step, total=total)

    def advance(self, number: int = 1) -> None:
        self._done += number
        self._bars.advance(self._task, number)
        if self._bars.disable and time.monotonic() > self._last_line + _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            of = f" of {self._total}" if self._total else ""
            typer.echo(f"{self._step}: {self._done}{of}", err=True)


@contextmanager
def progress() -> Iterator[Progress]:
    screen = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bars(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bars:
        yield Progress(bars)

"""What a command shows while it works, on standard error. Results go to standard output."""

import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_SECONDS_BETWEEN_LINES = 10
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Meter:
    """A bar in a terminal; elsewhere a line every 10 seconds."""

    def __init__(self, what: str, total: int | None = None, *, done: int = 0, refused: int = 0) -> None:
        self.what, self._total, self._done, self._refused = what, total, done, refused
        self._first, self._begin = done, time.monotonic()
        self._ended = Event()
        self._stack = ExitStack()

    def advance(self, rows: int = 1, refused: int = 0) -> None:
        self._done += rows
        self._refused += refused

    def track[Item](self, items: Iterable[Item]) -> Iterator[Item]:
        for each in items:
            yield each
            self.advance()

    def __enter__(self) -> Self:
        console = Console(stderr=True)
        if console.is_terminal:
            live = Live(get_renderable=self._bar, console=console, refresh_per_second=4, transient=True)
            self._stack.enter_context(live)
        else:
            Thread(target=self._print_lines, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._stack.close()

    def line(self) -> str:
        speed = (self._done - self._first) / max(time.monotonic() - self._begin, 0.001)
        parts = [f"{self.what}: {self._done:,}" + (f" of {self._total:,} rows" if self._total else "")]
        parts.append(f"{speed:,.0f}/s")
        if self._total and speed:
            parts.append(f"{timedelta(seconds=round((self._total - self._done) / speed))} left")
        if self._refused:
            parts.append(f"{self._refused:,} refused")
        return ", ".join(parts)

    def _bar(self) -> Table:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        grid.add_row(ProgressBar(self._total, self._done), Text(self.line()))
        return grid

    def _print_lines(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LINES):
            tell(self.line())


def tell(text: str) -> None:
    typer.echo(printable(text), err=True)


def printable(text: str) -> str:
    """Safe on a terminal: names may contain escape sequences."""
    return "".join("�" if unicodedata.category(each) in _UNPRINTABLE and each != "\n" else each for each in text)

"""Results: printed as soon as they are measured, written to docs/performance.md when all of them are there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as TerminalTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The first column is text; the others are figures."""

    def show(self, terminal: Console) -> None:
        table = TerminalTable(box=box.SIMPLE)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        terminal.print(table)

    def markdown(self) -> str:
        rule = ["---", *(len(self.columns) - 1) * ["--:"]]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.columns, rule, *self.rows])


@dataclass(frozen=True)
class Section:
    title: str
    tables: Sequence[Table]
    picture: "Figure | None" = None
    note: str = ""

    def show(self, terminal: Console) -> None:
        terminal.rule(self.title)
        for table in self.tables:
            table.show(terminal)
        if self.note:
            terminal.print(self.note)

    def markdown(self, folder: Path) -> str:
        """Saves the picture, if there is one, in the folder, which lies beside the page."""
        parts = [*(table.markdown() for table in self.tables), self.note]
        if self.picture:
            name = re.sub(r"[^a-z]+", "-", self.title.lower()) + ".png"
            self.picture.savefig(folder / name)
            parts.append(f"![{self.title}]({folder.name}/{name})")
        return "\n\n".join(filter(None, parts))


def write(page: Path, sections: Mapping[str, Section], facts: Mapping[str, str]) -> None:
    """Fills in page.md."""
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    text = Template((Path(__file__).parent / "page.md").read_text())
    page.write_text(text.substitute(facts, **{name: each.markdown(folder) for name, each in sections.items()}))

"""What was measured: in the terminal as soon as it is, in docs/performance.md when all is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table as TerminalTable


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The first column is text, all others are figures."""

    def show(self, terminal: Console) -> None:
        table = TerminalTable(box=box.SIMPLE)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        terminal.print(table)

    def markdown(self) -> str:
        rule = ["---", *(len(self.columns) - 1) * ["--:"]]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.columns, rule, *self.rows])


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    """Markdown: how it was measured and what it says."""
    tables: Sequence[Table]
    picture: Figure | None = None

    def show(self, terminal: Console) -> None:
        terminal.rule(self.title)
        for table in self.tables:
            table.show(terminal)

    def markdown(self, pictures: Path) -> str:
        """Saves the picture in the folder, which lies beside the page."""
        parts = [f"## {self.title}", self.text, *(table.markdown() for table in self.tables)]
        if self.picture:
            name = re.sub(r"[^a-z]+", "-", self.title.lower()) + ".png"
            self.picture.savefig(pictures / name)
            parts.append(f"![{self.title}]({pictures.name}/{name})")
        return "\n\n".join(parts)


def write(sections: Sequence[Section], introduction: str, page: Path) -> None:
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    parts = [introduction, *(section.markdown(pictures) for section in sections)]
    page.write_text("\n\n".join(parts) + "\n")

"""FILE.csv.failed.csv: the rows that were refused, with status and reason. It can be pushed itself."""

import os
from pathlib import Path

from contacts_client.cli.rows import Row
from contacts_client.cli.sending import Outcome
from contacts_client.cli.sheets import RowWriter, Sheet

_ADDED = ("Status", "Reason")


class FailedRows:
    def __init__(self, sheet: Sheet, size: int) -> None:
        """Keeps the first `size` bytes, which are those of an unfinished push."""
        self.path = Path(f"{sheet.path}.failed.csv")
        self._sheet, self._size = sheet, size
        self._header = sheet.header[:-2] if sheet.header[-2:] == _ADDED else sheet.header
        self._writer: RowWriter | None = None
        if not size:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            os.truncate(self.path, min(size, self.path.stat().st_size))

    def add(self, row: Row, outcome: Outcome) -> None:
        if not self._writer:
            self._writer = RowWriter(self.path, (*self._header, *_ADDED), delimiter=self._sheet.delimiter)
        width = len(self._header)
        cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
        if beyond := row.cells[len(self._sheet.header) :]:
            cells[-1] = self._sheet.delimiter.join([cells[-1], *beyond])
        self._writer.write([*cells, str(outcome.status), outcome.reason])

    def flush(self) -> int:
        """The size of the file."""
        return self._writer.flush() if self._writer else self._size

    def close(self) -> None:
        if self._writer:
            self._writer.close()

"""CSV files as spreadsheets and CRMs write them."""

import codecs
import csv
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contacts_client.cli.errors import Misuse

_BOMS = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
_DELIMITERS = ",;\t"
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")
_NEUTRALISED = re.compile(r"'+[=+\-@＝＋－＠]")
_TAG = re.compile(r"(?:\\.|[^|\\]|\\$)+", re.DOTALL)


@dataclass(frozen=True)
class Sheet:
    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    changed_at: int

    @classmethod
    def open(cls, path: Path) -> "Sheet":
        """Finds out encoding, delimiter and header. Raises Misuse."""
        with path.open("rb") as file:
            encoding = "utf-16" if file.read(2) in _BOMS else "utf-8-sig"
        headers = {each: next(_read(path, encoding, each, strict=False), []) for each in _DELIMITERS}
        delimiter = max(headers, key=lambda each: len(headers[each]))
        header = tuple(cell.strip() for cell in headers[delimiter])
        if not any(header):
            raise Misuse(f"{path} has no header in its first row.")
        return cls(path, encoding, delimiter, header, path.stat().st_mtime_ns)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header that are not empty, with the numbers that a spreadsheet shows. Raises Misuse."""
        for number, cells in enumerate(_read(self.path, self.encoding, self.delimiter), start=1):
            if number > 1 and any(cell.strip() for cell in cells):
                yield number, cells
        if self.path.stat().st_mtime_ns != self.changed_at:
            raise Misuse(f"{self.path} changed while it was read.")

    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class RowWriter:
    """A CSV file that spreadsheets open: UTF-8 with BOM."""

    def __init__(self, path: Path, header: Sequence[str], *, delimiter: str = ",") -> None:
        """Goes on at the end of a file that exists."""
        self._file = path.open("a", encoding="utf-8-sig", newline="")
        self._csv = csv.writer(self._file, delimiter=delimiter)
        if not self._file.tell():
            self._csv.writerow(header)

    def write(self, cells: Sequence[str]) -> None:
        self._csv.writerow(cells)

    def flush(self) -> int:
        """The size of the file."""
        self._file.flush()
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        self._file.close()


def neutralise(text: str) -> str:
    """An apostrophe in front of what a spreadsheet would take for a formula. `restore` undoes it."""
    return f"'{text}" if _FORMULA.match(text) else text


def restore(cell: str) -> str:
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def join_tags(names: Sequence[str]) -> str:
    return "|".join(re.sub(r"([|\\])", r"\\\1", name) for name in names)


def split_tags(cell: str) -> list[str]:
    """The names that are separated by |, unless a \\ is in front of it."""
    return [name for each in _TAG.findall(cell) if (name := re.sub(r"\\(.)", r"\1", each).strip())]


def _read(path: Path, encoding: str, delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=strict)
        try:
            yield from rows
        except UnicodeError:
            raise Misuse(f"{path} is neither UTF-8 nor UTF-16. In a spreadsheet, save it as CSV UTF-8.") from None
        except csv.Error as error:
            raise Misuse(f"{path}, line {rows.line_num}: {error}. Is a quote never closed?") from None

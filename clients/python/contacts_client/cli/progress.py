"""FILE.csv.progress: what a push plans to do and how far it is, so that the same command can go on.

The first line has the plan. Each further line says where the push was after one more batch. Phones and names stay out.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from contacts_client.cli.errors import Misuse
from contacts_client.cli.plan import Effect, count

_NOTHING_DONE = {"rows": 0, "counts": {}, "failed_size": 0}


class Progress:
    def __init__(self, path: Path, begin: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        self.run: str = begin["run"]
        """Differs from that of an earlier push of the same file, whose answers the API may still keep."""
        self.plan: str = begin["plan"]
        """An Effect for each row."""
        self.rows: int = last["rows"]
        """How many are done, refused ones included."""
        self.counts = count("")
        self.counts.update(last["counts"])
        self.failed_size: int = last["failed_size"]
        """Of FILE.csv.failed.csv, in bytes."""
        self._path = path
        self._file = path.open("a", encoding="utf-8")

    @classmethod
    def begin(cls, path: Path, sha256: str, options: Mapping[str, Any], plan: str) -> "Progress":
        begin = {"sha256": sha256, "options": options, "run": secrets.token_hex(8), "plan": plan}
        path.write_text(json.dumps(begin) + "\n", encoding="utf-8")
        return cls(path, begin, _NOTHING_DONE)

    @classmethod
    def resume(cls, path: Path, sha256: str, options: Mapping[str, Any]) -> "Progress | None":
        """None if no push of the file is unfinished. Raises Misuse if it is that of another file or other options."""
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]  # whoever killed the push may have cut its last line
        if not whole:
            return None
        if whole != content:
            path.write_bytes(whole)
        try:
            begin, *further = map(json.loads, whole.splitlines())
        except ValueError:
            raise Misuse(f"{path} is not what a push writes. --restart deletes it.") from None
        for what, known, given in ("file", begin["sha256"], sha256), ("options", begin["options"], options):
            if known != given:
                raise Misuse(f"{path}: a push is unfinished, and the {what} changed since. --restart forgets it.")
        return cls(path, begin, further[-1] if further else _NOTHING_DONE)

    @property
    def left(self) -> int:
        return len(self.plan) - self.rows

    def record(self, effects: Iterable[Effect], failed_size: int) -> None:
        """After each batch: what became of its rows."""
        done = [*effects]
        self.rows += len(done)
        self.counts.update(count(done))
        line = {"rows": self.rows, "counts": self.counts, "failed_size": failed_size}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Deletes the file if all rows are done."""
        self._file.close()
        if not self.left:
            self._path.unlink()

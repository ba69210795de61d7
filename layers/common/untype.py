"""Drops the fields of TypedDicts, which only type checkers read: `python untype.py FOLDER`, run by the Makefile.

Importing the module would compile the annotation of each field. docs/decisions/0049 says why.
"""

import ast
import sys
from pathlib import Path

from known_files import read_known

UNTYPED = {"pydantic_core/core_schema.py": "d4f337d727ff906a66fc7ec62e734546420f01018f2fdce1eab7f64b1a215718"}
"""File → its SHA-256 as it is installed."""


def untype(packages: Path) -> None:
    """Raises ChangedPackage, and then has changed nothing."""
    for name, source in read_known(packages, UNTYPED).items():
        (packages / name).write_text(drop_fields(source))


def drop_fields(source: str) -> str:
    """The classes, their names and everything else stay. So do the numbers of all lines."""
    lines = source.splitlines(keepends=True)
    for each in ast.parse(source).body:
        if isinstance(each, ast.ClassDef) and [ast.unparse(base) for base in each.bases] == ["TypedDict"]:
            for field in each.body:
                if isinstance(field, ast.AnnAssign):
                    first, last = field.lineno, field.end_lineno or field.lineno
                    lines[first - 1 : last] = [f"{field.col_offset * ' '}pass\n", *["\n"] * (last - first)]
    return "".join(lines)


if __name__ == "__main__":
    untype(Path(sys.argv[1]))

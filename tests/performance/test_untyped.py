"""The build of the layer drops the fields of TypedDicts and changes nothing else in their files."""

import ast
from pathlib import Path

import pytest

from known_files import ChangedPackage
from tests.performance.test_deferred_imports import INSTALLED
from untype import UNTYPED, drop_fields, untype

SCHEMA = """\
from typing import TypedDict

class Plain:
    kind: str

class Schema(TypedDict, total=False):
    \"\"\"A schema.\"\"\"
    kind: Required[
        str
    ]
    strict: bool

limit: int = 3
"""

WITHOUT_FIELDS = """\
from typing import TypedDict

class Plain:
    kind: str

class Schema(TypedDict, total=False):
    \"\"\"A schema.\"\"\"
    pass


    pass

limit: int = 3
"""


def test_only_the_fields_of_typed_dicts_are_dropped() -> None:
    assert drop_fields(SCHEMA) == WITHOUT_FIELDS


def test_a_build_with_another_version_of_a_module_is_refused(tmp_path: Path) -> None:
    for name in UNTYPED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((INSTALLED / name).read_text() + "\n")
    with pytest.raises(ChangedPackage, match=r"not the known ones.*\npydantic_core/core_schema\.py [0-9a-f]{64}$"):
        untype(tmp_path)


@pytest.mark.parametrize("name", UNTYPED)
def test_the_module_in_the_layer_differs_in_nothing_else(layer: Path, name: str) -> None:
    installed, ours = (ast.parse((root / name).read_text()) for root in (INSTALLED, layer / "python"))
    fields = 0
    for before, after in zip(installed.body, ours.body, strict=True):
        if ast.dump(before) != ast.dump(after):
            assert isinstance(before, ast.ClassDef)
            assert isinstance(after, ast.ClassDef)
            assert [ast.unparse(base) for base in before.bases] == ["TypedDict"]
            fields += sum(isinstance(each, ast.AnnAssign) for each in before.body)
            before.body = [each for each in before.body if not isinstance(each, ast.AnnAssign)]
            after.body = [each for each in after.body if not isinstance(each, ast.Pass)]
            assert ast.dump(before) == ast.dump(after)
    assert fields > 500

"""The conventions of the code, where a linter does not know them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from tests.handlers import FUNCTIONS, logical_id
from tests.template.conftest import ENDPOINTS

PACKAGE = ROOT / "layers" / "common" / "contacts"
BODIES = [f"web/bodies/{each}" for each in FUNCTIONS]
STORAGE = [each.stem for each in (PACKAGE / "storage").glob("*.py")]

EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS)


def source(function: str) -> str:
    return (ROOT / "functions" / function / "app.py").read_text()


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{each.name}" for each in names)


@EVERY_FUNCTION
def test_a_handler_is_a_sentence(function: str) -> None:
    tree = ast.parse(source(function))
    assert len(source(function).splitlines()) <= 30
    assert [each.name for each in tree.body if isinstance(each, ast.FunctionDef)] == ["handler"]
    assert [type(each) for each in ast.walk(tree) if isinstance(each, (ast.Try, ast.For, ast.While))] == []
    assert [ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.Subscript)] == []


@EVERY_FUNCTION
def test_a_function_imports_the_package_and_no_other_function(function: str) -> None:
    allowed = r"contacts\.\w+\.(bodies\.\w+\.)?\w+(\.\w+)?|http\.HTTPStatus"
    assert [each for each in imported(ast.parse(source(function))) if not re.fullmatch(allowed, each)] == []


@pytest.mark.parametrize("function", ENDPOINTS)
def test_the_docstring_of_an_endpoint_is_its_route(resources: dict[str, Any], function: str) -> None:
    [event] = resources[logical_id(function)]["Properties"]["Events"].values()
    assert ast.get_docstring(ast.parse(source(function))) == "{Method} {Path}".format(**event["Properties"])


@pytest.mark.parametrize(
    ("pattern", "modules"),
    [
        (r"\bos\.environ\b", {"runtime/settings", "runtime/startup"}),
        (r"\bpydantic", {"parsing/fields", "parsing/json", *BODIES, "web/request", "events/messages"}),
        (r"\bpynamodb", {f"storage/{each}" for each in STORAGE} | {"access/authorizer"}),
        (r"\bbotocore", {"storage/table", "storage/retries", "storage/tls", "access/secrets", "events/dead_letters"}),
        (r"\bboto3\b", {"events/dead_letters"}),
        (r"\bprint\(", set()),
    ],
)
def test_one_module_knows_it(pattern: str, modules: set[str]) -> None:
    found = {each for each in PACKAGE.rglob("*.py") if re.search(pattern, without_docstrings(each))}
    assert {str(each.relative_to(PACKAGE).with_suffix("")) for each in found} <= modules


def without_docstrings(module: Path) -> str:
    tree = ast.parse(module.read_text())
    texts = [each for each in ast.walk(tree) if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
    for text in texts:
        text.value = ast.Constant("")
    return ast.unparse(tree)


REQUIREMENTS = [
    "requirements.txt",
    "requirements-audit.txt",
    "requirements-dev.txt",
    "requirements-rehearse.txt",
    "requirements-uv.txt",
    "layers/common/requirements.txt",
]


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_requirements_are_pinned_by_hash_and_name_no_address(file: str) -> None:
    text = (ROOT / file).read_text()
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert [
        each for each in requirements if not re.match(r"[\w.-]+==[\w.]+.*?--hash=sha256:[0-9a-f]{64}", each, re.DOTALL)
    ] == []
    assert re.findall(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host", text) == []


def test_the_layer_ships_the_versions_that_were_tested() -> None:
    pin = re.compile(r"^[\w.-]+==[\w.]+", re.MULTILINE)
    developed = set(pin.findall((ROOT / "requirements-dev.txt").read_text()))
    assert set(pin.findall((ROOT / "layers/common/requirements.txt").read_text())) <= developed

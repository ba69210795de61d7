"""A function imports only what it uses. Imports are most of a cold start, and this guard needs no clock."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from local import ROOT
from tests.handlers import FUNCTIONS
from tests.performance.kinds import KINDS

LOGGING = {"aws_lambda_powertools", "botocore", "contacts"}
DATABASE = {"pynamodb", "urllib3"}
VALIDATION = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}

PACKAGES = {
    "needs its event alone": LOGGING,
    "uses the table": LOGGING | DATABASE,
    "takes a body": LOGGING | DATABASE | VALIDATION,
    "consumer": LOGGING | DATABASE | VALIDATION,
}
MOST_MODULES = {"needs its event alone": 168, "uses the table": 367, "takes a body": 434, "consumer": 532}

EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS)


@cache
def modules(layer: Path, function: str) -> frozenset[str]:
    """All modules that are loaded once app.py is, in a process that has nothing but the layer."""
    variables = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
        "PYTHONPATH": str(layer / "python"),
        "TABLE_NAME": "contacts",
    }
    process = subprocess.run(
        [Path(sys.executable).resolve(), "-c", "import app, sys; print(*sys.modules)"],
        cwd=ROOT / "functions" / function,
        env=variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return frozenset(process.stdout.split())


@EVERY_FUNCTION
def test_a_function_imports_the_packages_that_it_uses(layer: Path, function: str) -> None:
    packages = {name.partition(".")[0] for name in modules(layer, function) if not name.startswith("_")}
    assert packages - sys.stdlib_module_names - {"app"} == PACKAGES[KINDS[function]]


@EVERY_FUNCTION
def test_a_function_imports_no_more_modules_than_it_did(layer: Path, function: str) -> None:
    assert len(modules(layer, function)) <= MOST_MODULES[KINDS[function]]


@EVERY_FUNCTION
def test_a_function_imports_phones_and_idempotency_only_if_it_needs_them(layer: Path, function: str) -> None:
    source = (ROOT / "functions" / function / "app.py").read_text()
    loaded = modules(layer, function)
    has_phone = re.search(r"contacts\.(domain\.phone|web\.bodies|events\.messages)", source) is not None
    assert ("contacts.domain.phone" in loaded) is has_phone
    assert "contacts.web.idempotency" not in loaded  # only a request with a key needs it

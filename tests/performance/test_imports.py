"""A function imports what it uses: start-up is imports, and this is the guard that needs no clock."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from local import ROOT
from tests.handlers import FUNCTIONS

LOGGING = {"aws_lambda_powertools", "botocore", "contacts", "jmespath", "typing_extensions"}
DATABASE = {"dateutil", "pynamodb", "six", "urllib3"}
VALIDATION = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}

PACKAGES = {
    "whoami": LOGGING,
    "authorizer": LOGGING | DATABASE,
    "get_contact_by_phone": LOGGING | DATABASE,
    "get_contact": LOGGING | DATABASE,
    "delete_contact": LOGGING | DATABASE,
    "remove_tag": LOGGING | DATABASE,
    "upsert_contact": LOGGING | DATABASE | VALIDATION,
    "update_contact": LOGGING | DATABASE | VALIDATION,
    "assign_tag": LOGGING | DATABASE | VALIDATION,
    "record_inbound_message": LOGGING | DATABASE | VALIDATION,
    "apply_tag_command": LOGGING | DATABASE | VALIDATION,
}
MOST_MODULES = {
    "whoami": 195,
    "authorizer": 410,
    "get_contact_by_phone": 420,
    "get_contact": 420,
    "delete_contact": 420,
    "remove_tag": 420,
    "upsert_contact": 480,
    "update_contact": 480,
    "assign_tag": 480,
    "record_inbound_message": 580,
    "apply_tag_command": 580,
}

EVERY_FUNCTION = pytest.mark.parametrize("function", PACKAGES)


@cache
def modules(layer: Path, function: str) -> frozenset[str]:
    """All that are loaded when the function is ready, in a process that has the layer and nothing else."""
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
def test_a_function_imports_the_packages_that_it_uses(native_layer: Path, function: str) -> None:
    packages = {name.partition(".")[0] for name in modules(native_layer, function) if not name.startswith("_")}
    assert packages - sys.stdlib_module_names - {"app"} == PACKAGES[function]


@EVERY_FUNCTION
def test_a_function_imports_no_more_modules_than_it_did(native_layer: Path, function: str) -> None:
    assert len(modules(native_layer, function)) <= MOST_MODULES[function]


def test_a_request_without_an_idempotency_key_does_not_pay_for_it(native_layer: Path) -> None:
    assert "contacts.web.idempotency" not in modules(native_layer, "upsert_contact")


def test_every_function_is_guarded() -> None:
    assert sorted(PACKAGES) == FUNCTIONS
    assert PACKAGES.keys() == MOST_MODULES.keys()

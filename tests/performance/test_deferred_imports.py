"""The imports that the layer's packages run later than they were written: nothing else about them may differ."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from defer import DEFERRED, CannotDefer, bound_names, defer, move
from known_files import ChangedPackage
from local import ROOT

FUNCTION = """\
import os
from json import (
    dumps,
    loads,
)

def read(text):
    if text:
        return loads(text)
    try:
        return dumps(text)
    except loads as error:
        raise
"""

MOVED = """\
import os





def read(text):
    if text:
        from json import dumps, loads
        return loads(text)
    from json import dumps, loads
    try:
        from json import dumps, loads
        return dumps(text)
    except loads as error:
        raise


def __getattr__(name):
    if name in ['dumps', 'loads']:
        from json import dumps, loads
        return locals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
"""

INSTALLED = Path(botocore.__file__).parents[1]

TESTS_OF_EVERY_OPERATION_AND_ERROR = [
    f"tests/functions/test_{name}.py" for name in ("sample_events", "flows", "faults", "bodies", "authorizer")
]

COMPLETE = "botocore/data", "boto3/data", "pydantic/v1"
"""What moto and SAM need and the layer lacks."""


def test_an_import_runs_before_each_statement_that_uses_its_names() -> None:
    assert move(FUNCTION, ["from json import dumps, loads"]) == MOVED


@pytest.mark.parametrize(
    "source",
    [
        "from json import loads\nread = loads\n",
        "from json import loads\ndef read(parse=loads): pass\n",
        "from json import loads\nclass Reader:\n    read = loads\n",
        "from json import loads\ndef read(loads):\n    return loads()\n",
        "from json import loads\ndef read():\n    loads = 1\n",
        "def read():\n    from json import loads\n",
        "",
    ],
)
def test_an_import_that_cannot_run_later_is_refused(source: str) -> None:
    with pytest.raises(CannotDefer):
        move(source, ["from json import loads"])


def test_a_build_with_another_version_of_a_file_is_refused(tmp_path: Path) -> None:
    for name in DEFERRED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(INSTALLED / name, tmp_path / name)
    changed = tmp_path / "botocore" / "waiter.py"
    changed.write_text(changed.read_text() + "\n")
    before = {name: (tmp_path / name).read_bytes() for name in DEFERRED}
    with pytest.raises(ChangedPackage, match=r"not the known ones.*\nbotocore/waiter\.py [0-9a-f]{64}$"):
        defer(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in DEFERRED} == before


def test_every_name_is_still_an_attribute_of_its_module(layer: Path) -> None:
    names = [
        (file.removesuffix(".py").removesuffix("/__init__").replace("/", "."), name)
        for file, (_, texts) in DEFERRED.items()
        for statement in ast.parse("\n".join(texts)).body
        for name in bound_names(statement)
    ]
    assert ("botocore.credentials", "tzutc") in names
    assert ("aws_lambda_powertools", "PACKAGE_PATH") in names
    script = f"from importlib import import_module\nfor module, name in {names}: getattr(import_module(module), name)"
    interpreter = Path(sys.executable).resolve()
    subprocess.run([interpreter, "-S", "-c", script], env={"PYTHONPATH": str(layer / "python")}, check=True)


def test_every_name_is_imported_where_it_is_used(layer: Path) -> None:
    files = [layer / "python" / name for name in DEFERRED]
    undefined_names = ["--select", "F821,F822,F823"]
    subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", *undefined_names, *files], check=True)


def test_operations_and_errors_on_the_layer_are_those_on_the_installed_packages(layer: Path, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    shutil.copytree(layer / "python", packages)
    for name in COMPLETE:
        shutil.rmtree(packages / name, ignore_errors=True)
        (packages / name).symlink_to(INSTALLED / name)
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "--no-cov", "-x", *TESTS_OF_EVERY_OPERATION_AND_ERROR],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout

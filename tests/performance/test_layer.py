"""The layer is small, its build is reproducible, and it starts from bytecode."""

from hashlib import sha256
from pathlib import Path

import pytest

LARGEST_LAYER_BYTES = 21_000_000
LARGEST_BOTOCORE_DATA_BYTES = 100_000
UNCHECKED_HASH = 0b01
"""PEP 552: Python uses such bytecode without checking its source."""


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_builds_for_both_architectures_differ_only_in_native_code(x86_layer: Path, arm_layer: Path) -> None:
    x86, arm = digests(x86_layer), digests(arm_layer)
    core = "python/pydantic_core/_pydantic_core.cpython-313-{}-linux-gnu.so"
    assert x86.pop(core.format("x86_64")) != arm.pop(core.format("aarch64"))
    assert x86 == arm
    assert [name for name in x86 if name.endswith(".so")] == []


def test_every_module_has_bytecode_that_is_never_checked_against_its_source(x86_layer: Path) -> None:
    for source in x86_layer.rglob("*.py"):
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert int.from_bytes(bytecode.read_bytes()[4:8], "little") == UNCHECKED_HASH


def test_bytecode_names_the_path_at_which_lambda_mounts_its_source(x86_layer: Path) -> None:
    bytecode = x86_layer / "python" / "contacts" / "domain" / "__pycache__" / "phone.cpython-313.pyc"
    assert b"/opt/python/contacts/domain/phone.py" in bytecode.read_bytes()


def test_the_layer_has_no_file_that_is_never_read(x86_layer: Path) -> None:
    packages = x86_layer / "python"
    unread = {"tests", "examples", "RECORD", "INSTALLER", "LICENSE", "py.typed", "v1", "bin"}
    assert [path for path in packages.rglob("*") if path.name in unread or path.suffix == ".pyi"] == []
    assert sorted(path.name for path in (packages / "botocore" / "data").iterdir() if path.is_dir()) == [
        "dynamodb",
        "secretsmanager",
        "sqs",
    ]
    for distribution in packages.glob("*.dist-info"):
        assert [path.name for path in distribution.iterdir()] == ["METADATA"]


@pytest.mark.parametrize("architecture", ["x86_layer", "arm_layer"])
def test_the_layer_stays_small(architecture: str, request: pytest.FixtureRequest) -> None:
    layer: Path = request.getfixturevalue(architecture)
    assert size(layer) <= LARGEST_LAYER_BYTES
    assert size(layer / "python" / "botocore" / "data") <= LARGEST_BOTOCORE_DATA_BYTES

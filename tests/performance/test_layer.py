"""The layer is small, its build is reproducible, and it starts from bytecode."""

import re
from hashlib import sha256
from pathlib import Path

from tests.performance.conftest import build_layer

LARGEST_LAYER_BYTES = 25_000_000
LARGEST_BOTOCORE_DATA_BYTES = 100_000
UNCHECKED_HASH = 0b01
"""PEP 552: Python uses such bytecode without checking its source."""


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_second_build_is_the_same(layer: Path, tmp_path: Path) -> None:
    assert digests(build_layer(tmp_path)) == digests(layer)


def test_native_code_is_there_for_both_architectures_under_names_of_its_own(layer: Path) -> None:
    """A name without the architecture would be that of the package that was copied last."""
    core = "_pydantic_core.cpython-313-{}-linux-gnu.so"
    assert {file.name for file in layer.rglob("*.so")} == {core.format("aarch64"), core.format("x86_64")}


def test_every_module_has_bytecode_that_is_never_checked_against_its_source(layer: Path) -> None:
    for source in layer.rglob("*.py"):
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert int.from_bytes(bytecode.read_bytes()[4:8], "little") == UNCHECKED_HASH


def test_bytecode_names_the_path_at_which_lambda_mounts_its_source(layer: Path) -> None:
    bytecode = layer / "python" / "contacts" / "domain" / "__pycache__" / "phone.cpython-313.pyc"
    assert b"/opt/python/contacts/domain/phone.py" in bytecode.read_bytes()


def test_every_root_certificate_is_found_by_its_subject(layer: Path) -> None:
    file = layer / "python" / "botocore" / "cacert.pem"
    folder = file.with_name("cacert.pem.d")
    roots = re.findall(r"(?s)-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", file.read_text())
    assert len(roots) > 100
    assert sorted(each.read_text() for each in folder.iterdir()) == sorted(roots)
    assert all(re.fullmatch(r"[0-9a-f]{8}\.\d", each.name) for each in folder.iterdir())


def test_the_layer_has_no_file_that_is_never_read(layer: Path) -> None:
    packages = layer / "python"
    unread = {"tests", "examples", "RECORD", "INSTALLER", "LICENSE", "py.typed", "v1", "bin"}
    assert [path for path in packages.rglob("*") if path.name in unread or path.suffix == ".pyi"] == []
    assert sorted(path.name for path in (packages / "botocore" / "data").iterdir() if path.is_dir()) == [
        "dynamodb",
        "secretsmanager",
        "sqs",
    ]
    for distribution in packages.glob("*.dist-info"):
        assert [path.name for path in distribution.iterdir()] == ["METADATA"]


def test_the_layer_stays_small(layer: Path) -> None:
    assert size(layer) <= LARGEST_LAYER_BYTES
    assert size(layer / "python" / "botocore" / "data") <= LARGEST_BOTOCORE_DATA_BYTES

"""Cuts the installed packages of the layer to what the functions use: `python trim.py FOLDER`, run by the Makefile."""

import gzip
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = {
    "dynamodb": frozenset(
        {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"},
    ),
    "secretsmanager": frozenset({"GetSecretValue"}),
    "sqs": frozenset({"SendMessage"}),
}
"""What the functions ask of AWS; tests/performance holds it against the policies in template.yaml."""

NEVER_USED = (
    "boto3/data",  # boto3.resource(), which nothing here is
    "boto3/examples",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
    "pydantic/v1",
    "bin",
    ".lock",
    "**/*.pyi",
    "**/py.typed",
    "*.dist-info/[!M]*",  # METADATA stays: it is how vulnerability scanners know what is in the layer
)


def trim(packages: Path) -> None:
    for pattern in NEVER_USED:
        for path in list(packages.glob(pattern)):
            _remove(path)
    cut_models(packages / "botocore" / "data")


def cut_models(data: Path) -> None:
    """Leaves of botocore's data the services and operations that are called, uncompressed and undocumented."""
    for folder in list(data.iterdir()):
        if folder.is_dir() and folder.name not in OPERATIONS:
            _remove(folder)
    for service, operations in OPERATIONS.items():
        *obsolete, current = sorted((data / service).iterdir())
        for version in obsolete:
            _remove(version)
        model, rules = _read(current / "service-2.json.gz"), _read(current / "endpoint-rule-set-1.json.gz")
        for file in list(current.iterdir()):
            file.unlink()
        _write(current / "service-2.json", _cut_model(model, operations))
        _write(current / "endpoint-rule-set-1.json", _undocumented(rules))
    endpoints = _read(data / "endpoints.json")
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in OPERATIONS}
    _write(data / "endpoints.json", endpoints)


def _cut_model(model: dict[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    model = _undocumented(model)
    model["operations"] = {name: each for name, each in model["operations"].items() if name in operations}
    needed = _closure(model["operations"], model["shapes"])
    model["shapes"] = {name: each for name, each in model["shapes"].items() if name in needed}
    return model


def _closure(operations: dict[str, Any], shapes: dict[str, Any]) -> set[str]:
    """The names of all shapes that the operations refer to, directly or through another shape."""
    found: set[str] = set()
    waiting = set(_references(operations))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_references(shapes[name])) - found
    return found


def _references(model: object) -> Iterator[str]:
    if isinstance(model, dict):
        for key, value in model.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(model, list):
        for value in model:
            yield from _references(value)


def _undocumented(model: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(model, dict):
        return {
            key: _undocumented(value)
            for key, value in model.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    return [_undocumented(value) for value in model] if isinstance(model, list) else model


def _read(file: Path) -> Any:  # noqa: ANN401 - any JSON
    content = file.read_bytes()
    return json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, separators=(",", ":")))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    trim(Path(sys.argv[1]))

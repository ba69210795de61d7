"""openapi.yaml, and whether requests and answers conform to it.

The tests use stricter schemas than the ones that callers get: generators of clients cannot read all that a schema can
say, and callers must ignore fields of answers that they do not know.
"""

import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

import httpx
import schemathesis
import yaml
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local import ROOT

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def published() -> dict[str, Any]:
    """openapi.yaml as callers get it."""
    return _read(ROOT / "openapi.yaml")


@cache
def document() -> Any:
    """openapi.yaml with tests/openapi/strict.yaml, and with answers that have no other fields."""
    strict = published()
    _add(_read(ROOT / "tests" / "openapi" / "strict.yaml"), strict["components"]["schemas"])
    for response in [each for node in objects(strict) for each in node.get("responses", {}).values()]:
        _close(response.get("content", {}), strict)
    return schemathesis.openapi.from_dict(strict, config=SchemathesisConfig())


def objects(node: object) -> Iterator[dict[str, Any]]:
    """Yields the node and all objects in it."""
    children: list[object] = []
    if isinstance(node, dict):
        yield node
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from objects(child)


def referred(node: dict[str, Any], within: dict[str, Any]) -> dict[str, Any]:
    """The target of a `$ref`, or the node itself if it has none."""
    if "$ref" not in node:
        return node
    found: Any = within
    for name in node["$ref"].split("/")[1:]:
        found = found[name]
    return cast("dict[str, Any]", found)


def _read(file: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.load(file.read_text(), yaml.CSafeLoader))


def _add(more: dict[str, Any], node: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            _add(value, node[name])
        else:
            node[name] = value


def _close(node: dict[str, Any], within: dict[str, Any]) -> None:
    """Forbids other properties in all schemas of the node and in all that they use."""
    for each in list(objects(node)):
        if "properties" in each:
            each["additionalProperties"] = False
        if "$ref" in each:
            _close(referred(each, within), within)


class Operation(NamedTuple):
    """An operation of openapi.yaml."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def function(self) -> str:
        """The folder in functions/."""
        return str(self.described["x-function"])

    @property
    def scope(self) -> str:
        """`any` means that every key may call it."""
        return str(self.described["x-scope"])

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.described["responses"]}

    @property
    def takes_idempotency_key(self) -> bool:
        return {"$ref": "#/components/parameters/IdempotencyKey"} in self.described.get("parameters", [])


OPERATIONS = [
    Operation(method.upper(), path, described)
    for path, item in document().raw_schema["paths"].items()
    for method, described in item.items()
    if method != "parameters"
]


def check_exchange(method: str, target: str, response: httpx.Response) -> None:
    """Raises if an answer is not documented, or if a request was accepted that the document does not allow.

    The gateway's refusals of unknown routes and oversized heads are not documented.
    """
    path, _, query = target.partition("?")
    operation = document().find_operation_by_path(method, path)
    if operation is None or operation.method.upper() != method or response.status_code in {414, 431}:
        return
    check_answer(operation, response)
    if response.is_success and response.status_code != HTTPStatus.MULTI_STATUS:  # a batch may refuse an item
        for part, value in _parts(operation, query, response.request):
            part.validate(value)


def check_answer(operation: Any, response: httpx.Response) -> None:
    """Raises if status, headers or body are not documented."""
    any_case = operation.Case(path_parameters={each.name: "-" for each in operation.path_parameters})
    any_case.validate_response(response, checks=CHECKS)


def _parts(operation: Any, query: str, request: httpx.Request) -> Iterator[tuple[Any, Any]]:
    """The documented parts of a request, each with the value that was sent."""
    for body in operation.body:
        yield body, json.loads(request.content)
    sent = dict(parse_qsl(query, keep_blank_values=True))
    for parameter in operation.query:
        if parameter.is_required or parameter.name in sent:
            value = sent.get(parameter.name)
            yield parameter, int(value) if value and parameter.name == "limit" else value
    for header in operation.headers:
        if header.name in request.headers:
            yield header, request.headers[header.name]

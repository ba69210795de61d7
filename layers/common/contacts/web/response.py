"""The answer of a use case: what it shows as JSON, and its status and headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any


class Rendered(str):
    """A resource that is JSON text already."""

    __slots__ = ()


@dataclass(repr=False, eq=False)
class Response:
    status: HTTPStatus
    resource: object
    """A dataclass of domain/ or access/, a dict, or Rendered."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def body(self) -> str:
        return self.resource if isinstance(self.resource, Rendered) else to_json(self.resource)


def to_json(resource: object) -> str:
    """A dataclass becomes an object: field names in camelCase, in the order of the fields."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"), default=_to_object)


def _to_object(resource: Any) -> dict[str, Any]:  # noqa: ANN401 - json's signature
    return {_camel_case(each.name): getattr(resource, each.name) for each in fields(resource)}


@cache
def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)

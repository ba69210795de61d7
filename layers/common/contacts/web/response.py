"""The answer of a use case: what it shows as JSON, and its status and headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any

from contacts.domain.errors import ContactsError


class Rendered(str):
    """A resource that is JSON text already."""

    __slots__ = ()


@dataclass(repr=False, eq=False)
class Response:
    status: HTTPStatus
    resource: object
    """A dataclass of domain/ or access/, a dict, or Rendered."""
    headers: Mapping[str, str] = field(default_factory=dict)
    log_keys: Mapping[str, object] = field(default_factory=dict)
    """What the log says of the outcome besides the status."""
    is_final: bool = True
    """Whether the answer is kept for an Idempotency-Key; if not, the same request is done again."""

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


def error_object(error: ContactsError, request_id: str) -> dict[str, Any]:
    """Contract section 5."""
    return {
        "message": error.message,
        "type": error.type,
        "code": error.code,
        "error_data": error.error_data,
        "fbtrace_id": request_id,
    }

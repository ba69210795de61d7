"""Reads one JSON object: a request body or a message of a queue."""

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from contacts.domain.errors import InvalidParameter


def parse[Model: BaseModel](model: type[Model], raw: bytes) -> Model:
    """Raises InvalidParameter for the first field that is wrong, `body` if it is not a JSON object at all."""
    return check(model, _json_object(raw))


def check[Model: BaseModel](model: type[Model], value: dict[str, Any]) -> Model:
    """Raises InvalidParameter for the first field that is wrong. Its text never repeats what the caller sent."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field, text = _place(first["loc"]), first["msg"]
        ours = {"malformed": f"{field} {text}", "refused": text}  # the types of our own errors, see fields.py
        ours["model_type"] = f"{field}: Input should be a JSON object."  # pydantic's text names our class
        raise InvalidParameter(field, ours.get(first["type"], f"{field}: {text}.")) from None


def _place(location: tuple[str | int, ...]) -> str:
    """As callers read it: tags[1].tag_id."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location).lstrip(".")


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, too many digits in a number, nested too deep
        value = None
    if not isinstance(value, dict):
        raise InvalidParameter("body", "body: Input should be a JSON object in UTF-8.")
    return value


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(name)

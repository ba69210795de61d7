"""Makes the DynamoDB of moto cheaper. Its answers stay the same.

Without this, most of the time of the tests that use moto is spent on copies and lookups that no test needs.
"""

import sys
from collections import defaultdict
from functools import cache
from typing import Any

from moto.core import responses
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import JSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType

_answer = BotocoreStubber.__call__
_transact_write_items = DynamoDBBackend.transact_write_items
_serialize_structure = JSONSerializer._serialize_type_structure


def answer(self: BotocoreStubber, *arguments: Any, **options: Any) -> Any:
    """Coverage is off in moto, where it would triple the time. It goes on with what called moto."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return _answer(self, *arguments, **options)
    finally:
        sys.settrace(tracer)


def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Shows moto the partitions of the transaction alone, because it copies the whole table to be able to roll back."""
    parts = [part for each in transact_items for part in each.values()]
    [name] = {part["TableName"] for part in parts}
    items = self.tables[name].items
    partitions = {DynamoType((part.get("Key") or part["Item"])["pk"]) for part in parts}
    self.tables[name].items = defaultdict(dict, {each: items[each] for each in partitions & items.keys()})
    try:
        _transact_write_items(self, transact_items)
    finally:
        items.update(self.tables[name].items)
        self.tables[name].items = items


def serialize_structure(self: JSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """An attribute's value is sent as it is. For each of its ten possible types moto would try several names."""
    if shape.name == "AttributeValue":
        serialized[key] = value
    else:
        _serialize_structure(self, serialized, value, shape, key)


def cheapen() -> None:
    patch: Any = setattr  # mypy would compare what is public only
    patch(BotocoreStubber, "__call__", answer)
    patch(DynamoDBBackend, "transact_write_items", transact_write_items)
    patch(JSONSerializer, "_serialize_type_structure", serialize_structure)
    patch(responses, "method_names_from_class", cache(method_names_from_class))  # moto asks for them at each request

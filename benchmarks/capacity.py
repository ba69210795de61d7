"""The capacity that requests to DynamoDB consume, computed by AWS's rules from the operations and the items' sizes.

DynamoDB Local cannot tell: it counts transactions once instead of twice, and failed conditions not at all.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024
READS = "GetItem", "BatchGetItem", "Query"

type Item = dict[str, Any]
"""In DynamoDB's JSON: {"pk": {"S": "..."}}."""


@dataclass
class Consumption:
    operations: list[str] = field(default_factory=list)
    read_units: float = 0
    write_units: int = 0

    def add(self, operation: str, request: dict[str, Any], sizes: list[int]) -> None:
        """`sizes` are those of the addressed items in bytes, each the larger one of before and after the request."""
        self.operations.append(operation)
        match operation:
            case "GetItem":
                self.read_units += _units(sizes[0], READ_UNIT_BYTES) * _read_factor(request)
            case "BatchGetItem":
                (request,) = request["RequestItems"].values()
                self.read_units += sum(_units(size, READ_UNIT_BYTES) for size in sizes) * _read_factor(request)
            case "Query":  # rounds the sum of the items up, not each item
                self.read_units += _units(sum(sizes), READ_UNIT_BYTES) * _read_factor(request)
            case "TransactWriteItems":
                self.write_units += 2 * sum(_units(size, WRITE_UNIT_BYTES) for size in sizes)
            case "PutItem" | "UpdateItem" | "DeleteItem":  # a write whose condition fails costs the same
                self.write_units += _units(sizes[0], WRITE_UNIT_BYTES)
            case _:
                raise ValueError(operation)


def _read_factor(request: dict[str, Any]) -> float:
    return 1 if request.get("ConsistentRead") else 0.5


def _units(size: int, unit_bytes: int) -> int:
    return max(1, ceil(size / unit_bytes))  # a missing item costs one unit, too


def item_size(item: Item) -> int:
    """In bytes, as DynamoDB bills them: attribute names count as well.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    match value:
        case {"S": text}:
            return len(text.encode())
        case {"N": number}:
            return ceil(len(number.strip("-0").replace(".", "")) / 2) + 1
        case {"BOOL": _} | {"NULL": _}:
            return 1
        case {"M": members}:
            return 3 + len(members) + item_size(members)
        case {"L": elements}:
            return 3 + len(elements) + sum(_value_size(each) for each in elements)
        case _:
            raise ValueError(value)


@contextmanager
def metered(client: Any, observer: Any) -> Iterator[Consumption]:  # noqa: ANN401 - boto3 makes clients at run time
    """What the client's requests consume.

    The observer, a second client, reads the items before each request, and again after a write.
    """
    consumption = Consumption()

    def look(operation: str, request: dict[str, Any]) -> list[int]:
        if operation == "Query":
            return [item_size(item) for item in observer.query(**request)["Items"]]
        answers = (observer.get_item(**address) for address in _addresses(operation, request))
        return [item_size(answer.get("Item", {})) for answer in answers]

    def before(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:  # noqa: ANN401
        context["metered"] = params, look(model.name, params)  # several threads send requests

    def after(model: Any, context: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's
        request, sizes = context["metered"]
        sizes_after = sizes if model.name in READS else look(model.name, request)
        consumption.add(model.name, request, [max(pair) for pair in zip(sizes, sizes_after, strict=True)])

    events = client.meta.events
    events.register("provide-client-params.dynamodb", before)
    events.register("after-call.dynamodb", after)
    try:
        yield consumption
    finally:
        events.unregister("provide-client-params.dynamodb", before)
        events.unregister("after-call.dynamodb", after)


def _addresses(operation: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The items that a request addresses, each as the arguments of a GetItem."""
    match operation:
        case "BatchGetItem":
            for table, wanted in request["RequestItems"].items():
                for key in wanted["Keys"]:
                    yield {"TableName": table, "Key": key}
        case "TransactWriteItems":
            for part in request["TransactItems"]:
                for write in part.values():
                    yield _address(write)
        case _:
            yield _address(request)


def _address(request: dict[str, Any]) -> dict[str, Any]:
    key = request.get("Key") or {name: request["Item"][name] for name in ("pk", "sk")}
    return {"TableName": request["TableName"], "Key": key, "ConsistentRead": True}

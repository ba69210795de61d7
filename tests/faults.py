"""Replies of DynamoDB that tests inject: in this process by Wire, over HTTP by FaultProxy."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    after_the_effect: bool = False
    """Whether DynamoDB still executes the request, whose own reply is then lost."""


def json_reply(status: int, body: object, *, after_the_effect: bool = False) -> Reply:
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    return Reply(status, json.dumps(body).encode(), headers, after_the_effect)


def refuse(code: str, status: int = 400, *, after_the_effect: bool = False, **fields: Any) -> Reply:
    """DynamoDB's error with this code."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "because", **fields}
    return json_reply(status, body, after_the_effect=after_the_effect)


def cancel(*codes: str) -> Reply:
    """A cancelled transaction. `codes` has the reason of each of its items, or `None` for an item without a fault."""
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": "because"} for code in codes]
    return refuse("TransactionCanceledException", CancellationReasons=reasons)

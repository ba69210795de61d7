"""The reference: a DynamoDB client and nothing else. It sends the requests that the event names."""

from contextlib import suppress
from typing import Any

import boto3

client = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    for operation, parameters in event["requests"]:
        with suppress(client.exceptions.ConditionalCheckFailedException):
            getattr(client, operation)(**parameters)
    return {"statusCode": 200}

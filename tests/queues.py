"""What stands before a function that serves a queue: events as SQS sends them, and where given-up messages lie."""

import json
import uuid
from functools import cache
from typing import Any

import boto3
from mypy_boto3_sqs.service_resource import Message, Queue, SQSServiceResource

from tests.conftest import template_resources
from tests.gateway import Event, invoke, sample_event
from tests.secrecy import note


def build_batch(function: str, *bodies: object, groups: tuple[str, ...] = ()) -> Event:
    """A message for each body, which goes as it is when it is text, as JSON otherwise; of one group unless told."""
    note(bodies)
    sample = sample_event(function)["Records"][0]
    records = [
        sample | {"messageId": str(uuid.uuid4()), "body": body if isinstance(body, str) else json.dumps(body)}
        for body in bodies
    ]
    for record, group in zip(records, groups, strict=bool(groups)):
        record["attributes"] = record["attributes"] | {"MessageGroupId": group}
    return {"Records": records}


def deliver(function: str, *bodies: object, groups: tuple[str, ...] = ()) -> list[int]:
    """Which of the messages will come again, counted from 0."""
    event = build_batch(function, *bodies, groups=groups)
    ids = [record["messageId"] for record in event["Records"]]
    failures: list[dict[str, str]] = invoke(function, event)["batchItemFailures"]
    return [ids.index(failure["itemIdentifier"]) for failure in failures]


@cache
def _sqs() -> SQSServiceResource:
    return boto3.resource("sqs")


def create_queue(name: str) -> Queue:
    """A queue of the template, in moto."""
    properties: dict[str, Any] = template_resources()[name]["Properties"]
    attributes = {"FifoQueue": "true"} if properties.get("FifoQueue") else {}
    return _sqs().create_queue(QueueName=properties["QueueName"], Attributes=attributes)  # type: ignore[arg-type]


def take(queue: Queue) -> list[Message]:
    return queue.receive_messages(MaxNumberOfMessages=10, AttributeNames=["All"])


def bodies(queue: Queue) -> list[str]:
    return [message.body for message in take(queue)]

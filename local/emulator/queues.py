"""SQS: the template's queues in moto, and what Lambda's event source mapping does between a queue and its function."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import aws
from local.emulator.logs import Log
from local.emulator.loops import run_loops
from local.emulator.runtimes import FunctionFailed, Runtimes
from local.emulator.template import EventSource, Template, named_by

RETRY_SECONDS = 2
"""A failed message comes again after this time. On AWS it comes after the queue's visibility timeout."""

_POLL_SECONDS = 1  # stopping takes this long
_CONCURRENT_BATCHES = 2


def create_queues(endpoint: str, template: Template) -> dict[str, str]:
    """Their URLs by logical id."""
    client, urls = aws.connect("sqs", endpoint), dict[str, str]()
    queues = template.properties("AWS::SQS::Queue").items()
    for logical_id, properties in sorted(
        queues, key=lambda each: "RedrivePolicy" in each[1]
    ):  # dead-letter queues first
        attributes = {name: value for name, value in properties.items() if name not in {"QueueName", "Metadata"}}
        if redrive := attributes.get("RedrivePolicy"):
            target = _arn(client, urls[named_by(redrive["deadLetterTargetArn"])])
            attributes["RedrivePolicy"] = redrive | {"deadLetterTargetArn": target}
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()}
        urls[logical_id] = client.create_queue(QueueName=properties["QueueName"], Attributes=texts)["QueueUrl"]
    return urls


def find_queues(endpoint: str, template: Template) -> dict[str, str]:
    """Their URLs by logical id."""
    client = aws.connect("sqs", endpoint)
    return {
        logical_id: client.get_queue_url(QueueName=properties["QueueName"])["QueueUrl"]
        for logical_id, properties in template.properties("AWS::SQS::Queue").items()
    }


@contextmanager
def run_consumers(
    endpoint: str, template: Template, queue_urls: Mapping[str, str], runtimes: Runtimes, log: Log
) -> Iterator[None]:
    """Hands the messages of each queue to its function."""
    consumers = [
        _Consumer(source, aws.connect("sqs", endpoint), queue_urls[source.queue], runtimes, log)
        for source in template.event_sources
    ]
    # A FIFO queue has one batch in progress at a time: that keeps the order of every message group.
    loops = [
        consumer.run
        for consumer in consumers
        for _ in range(1 if consumer.url.endswith(".fifo") else _CONCURRENT_BATCHES)
    ]
    with run_loops(loops):
        yield


@dataclass
class _Consumer:
    source: EventSource
    client: Any
    url: str
    runtimes: Runtimes
    log: Log
    # moto loses messages when several threads receive, or delete, from one queue at the same time.
    receiving: Lock = field(default_factory=Lock)
    deleting: Lock = field(default_factory=Lock)

    def run(self, closing: Event) -> None:
        arn = _arn(self.client, self.url)
        while not closing.is_set():
            try:
                if messages := self._receive(closing):
                    self._settle(messages, self._find_failed(messages, arn))
            except (BotoCoreError, ClientError) as error:
                self.log.write("local", f"{self.source.queue} does not answer: {error}")
                closing.wait(_POLL_SECONDS)

    def _receive(self, closing: Event) -> list[dict[str, Any]]:
        with self.receiving:
            if closing.is_set():
                return []
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=self.source.batch_size,
                WaitTimeSeconds=_POLL_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _find_failed(self, messages: list[dict[str, Any]], arn: str) -> set[str]:
        """The ids of the messages to retry. All of them if the function failed or its answer makes no sense."""
        event = {"Records": [_record(message, arn) for message in messages]}
        everything = {message["MessageId"] for message in messages}
        try:
            answer = json.loads(self.runtimes.invoke(self.source.function, json.dumps(event).encode()))
            failed = {each["itemIdentifier"] for each in (answer or {})["batchItemFailures"]}
        except (FunctionFailed, KeyError, TypeError, ValueError) as error:
            self.log.write("local", f"{self.source.function} failed on {len(messages)} messages: {error!r}")
            return everything
        return min(failed, everything)

    def _settle(self, messages: list[dict[str, Any]], failed: set[str]) -> None:
        """Deletes the messages that were handled, and makes the failed ones visible again soon."""
        handled, retried = (
            [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
                if (message["MessageId"] in failed) == has_failed
            ]
            for has_failed in (False, True)
        )
        with self.deleting:
            if handled:
                self.client.delete_message_batch(QueueUrl=self.url, Entries=handled)
            if retried:
                self.client.change_message_visibility_batch(
                    QueueUrl=self.url, Entries=[{**entry, "VisibilityTimeout": RETRY_SECONDS} for entry in retried]
                )


def _arn(client: Any, url: str) -> str:  # noqa: ANN401 - boto3 builds client classes at run time
    arn: str = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def _record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    """A message in the shape that Lambda gives it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {each[0].lower() + each[1:]: value for each, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": aws.CREDENTIALS["AWS_REGION"],
    }

"""SQS: the template's queues in moto, and what Lambda does between a queue and its function."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import aws
from local.logs import Log
from local.runtimes import FunctionFailed, Runtimes
from local.template import EventSource, Template, named_by

RETRY_SECONDS = 2
"""What failed comes again after this time; on AWS after the queue's visibility timeout."""

_POLL_SECONDS = 1  # a stop waits for it
_BATCHES_AT_ONCE = 2


def create_queues(endpoint: str, template: Template) -> None:
    client = aws.connect("sqs", endpoint)
    queues = template.properties("AWS::SQS::Queue").values()
    for properties in sorted(queues, key=lambda each: "RedrivePolicy" in each):  # dead-letter queues first
        attributes = {name: value for name, value in properties.items() if name not in {"QueueName", "Metadata"}}
        if redrive := attributes.get("RedrivePolicy"):
            dead_letters = find_queues(endpoint, template)[named_by(redrive["deadLetterTargetArn"])]
            attributes["RedrivePolicy"] = redrive | {"deadLetterTargetArn": _arn(client, dead_letters)}
        client.create_queue(
            QueueName=properties["QueueName"],
            Attributes={
                name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()
            },
        )


def find_queues(endpoint: str, template: Template) -> dict[str, str]:
    """The URLs of those that are there, by logical id."""
    urls = aws.connect("sqs", endpoint).list_queues().get("QueueUrls", [])
    by_name = {url.rpartition("/")[2]: url for url in urls}
    return {
        logical_id: by_name[properties["QueueName"]]
        for logical_id, properties in template.properties("AWS::SQS::Queue").items()
        if properties["QueueName"] in by_name
    }


@contextmanager
def run_consumers(
    endpoint: str, template: Template, queue_urls: dict[str, str], runtimes: Runtimes, log: Log
) -> Iterator[None]:
    """They hand the messages of each queue to its function; at the end what is in hand is finished."""
    closing = Event()
    consumers = [
        _Consumer(source, aws.connect("sqs", endpoint), queue_urls[source.queue], runtimes, log, closing)
        for source in template.event_sources
    ]
    # Of a FIFO queue one batch at a time keeps the order, whatever groups are in it.
    threads = [
        Thread(target=consumer.run, daemon=True)
        for consumer in consumers
        for _ in range(1 if consumer.is_in_order else _BATCHES_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        closing.set()
        for thread in threads:
            thread.join()


@dataclass
class _Consumer:
    source: EventSource
    client: Any
    url: str
    runtimes: Runtimes
    log: Log
    closing: Event
    # moto's queues take one reader and one deleter at a time, or they lose messages.
    receiving: Lock = field(default_factory=Lock)
    deleting: Lock = field(default_factory=Lock)

    @property
    def is_in_order(self) -> bool:
        return self.url.endswith(".fifo")

    def run(self) -> None:
        arn = _arn(self.client, self.url)
        while not self.closing.is_set():
            try:
                if messages := self._receive():
                    self._settle(messages, self._failed_among(messages, arn))
            except (BotoCoreError, ClientError) as error:
                self.log.write("local", f"{self.source.queue} does not answer: {error}")
                self.closing.wait(_POLL_SECONDS)

    def _receive(self) -> list[dict[str, Any]]:
        with self.receiving:
            if self.closing.is_set():
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

    def _failed_among(self, messages: list[dict[str, Any]], arn: str) -> set[str]:
        """The ids of the messages that are to come again; all of them when the function failed as a whole."""
        event = {"Records": [_record(message, arn) for message in messages]}
        everything = {message["MessageId"] for message in messages}
        try:
            answer = json.loads(self.runtimes.invoke(self.source.function, json.dumps(event).encode()))
            failed = {each["itemIdentifier"] for each in (answer or {})["batchItemFailures"]}
        except (FunctionFailed, KeyError, TypeError, ValueError) as error:
            self.log.write("local", f"{self.source.function} failed on {len(messages)} messages: {error!r}")
            return everything
        is_understood = failed <= everything
        return failed if is_understood else everything

    def _settle(self, messages: list[dict[str, Any]], failed: set[str]) -> None:
        done, again = (
            [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
                if (message["MessageId"] in failed) == has_failed
            ]
            for has_failed in (False, True)
        )
        with self.deleting:
            if done:
                self.client.delete_message_batch(QueueUrl=self.url, Entries=done)
            if again:
                self.client.change_message_visibility_batch(
                    QueueUrl=self.url, Entries=[{**entry, "VisibilityTimeout": RETRY_SECONDS} for entry in again]
                )


def _arn(client: Any, url: str) -> str:  # noqa: ANN401 - boto3 makes its clients while it runs
    arn: str = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def _record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    """As Lambda writes it."""
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

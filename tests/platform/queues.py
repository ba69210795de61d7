"""A queue of the running system, as other services see it."""

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

from local.emulator import aws
from local.stack import Stack
from tests.secrecy import note

_PATIENCE_SECONDS = 60


class Queue:
    def __init__(self, stack: Stack, name: str) -> None:
        """The name is the one in demo.json."""
        self._sqs = aws.connect("sqs", stack.demo["queues"]["endpoint"])
        self._url = stack.demo["queues"][name]
        self._dead_letters_url = f"{self._url.removesuffix('.fifo')}-dead-letters{self._url[-5:] * self._is_fifo}"

    @property
    def _is_fifo(self) -> bool:
        return bool(self._url.endswith(".fifo"))

    def send(self, *messages: object) -> None:
        """Those that are no text as JSON, all at once, and waits until they are handled or given up."""
        note(messages)
        for start in range(0, len(messages), 10):
            answer = self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[self._entry(number, each) for number, each in enumerate(messages[start : start + 10])],
            )
            assert not answer.get("Failed")
        self._wait()

    def _entry(self, number: int, message: Any) -> dict[str, Any]:
        body = message if isinstance(message, str) else json.dumps(message)
        if not self._is_fifo:
            return {"Id": str(number), "MessageBody": body}
        group = f"{message['tenantId']}#{message['contactId']}" if isinstance(message, dict) else "of nobody"
        deduplication = str(uuid.uuid4())
        return {
            "Id": str(number),
            "MessageBody": body,
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication,
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while any(self._counts()):
            assert time.monotonic() < deadline, "the queue is not empty yet"
            time.sleep(0.05)

    def _counts(self) -> Iterable[int]:
        """How many messages wait, and how many are in hand."""
        names = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        return (int(attributes[name]) for name in names)

    def take_dead_letters(self) -> list[str]:
        """Their bodies; they are gone then."""
        bodies = []
        while messages := self._sqs.receive_message(QueueUrl=self._dead_letters_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
        return bodies

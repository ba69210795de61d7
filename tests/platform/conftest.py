"""The queues and the signing secret of the running system."""

import json
import time
import uuid
from itertools import batched
from typing import Any

import pytest

from local.emulator import aws
from local.stack import Stack
from tests.secrecy import note

_QUEUE_TIMEOUT_SECONDS = 60


class Queue:
    """A queue of the running system, as the services that write to it see it."""

    def __init__(self, stack: Stack, name: str) -> None:
        """`name` is the queue's name in demo.json."""
        self._sqs = aws.connect("sqs", stack.demo["queues"]["endpoint"])
        self._url = stack.demo["queues"][name]

    def send(self, *messages: object) -> None:
        """Sends strings as they are, anything else as JSON. Returns when each message is handled or a dead letter."""
        note(messages)
        for batch in batched(messages, 10, strict=False):
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=[self._entry(each) for each in batch])
            assert not answer.get("Failed")
        deadline = time.monotonic() + _QUEUE_TIMEOUT_SECONDS
        waiting, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        while {*self._attributes(waiting, in_flight).values()} != {"0"}:
            assert time.monotonic() < deadline, "the queue is not empty yet"
            time.sleep(0.05)

    def _entry(self, message: Any) -> dict[str, str]:
        entry = {
            "Id": str(uuid.uuid4()),
            "MessageBody": message if isinstance(message, str) else json.dumps(message),
        }
        if self._url.endswith(".fifo"):
            group = f"{message['tenantId']}#{message['contactId']}" if isinstance(message, dict) else "unknown"
            entry |= {"MessageGroupId": group, "MessageDeduplicationId": entry["Id"]}
        return entry

    def take_dead_letters(self) -> list[str]:
        """Deletes the messages of the dead-letter queue and returns their bodies."""
        redrive = json.loads(self._attributes("RedrivePolicy")["RedrivePolicy"])
        url = self._sqs.get_queue_url(QueueName=redrive["deadLetterTargetArn"].rpartition(":")[2])["QueueUrl"]
        bodies = []
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
        return bodies

    def _attributes(self, *names: str) -> dict[str, str]:
        return dict(self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"])


@pytest.fixture(scope="session")
def inbound_messages(stack: Stack) -> Queue:
    return Queue(stack, "inbound_messages")


@pytest.fixture(scope="session")
def tag_commands(stack: Stack) -> Queue:
    return Queue(stack, "tag_commands")


@pytest.fixture(scope="session")
def secret(stack: Stack) -> str:
    """The signing secret of the customer's key that requires signatures."""
    return str(stack.demo["tenants"][0]["keys"]["signed"]["secret"])

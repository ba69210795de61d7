"""Messages that could not be handled, and their way back into their queue.

AWS's own redrive returns only what the redrive policy moved, not the malformed messages that the functions laid aside.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from time import sleep
from typing import Any, Literal, NamedTuple

from botocore.exceptions import ClientError

from admin.queues import queue_url, sqs
from contacts.events.dead_letters import CAUSE, ORIGINAL_ID
from contacts.runtime import timestamps

type Message = dict[str, Any]

Queue = Literal["inbound-messages", "tag-commands"]

_NAMES: dict[Queue, tuple[str, str]] = {
    "inbound-messages": ("inbound-messages", "inbound-messages-dead-letters"),
    "tag-commands": ("tag-commands.fifo", "tag-commands-dead-letters.fifo"),
}
_GAVE_UP = "The function failed five times. Its log has the cause under the message id."
_HIDDEN_SECONDS = 120
"""How long a message that was received is hidden from others, and so the time for sending and deleting ten of them."""
_WAIT_SECONDS = 2
"""Of a long poll, which asks all servers of SQS. A short poll asks some of them, and can miss a message."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    queue: Queue
    waiting: int
    in_progress: int
    dead_letters: int


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    message_id: str
    """In the dead-letter queue."""
    original_message_id: str
    """Under which the function's log has it."""
    sent_at: str
    cause: str
    body: str


class Redriven(NamedTuple):
    redriven: int
    came_back: int
    """Messages that failed again while the others were being returned. They stay dead letters."""


def list_backlogs() -> list[Backlog]:
    """All numbers are approximate. Raises QueueNotFound."""
    return [_backlog(queue) for queue in _NAMES]


def show_dead_letters(queue: Queue, most: int) -> list[DeadLetter]:
    """Some of them, oldest first if the queue is in order. They stay where they are. Raises QueueNotFound."""
    url = queue_url(_NAMES[queue][1])
    messages = list[Message]()
    for batch in _receive(url):
        messages += batch
        if len(messages) >= most:
            break
    _show(url, messages)
    return [_dead_letter(message) for message in messages[:most]]


def redrive(queue: Queue, max_per_second: int, on_sent: Callable[[], object]) -> Redriven:
    """Returns all dead letters to their queue: receives, sends, deletes, in this order.

    An interruption between the last two leaves a message in both queues, which does no harm: consumers are idempotent.
    Raises QueueNotFound.
    """
    target, source = (queue_url(name) for name in _NAMES[queue])
    sent, came_back = set[str](), dict[str, Message]()
    for message in chain.from_iterable(_receive(source)):
        if _original_id(message) in sent:
            came_back[_original_id(message)] = message
            continue
        sent.add(_send(target, message))
        sqs().delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
        on_sent()
        sleep(1 / max_per_second)
    _show(source, came_back.values())
    return Redriven(len(sent), len(came_back))


def _backlog(queue: Queue) -> Backlog:
    waiting: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
    in_progress: Literal["ApproximateNumberOfMessagesNotVisible"] = "ApproximateNumberOfMessagesNotVisible"
    messages, dead = (
        sqs().get_queue_attributes(QueueUrl=queue_url(name), AttributeNames=[waiting, in_progress])["Attributes"]
        for name in _NAMES[queue]
    )
    return Backlog(
        queue=queue,
        waiting=int(messages[waiting]),
        in_progress=int(messages[in_progress]),
        dead_letters=int(dead[waiting]) + int(dead[in_progress]),
    )


def _receive(url: str) -> Iterator[list[Message]]:
    """Until the queue has no visible message."""
    while True:
        answer: Any = sqs().receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        if not answer.get("Messages"):
            return
        yield answer["Messages"]


def _show(url: str, messages: Iterable[Message]) -> None:
    """Makes messages that were received visible to others again."""
    for message in messages:
        with suppress(ClientError):  # it is visible already
            sqs().change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def _send(url: str, message: Message) -> str:
    """Returns the id of the new message.

    In order: within five minutes SQS would drop the same body as a repetition of the message that was laid aside, so
    the dead letter's own id tells them apart. Sent again after an interruption, it has the same id and is dropped.
    """
    group = message["Attributes"].get("MessageGroupId")
    in_order: Any = {"MessageGroupId": group, "MessageDeduplicationId": message["MessageId"]} if group else {}
    attributes: Any = {
        name: value for name, value in message.get("MessageAttributes", {}).items() if name not in {ORIGINAL_ID, CAUSE}
    }
    sent = sqs().send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=attributes, **in_order)
    return sent["MessageId"]


def _dead_letter(message: Message) -> DeadLetter:
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return DeadLetter(
        message_id=message["MessageId"],
        original_message_id=_original_id(message),
        sent_at=timestamps.to_text(sent_at),
        cause=_attribute(message, CAUSE) or _GAVE_UP,
        body=message["Body"],
    )


def _original_id(message: Message) -> str:
    return _attribute(message, ORIGINAL_ID) or str(message["MessageId"])


def _attribute(message: Message, name: str) -> str | None:
    value: str | None = message.get("MessageAttributes", {}).get(name, {}).get("StringValue")
    return value

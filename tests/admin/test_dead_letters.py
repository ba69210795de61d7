"""`queue`: what the dead-letter queues have, and how it returns to the queues."""

import json
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest

from admin import dead_letters
from admin.queues import sqs
from contacts.storage.contacts import ContactRepository
from tests.admin.conftest import Run, aws, unreachable
from tests.events import build_batch
from tests.handlers import invoke

INBOUND = "inbound-messages", "InboundMessages", "record_inbound_message"
COMMANDS = "tag-commands", "TagCommands", "apply_tag_command"
BOTH = pytest.mark.parametrize(("queue", "name", "function"), [INBOUND, COMMANDS])
GAVE_UP = "The function failed five times. Its log has the cause under the message id."
NO_OBJECT = "body: Input should be a JSON object in UTF-8."


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
    monkeypatch.setattr(dead_letters, "sleep", lambda _: None)


def lay_aside(monkeypatch: pytest.MonkeyPatch, url: str, function: str, *bodies: str) -> list[str]:
    """Lets the function do it. Returns the ids of the malformed messages."""
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", url)
    batch = build_batch(function, *bodies)
    assert invoke(function, batch) == {"batchItemFailures": []}
    return [record["messageId"] for record in batch["Records"]]


def move(url: str, body: str, **attributes: Any) -> str:
    """Does what the redrive policy does: the message has no attributes of ours."""
    in_order = {"MessageGroupId": "a contact", "MessageDeduplicationId": body} if url.endswith(".fifo") else {}
    message_id: str = aws("sqs").send_message(QueueUrl=url, MessageBody=body, **in_order, **attributes)["MessageId"]
    return message_id


def received(url: str) -> list[dict[str, Any]]:
    answer = aws("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def numbers(run: Run, queue: str) -> tuple[int, int]:
    """Of messages and dead letters."""
    [backlog] = (each for each in run("queue", "list", "--json").records if each["queue"] == queue)
    return backlog["waiting"], backlog["dead_letters"]


@BOTH
def test_a_dead_letter_is_shown_with_its_original_id_and_cause_and_stays(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch, queue: str, name: str, function: str
) -> None:
    url = queue_urls[f"{name}DeadLetters"]
    [malformed] = lay_aside(monkeypatch, url, function, "no JSON")
    moved = move(url, '{"phone": "491512345678"}')
    for _ in range(2):
        letters = run("queue", "show", queue, "--json").records
        assert [(each["original_message_id"], each["cause"]) for each in letters] == [
            (malformed, NO_OBJECT),
            (moved, GAVE_UP),
        ]
        assert list(letters[0]) == ["message_id", "original_message_id", "sent_at", "cause"]
    assert numbers(run, queue) == (0, 2)
    assert len(run("queue", "show", queue, "--limit", "1", "--json").records) == 1
    with_bodies = run("queue", "show", queue, "--bodies", "--json").records
    assert [each["body"] for each in with_bodies] == ["no JSON", '{"phone": "491512345678"}']


@BOTH
def test_both_kinds_of_dead_letters_return_to_their_queue_as_they_were(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch, queue: str, name: str, function: str
) -> None:
    dead = queue_urls[f"{name}DeadLetters"]
    lay_aside(monkeypatch, dead, function, "no JSON")
    own = {"MessageAttributes": {"Sender": {"DataType": "String", "StringValue": "inbox"}}}
    for number in range(11):
        move(dead, f"{number}", **own)
    assert run("queue", "redrive", queue, "--json").records == {"queue": queue, "redriven": 12, "came_back": 0}
    assert numbers(run, queue) == (12, 0)
    first = received(queue_urls[name])
    assert [each["Body"] for each in first[:3]] == ["no JSON", "0", "1"]
    attributes = [each.get("MessageAttributes", {}) for each in first]
    assert [{key: value["StringValue"] for key, value in each.items()} for each in attributes[:2]] == [
        {},
        {"Sender": "inbox"},
    ]


def test_a_command_keeps_its_group_and_is_no_repetition_of_the_one_that_was_laid_aside(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS drops a message of the same body and group for five minutes, unless it has another deduplication id."""
    group = build_batch("apply_tag_command", {})["Records"][0]["attributes"]["MessageGroupId"]
    aws("sqs").send_message(QueueUrl=queue_urls["TagCommands"], MessageBody="no JSON", MessageGroupId=group)
    [first] = received(queue_urls["TagCommands"])
    lay_aside(monkeypatch, queue_urls["TagCommandsDeadLetters"], "apply_tag_command", "no JSON")
    aws("sqs").delete_message(QueueUrl=queue_urls["TagCommands"], ReceiptHandle=first["ReceiptHandle"])
    assert run("queue", "redrive", "tag-commands", "--json").records["redriven"] == 1
    [again] = received(queue_urls["TagCommands"])
    assert (again["Body"], again["Attributes"]["MessageGroupId"]) == ("no JSON", group)


@BOTH
def test_an_interruption_between_sending_and_deleting_loses_no_message(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch, queue: str, name: str, function: str
) -> None:
    move(queue_urls[f"{name}DeadLetters"], "{}")
    monkeypatch.setattr(dead_letters, "_HIDDEN_SECONDS", 0)
    with unreachable(sqs(), "DeleteMessage"):
        assert run("queue", "redrive", queue).exit_code == 1
    assert numbers(run, queue) == (1, 1)
    monkeypatch.setattr(dead_letters, "_HIDDEN_SECONDS", 120)
    assert run("queue", "redrive", queue, "--json").records["redriven"] == 1
    assert numbers(run, queue) == (2 if queue == "inbound-messages" else 1, 0)


def test_what_cannot_be_sent_stays(run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    move(queue_urls["InboundMessagesDeadLetters"], "{}")
    with unreachable(sqs(), "SendMessage"):
        assert run("queue", "redrive", "inbound-messages").exit_code == 1
    assert numbers(run, "inbound-messages") == (0, 1)


def test_a_message_that_fails_again_is_returned_only_once(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer works while the command runs."""
    urls = queue_urls["InboundMessages"], queue_urls["InboundMessagesDeadLetters"]
    for body in "no JSON", "also none":
        move(urls[1], body)

    def consume(_: float) -> None:
        for message in received(urls[0]):
            batch = build_batch("record_inbound_message", message["Body"])
            batch["Records"][0]["messageId"] = message["MessageId"]
            with redirect_stdout(StringIO()):  # the function's metrics are not the command's
                assert invoke("record_inbound_message", batch) == {"batchItemFailures": []}
            aws("sqs").delete_message(QueueUrl=urls[0], ReceiptHandle=message["ReceiptHandle"])

    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", urls[1])
    monkeypatch.setattr(dead_letters, "sleep", consume)
    done = run("queue", "redrive", "inbound-messages", "--json").records
    assert done == {"queue": "inbound-messages", "redriven": 2, "came_back": 2}
    assert numbers(run, "inbound-messages") == (0, 2)
    assert len(run("queue", "show", "inbound-messages", "--json").records) == 2


def test_a_returned_message_has_its_effect(run: Run, tenant_id: str, queue_urls: dict[str, str]) -> None:
    body = {"tenantId": tenant_id, "phone": "491512345678", "receivedAt": "2026-01-01T00:00:00.000Z"}
    move(queue_urls["InboundMessagesDeadLetters"], json.dumps(body))
    run("queue", "redrive", "inbound-messages")
    [message] = received(queue_urls["InboundMessages"])
    assert invoke("record_inbound_message", build_batch("record_inbound_message", message["Body"])) == {
        "batchItemFailures": []
    }
    assert ContactRepository(tenant_id).get_by_phone("491512345678").last_seen_at == body["receivedAt"]


def test_no_more_messages_are_returned_in_a_second_than_allowed(
    run: Run, queue_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(dead_letters, "sleep", pauses.append)
    for body in "123":
        move(queue_urls["InboundMessagesDeadLetters"], body)
    assert run("queue", "redrive", "inbound-messages", "--max-per-second", "4").exit_code == 0
    assert pauses == [0.25] * 3


def test_a_missing_or_unknown_queue_is_named(run: Run) -> None:
    advice = "Deploy the stack, or choose another --stage."
    refusal = 1, f"Error: There is no queue 'contacts-local-inbound-messages'. {advice}\n"
    assert run("queue", "list").refusal == refusal
    exit_code, lines = run("queue", "show", "payments").refusal
    assert exit_code == 2
    assert "'payments'" in lines

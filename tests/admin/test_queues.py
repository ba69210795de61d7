import json
from typing import Any

import pytest

from tests.admin.conftest import Run, aws

NOBODY = "c" + "0" * 24
CONTACT, TAG = "cm3contact0ada0sample0001", "cm3tag0vip0sample00000001"


def received(queue_url: str) -> dict[str, Any]:
    """The only message in the queue, with its parsed body."""
    (message,) = aws("sqs").receive_message(QueueUrl=queue_url, AttributeNames=["All"])["Messages"]
    return {**message, "Body": json.loads(message["Body"])}


def test_an_inbound_message_is_sent(run: Run, tenant_id: str, queue_urls: dict[str, str]) -> None:
    options = "--display-name", "Ada 😀", "--received-at", "2026-01-31T12:00:00+01:00"
    sent = run("message", "send", tenant_id, "+49 151 2345678", *options, "--json").records
    message = received(queue_urls["InboundMessages"])
    assert sent == {"message_id": message["MessageId"]}
    assert message["Body"] == {
        "tenantId": tenant_id,
        "phone": "+49 151 2345678",
        "displayName": "Ada 😀",
        "receivedAt": "2026-01-31T11:00:00.000Z",
    }


def test_a_tag_command_is_sent_in_the_message_group_of_its_contact(
    run: Run, tenant_id: str, queue_urls: dict[str, str]
) -> None:
    options = "--source", "AI_TOOL", "--reason", "Asked for a quote", "--issued-at", "2026-01-31"
    sent = run("tag-command", "send", tenant_id, CONTACT, TAG, "ASSIGN", *options, "--json").records
    command = received(queue_urls["TagCommands"])
    assert sent == {"message_id": command["MessageId"]}
    assert command["Attributes"]["MessageGroupId"] == f"{tenant_id}#{CONTACT}"
    assert command["Body"] == {
        "tenantId": tenant_id,
        "contactId": CONTACT,
        "tagId": TAG,
        "action": "ASSIGN",
        "source": "AI_TOOL",
        "reason": "Asked for a quote",
        "issuedAt": "2026-01-31T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["message", "send", "{tenant_id}", "123"], "phone"),
        (["message", "send", "{tenant_id}", "call me"], "phone"),
        (["tag-command", "send", "{tenant_id}", "a#b", TAG, "ASSIGN", "--source", "API"], "contactId"),
        (["tag-command", "send", "{tenant_id}", CONTACT, "VIP", "REMOVE", "--source", "API"], "tagId"),
    ],
)
def test_a_malformed_message_is_not_sent(
    run: Run, tenant_id: str, queue_urls: dict[str, str], arguments: list[str], problem: str
) -> None:
    exit_code, line = run(*(argument.format(tenant_id=tenant_id) for argument in arguments)).refusal
    assert (exit_code, line.count("\n")) == (2, 1)
    assert line.startswith(f"Error: {problem}")
    for url in queue_urls.values():
        assert "Messages" not in aws("sqs").receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["PURGE", "--source", "API"], "Error: Invalid value for 'action': "),
        (["ASSIGN", "--source", "ROBOT"], "Error: Invalid value for '--source'"),
        (["ASSIGN"], "Error: Missing option '--source'."),
        (
            ["ASSIGN", "--source", "API", "--issued-at", "now"],
            "Error: Invalid value for '--issued-at': 'now' is not a time.",
        ),
    ],
)
def test_an_invalid_option_of_a_tag_command_is_refused(
    run: Run, tenant_id: str, arguments: list[str], problem: str
) -> None:
    exit_code, lines = run("tag-command", "send", tenant_id, CONTACT, TAG, *arguments).refusal
    assert exit_code == 2
    assert problem in lines


def test_a_message_for_an_unknown_tenant_is_refused(run: Run, queue_urls: dict[str, str]) -> None:
    assert run("message", "send", NOBODY, "491512345678").refusal == (
        1,
        f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n",
    )


def test_a_missing_queue_is_named(run: Run, tenant_id: str) -> None:
    assert run("message", "send", tenant_id, "491512345678").refusal == (
        1,
        "Error: There is no queue 'contacts-local-inbound-messages'. Deploy the stack, or choose another --stage.\n",
    )

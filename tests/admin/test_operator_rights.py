"""The IAM policy in docs/operations.md grants exactly what the commands request from AWS."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest

import admin.gateway
import admin.queues
import admin.secret_store
from admin import dead_letters
from contacts.storage.table import connection
from local import ROOT
from tests.admin.conftest import Run, aws

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

type Right = tuple[str, str]
"""An action and a resource."""

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()


def granted() -> list[Right]:
    """The rights of the policy for the stage `local`. Region and account are `*`."""
    section = DOCUMENT.partition("## What an operator may do\n")[2].replace("prod", "local")
    (policy,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    return [
        (action, resource)
        for statement in json.loads(policy)["Statement"]
        for action in several(statement["Action"])
        for resource in several(statement["Resource"])
    ]


def several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def asked(request: "AWSPreparedRequest", service: str, operation: str) -> list[Right]:
    """The rights that IAM checks for the request."""
    if service == "api-gateway":
        return [(f"apigateway:{request.method}", f"arn:aws:apigateway:*::{urlsplit(request.url).path}")]
    body: dict[str, Any] = json.loads(cast("bytes", request.body))
    if service == "secrets-manager":
        return [(f"secretsmanager:{operation}", f"arn:aws:secretsmanager:*:*:secret:{body['SecretId']}-AbCdEf")]
    if service == "sqs":
        name = body.get("QueueName") or body["QueueUrl"].rpartition("/")[2]
        return [(f"sqs:{operation}", f"arn:aws:sqs:*:*:{name}")]
    parts = {part for item in body.get("TransactItems", ()) for part in item}
    actions = {f"{part}Item" for part in parts} or {operation}
    return [(f"dynamodb:{action}", "arn:aws:dynamodb:*:*:table/contacts-local") for action in actions]


@pytest.fixture
def used(run: Run) -> Iterator[set[Right]]:
    rights = set[Right]()

    def note(request: "AWSPreparedRequest", event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:]
        rights.update(asked(request, service, operation))

    makers = admin.gateway._client, admin.secret_store._client, admin.queues.sqs
    clients: list[Any] = [connection().client, *(make() for make in makers)]
    for client in clients:
        client.meta.events.register_first("before-send", note)
    yield rights
    for client in clients:
        client.meta.events.unregister("before-send", note)


def test_operators_need_exactly_the_rights_that_the_policy_grants(
    run: Run, tenant_id: str, queue_urls: dict[str, str], used: set[Right], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
    run("tenant", "create", "Globex")
    run("tenant", "list")
    assert run("tenant", "suspend", tenant_id, "--yes").exit_code == 0
    assert run("tenant", "resume", tenant_id).exit_code == 0
    options = "--name", "CRM", "--scope", "contacts:read", "--require-signature"
    key_id = run("key", "create", tenant_id, *options, "--json").records["key_id"]
    (api,) = aws("apigateway").get_rest_apis()["items"]
    aws("apigateway").delete_rest_api(restApiId=api["id"])
    aws("apigateway").create_rest_api(name="contacts-local")
    for command in (["rotate"], ["show"], ["revoke", "--yes"]):
        assert run("key", *command, tenant_id, key_id).exit_code == 0
    assert run("key", "restore").exit_code == 0
    assert run("key", "list", tenant_id).exit_code == 0
    for secret in ("pepper", "signing-root"):
        assert run("secret", "rotate", secret).exit_code == 0
    assert run("secret", "list").exit_code == 0
    tag_id = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    assert run("tag", "rename", tenant_id, tag_id, "Gold").exit_code == 0
    assert run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes").exit_code == 0
    assert run("contact", "show", tenant_id, "491512345678").exit_code == 1
    assert run("check").exit_code == 0
    assert run("changes", "reset", "--all", "--yes").exit_code == 0
    assert run("sign", "GET", "/v1/whoami", "--key-id", key_id).exit_code == 0
    assert run("message", "send", tenant_id, "491512345678").exit_code == 0
    assert run("tag-command", "send", tenant_id, key_id, tag_id, "REMOVE", "--source", "API").exit_code == 0
    aws("sqs").send_message(QueueUrl=queue_urls["InboundMessagesDeadLetters"], MessageBody="{}")
    group = {"MessageGroupId": "a contact", "MessageDeduplicationId": "1"}
    aws("sqs").send_message(QueueUrl=queue_urls["TagCommandsDeadLetters"], MessageBody="{}", **group)
    for command in ["show", "inbound-messages"], ["show", "tag-commands"], ["list"]:
        assert run("queue", *command).exit_code == 0
    for queue in "inbound-messages", "tag-commands":
        assert run("queue", "redrive", queue).exit_code == 0
    assert run("tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes").exit_code == 0

    needed = {right: {each for each in used if matches(each, right)} for right in granted()}
    assert [right for right, uses in needed.items() if not uses] == []
    assert used - set().union(*needed.values()) == set()


def matches(right: Right, pattern: Right) -> bool:
    return right[0] == pattern[0] and fnmatchcase(right[1], pattern[1])

"""CodeDeploy calls it before a new version of a function gets traffic. It tries the new versions of all functions."""

import json
import os
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

EVENT = {
    "Records": [],
    "httpMethod": "GET",
    "resource": "smoke test",
    "headers": {},
    "pathParameters": {"contactId": "none", "tagId": "none"},
    "requestContext": {
        "requestId": "smoke-test",
        "identity": {"sourceIp": "127.0.0.1"},
        "authorizer": {
            "tenantId": "smoke-test",
            "keyId": "smoke-test",
            "name": "smoke test",
            "scopes": "",
            "rateLimit": "1",
            "expiresAt": "",
            "requireSignature": "false",
            "ipAllowlist": "",
        },
    },
}
"""A batch without records, a request of a tenant that does not exist, and a call without an API key, all in one.

No function writes anything for it."""

_PATIENCE = Config(read_timeout=65, retries={"total_max_attempts": 5, "mode": "standard"})
"""Longer than the longest timeout of a function. What is tried again are throttled calls, above all."""


def handler(event: dict[str, str], _context: object) -> None:
    versions = [value for name, value in os.environ.items() if name.startswith("VERSION_")]
    client = boto3.client("lambda", config=_PATIENCE)
    is_good = all(try_version(client, version) for version in versions)
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Succeeded" if is_good else "Failed",
    )


def try_version(client: Any, version: str) -> bool:  # noqa: ANN401 - boto3 builds client classes at run time
    """Whether the version starts and answers as its kind of function does."""
    try:
        answer = json.load(client.invoke(FunctionName=version, Payload=json.dumps(EVENT))["Payload"])
    except (BotoCoreError, ClientError) as error:
        answer = {"errorMessage": str(error)}
    is_good = is_expected(answer)
    print(json.dumps({"level": "INFO" if is_good else "ERROR", "version": version, "answer": answer}))
    return is_good


def is_expected(answer: object) -> bool:
    match answer:
        case {"statusCode": 200 | 400 | 404} | {"batchItemFailures": []}:  # an endpoint, or the stream's consumer
            return True
        case {"errorMessage": str(message)}:  # the authorizer, and a queue's consumer: Powertools refuses empty batches
            return message == "Unauthorized" or message.startswith("Unexpected batch event type.")
    return False

"""What CodeDeploy calls before a new version of a function gets traffic."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from mypy_boto3_dynamodb.service_resource import Table

from tests.handlers import FUNCTIONS, invoke, load_app

check_versions = load_app("hooks/check_versions")
GOOD = {"statusCode": 404, "body": "{}"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_answers_the_check_as_expected_and_writes_nothing(table: Table, function: str) -> None:
    try:
        answer = invoke(function, check_versions.EVENT)
    except Exception as error:  # noqa: BLE001 - as Lambda answers for a function that raises
        answer = {"errorMessage": str(error), "errorType": type(error).__name__}
    assert check_versions.is_expected(answer), answer
    assert table.scan()["Items"] == []


class Aws:
    """Lambda and CodeDeploy, which expect what they are told to expect and nothing else."""

    def __init__(self) -> None:
        self.clients = {name: boto3.client(name) for name in ("lambda", "codedeploy")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}

    def client(self, name: str, **_: object) -> Any:
        return self.clients[name]

    def answer(self, version: str, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.stubs["lambda"].add_response(
            "invoke",
            {"Payload": StreamingBody(BytesIO(content), len(content))},
            {"FunctionName": version, "Payload": json.dumps(check_versions.EVENT)},
        )

    def refuse(self) -> None:
        self.stubs["lambda"].add_client_error("invoke", "TooManyRequestsException")

    def expect(self, status: str) -> None:
        self.stubs["codedeploy"].add_response(
            "put_lifecycle_event_hook_execution_status",
            {},
            {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "an execution", "status": status},
        )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws = Aws()
    monkeypatch.setattr(boto3, "client", aws.client)
    monkeypatch.setenv("VERSION_GetContact", "get-contact:2")
    monkeypatch.setenv("VERSION_Whoami", "whoami:7")
    for stub in aws.stubs.values():
        stub.activate()
    yield aws
    for stub in aws.stubs.values():
        stub.assert_no_pending_responses()


def check() -> None:
    check_versions.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "an execution"}, None)


def test_traffic_may_move_when_all_versions_answer(aws: Aws) -> None:
    aws.answer("get-contact:2", GOOD)
    aws.answer("whoami:7", GOOD)
    aws.expect("Succeeded")
    check()


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": 500, "body": "{}"},
        {"statusCode": 503, "body": "{}"},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"errorMessage": "Unable to import module 'app'", "errorType": "Runtime.ImportModuleError"},
        {"errorMessage": "2026-11-27 Task timed out after 20.00 seconds"},
        None,
    ],
)
def test_no_traffic_moves_when_a_version_answers_otherwise(
    aws: Aws, capsys: pytest.CaptureFixture[str], answer: object
) -> None:
    aws.answer("get-contact:2", GOOD)
    aws.answer("whoami:7", answer)
    aws.expect("Failed")
    check()
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert good == {"level": "INFO", "version": "get-contact:2", "answer": GOOD}
    assert bad == {"level": "ERROR", "version": "whoami:7", "answer": answer}


def test_no_traffic_moves_when_a_version_cannot_be_called(aws: Aws) -> None:
    aws.refuse()
    aws.expect("Failed")
    check()

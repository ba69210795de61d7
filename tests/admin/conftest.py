"""The command line as operators call it, with the template's table in moto."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import boto3
import pytest
import typer.main
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from mypy_boto3_dynamodb.service_resource import Table

from admin.__main__ import main
from tests.conftest import template_resources
from tests.handlers import PEPPER

# Typer makes the commands anew for each call, which takes longer than most of them.
typer.main.get_command = cache(typer.main.get_command)
_QUEUE_ATTRIBUTES = "FifoQueue", "ContentBasedDeduplication"
SIGNING_ROOT = "a signing root for tests"


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> Any:
        """What `--json` printed. Fails unless the command succeeded."""
        assert (self.exit_code, self.stderr) == (0, "")
        return json.loads(self.stdout)

    @property
    def refusal(self) -> tuple[int, str]:
        """The exit code and the error line. Fails if the command printed anything else."""
        assert self.stdout == ""
        return self.exit_code, self.stderr


type Run = Callable[..., Outcome]


@cache
def aws(service: str) -> Any:
    """A client shared by all tests, because creating one takes longer than most tests."""
    client: Any = boto3.client  # its stubs want a literal name
    return client(service)


@pytest.fixture
def run(table: Table, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs `python -m admin` with the given arguments."""
    secrets = aws("secretsmanager")
    secrets.create_secret(Name="contacts/local/key-pepper", SecretString=PEPPER)
    secrets.create_secret(Name="contacts/local/signing-root", SecretString=SIGNING_ROOT)
    aws("apigateway").create_rest_api(name="contacts-local")

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(arguments)
        output = capsys.readouterr()
        assert isinstance(exited.value.code, int)
        return Outcome(exited.value.code, output.out, output.err)

    with mock.patch.dict(os.environ, XDG_STATE_HOME=str(tmp_path_factory.mktemp("state"))):  # options set variables
        yield run


@pytest.fixture
def tenant_id(run: Run) -> str:
    tenant_id: str = run("tenant", "create", "Acme", "--json").records["id"]
    return tenant_id


@pytest.fixture
def other_tenant_id(run: Run) -> str:
    tenant_id: str = run("tenant", "create", "Globex", "--json").records["id"]
    return tenant_id


@contextmanager
def unreachable(client: Any, operation: str) -> Iterator[None]:
    """Requests of this operation do not arrive."""
    with _failing(client, f"before-call.*.{operation}", EndpointConnectionError(endpoint_url="https://aws")):
        yield


@contextmanager
def unanswered(client: Any, operation: str) -> Iterator[None]:
    """Requests of this operation take effect, but their answers are lost."""
    with _failing(client, f"after-call.*.{operation}", ReadTimeoutError(endpoint_url="https://aws")):
        yield


@contextmanager
def _failing(client: Any, event: str, error: Exception) -> Iterator[None]:
    def fail(**_: object) -> None:
        raise error

    client.meta.events.register(event, fail)
    try:
        yield
    finally:
        client.meta.events.unregister(event, fail)


@pytest.fixture
def queue_urls(run: Run) -> dict[str, str]:
    """Logical id → URL of the template's message queues and of their dead-letter queues."""
    sqs = aws("sqs")
    urls = {}
    for logical_id in (f"{name}{end}" for name in ("InboundMessages", "TagCommands") for end in ("", "DeadLetters")):
        properties = template_resources()[logical_id]["Properties"]
        wanted = {name: str(properties[name]).lower() for name in properties if name in _QUEUE_ATTRIBUTES}
        urls[logical_id] = sqs.create_queue(QueueName=properties["QueueName"], Attributes=wanted)["QueueUrl"]
    return urls

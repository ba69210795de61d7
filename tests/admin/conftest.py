"""The command line as operators call it, on the template's table in moto."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
import pytest
from mypy_boto3_dynamodb.service_resource import Table

from admin.__main__ import main


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> Any:
        """What `--json` printed, when all went well."""
        assert (self.exit_code, self.stderr) == (0, "")
        return json.loads(self.stdout)

    @property
    def refusal(self) -> tuple[int, str]:
        """The exit code and the one line that says why."""
        assert self.stdout == ""
        return self.exit_code, self.stderr


type Run = Callable[..., Outcome]


@pytest.fixture
def run(table: Table, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs `python -m admin` with the given arguments."""
    boto3.client("secretsmanager").create_secret(
        Name="contacts/local/key-pepper", SecretString=os.environ["KEY_PEPPER"]
    )

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(arguments)
        output = capsys.readouterr()
        assert isinstance(exited.value.code, int)
        return Outcome(exited.value.code, output.out, output.err)

    with mock.patch.dict(os.environ):  # where the options leave their choice
        yield run


@pytest.fixture
def tenant_id(run: Run) -> str:
    tenant_id: str = run("tenant", "create", "Acme", "--json").records["id"]
    return tenant_id


@pytest.fixture
def other_tenant_id(run: Run) -> str:
    tenant_id: str = run("tenant", "create", "Globex", "--json").records["id"]
    return tenant_id

"""Which deployment a command works on, how it explains that AWS refuses, and how it uses a terminal."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, get_args

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from admin.target import Stage
from tests.admin_processes import AdminProcesses
from tests.deployed import read_template

WHICH = "Which deployment? Pass --stage dev (or staging, prod), or start a local one with `make start`."
NOT_LOCAL = "No local stack is running. Start one with `make start`, or choose another --stage."
NO_SECRET = "There is no secret 'contacts/prod/key-pepper'. Deploy the stack, or choose another --stage."
NO_TABLE = (
    "There is no table 'contacts-prd' in this account and region. "
    "Deploy the stack, or choose another --stage or --table."
)
NO_REGION = "There is no AWS region. Set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE."
SIGN_IN = "Sign in, for example with `aws sso login`, or choose a profile with AWS_PROFILE."
NO_CREDENTIALS = f"There are no AWS credentials. {SIGN_IN}"
NO_ANSWER = (
    'Could not connect to the endpoint URL: "http://127.0.0.1:9/". '
    "Check the network. For the local stack, check that `make start` is running."
)
FIX_AND_REPEAT = "Fix this and run the command again."
NO_PROFILE = f"The config profile (nobody) could not be found. {FIX_AND_REPEAT}"

REGION = {"AWS_DEFAULT_REGION": "eu-central-1"}
CREDENTIALS = REGION | {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def endpoints(server: str, resources: dict[str, Any]) -> dict[str, str]:
    """Variables that point the SDK at a server with the tables and secrets of two stages."""
    httpx.post(f"{server}/moto-api/reset")
    table = resources["Table"]["Properties"]
    on_creation = "BillingMode", "AttributeDefinitions", "KeySchema"
    for stage in ("local", "staging"):
        boto3.client("dynamodb", endpoint_url=server).create_table(
            TableName=f"contacts-{stage}", **{name: table[name] for name in on_creation}
        )
        boto3.client("secretsmanager", endpoint_url=server).create_secret(
            Name=f"contacts/{stage}/key-pepper", SecretString=stage
        )
        boto3.client("secretsmanager", endpoint_url=server).create_secret(
            Name=f"contacts/{stage}/signing-root", SecretString=stage
        )
        boto3.client("apigateway", endpoint_url=server).create_rest_api(name=f"contacts-{stage}")
    services = "DYNAMODB", "SECRETS_MANAGER", "API_GATEWAY", "STS"
    return CREDENTIALS | {f"AWS_ENDPOINT_URL_{service}": server for service in services}


type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, admin_processes: AdminProcesses) -> Run:
    """Runs a command in a directory without settings, with no other variables than the given ones."""

    def run(*arguments: str, environment: Mapping[str, str] = {}, stdout: int | None = None) -> tuple[int, str, str]:
        variables = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", **environment}
        return admin_processes.run(*arguments, directory=tmp_path, environment=variables, stdout=stdout)

    return run


def refused(line: str, exit_code: int = 1) -> tuple[int, str, str]:
    return exit_code, "", f"Error: {line}\n"


def create_tenant(run: Run, *options: str, environment: Mapping[str, str] = {}) -> str:
    exit_code, stdout, stderr = run(*options, "tenant", "create", "Acme", "--json", environment=environment)
    assert (exit_code, stderr) == (0, "")
    tenant_id: str = json.loads(stdout)["id"]
    return tenant_id


def tenants(run: Run, *options: str, environment: Mapping[str, str] = {}) -> list[str]:
    exit_code, stdout, stderr = run(*options, "tenant", "list", "--json", environment=environment)
    assert (exit_code, stderr) == (0, "")
    return [tenant["id"] for tenant in json.loads(stdout)]


def test_without_a_stage_and_a_local_stack_a_command_asks_for_the_deployment(run: Run) -> None:
    assert run("tenant", "list") == refused(WHICH, exit_code=2)


@pytest.mark.parametrize("arguments", [["--help"], ["tag", "--help"], ["key", "create", "--help"]])
def test_help_needs_no_deployment(run: Run, arguments: list[str]) -> None:
    exit_code, stdout, stderr = run(*arguments)
    assert (exit_code, stdout[:23], stderr) == (0, "Usage: python -m admin ", "")


def test_the_local_stage_needs_a_running_local_stack(run: Run) -> None:
    assert run("--stage", "local", "tenant", "list") == refused(NOT_LOCAL)


def test_the_endpoint_variable_of_the_sdk_selects_the_local_stage(run: Run, endpoints: dict[str, str]) -> None:
    tenant_id = create_tenant(run, environment=endpoints)
    assert tenants(run, environment=endpoints) == [tenant_id]
    assert tenants(run, "--stage", "local", environment=endpoints) == [tenant_id]
    assert tenants(run, "--stage", "staging", environment=endpoints) == []


def test_a_running_local_stack_is_found_by_its_settings_file(
    run: Run, tmp_path: Path, endpoints: dict[str, str]
) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "admin.env").write_text("".join(f"{name}={value}\n" for name, value in endpoints.items()))
    tenant_id = create_tenant(run)
    assert tenants(run) == [tenant_id]


def test_a_key_is_hashed_with_the_pepper_of_its_stage(run: Run, endpoints: dict[str, str]) -> None:
    table = "--table", "contacts-staging"
    tenant_id = create_tenant(run, "--stage", "staging", environment=endpoints)
    create = "key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read"
    assert run(*table, *create, environment=endpoints)[0] == 0
    assert run(*table, "--stage", "prod", *create, environment=endpoints) == refused(NO_SECRET)


def test_a_missing_table_is_named(run: Run, endpoints: dict[str, str]) -> None:
    assert run("--table", "contacts-prd", "tenant", "list", environment=endpoints) == refused(NO_TABLE)


@pytest.mark.parametrize("stage", ["", "prd", "production", "Prod", "contacts-prod"])
def test_an_unknown_stage_is_refused_with_the_list(run: Run, endpoints: dict[str, str], stage: str) -> None:
    exit_code, stdout, stderr = run("--stage", stage, "tenant", "list", environment=endpoints)
    assert (exit_code, stdout) == (2, "")
    assert stderr.endswith(f"{stage!r} is not one of 'local', 'dev', 'staging', 'prod'.\n")


def test_the_stages_are_those_of_the_template() -> None:
    assert sorted(get_args(Stage)) == sorted(read_template()["Parameters"]["Stage"]["AllowedValues"])


@pytest.mark.parametrize("table", ["", "ab", "x" * 256, "contacts dev", "contacts/dev", "tablé"])
def test_an_impossible_table_name_is_refused(run: Run, endpoints: dict[str, str], table: str) -> None:
    refusal = refused(f"{table!r} is not the name of a DynamoDB table.", exit_code=2)
    assert run("--table", table, "tenant", "list", environment=endpoints) == refusal


@pytest.mark.parametrize("table", ["payments", "contacts-prodigy"])
def test_a_stack_adopts_only_a_table_that_its_template_can_name(
    run: Run, endpoints: dict[str, str], table: str
) -> None:
    arguments = "--stage", "prod", "--table", table, "stack", "adopt"
    line = f"A stack of this stage has a table named 'contacts-prod' or 'contacts-prod-…', not {table!r}."
    assert run(*arguments, environment=endpoints) == refused(line, exit_code=2)


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, NO_REGION),
        (REGION, NO_CREDENTIALS),
        (CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9"}, NO_ANSWER),
        (CREDENTIALS | {"AWS_PROFILE": "nobody"}, NO_PROFILE),
    ],
)
def test_a_problem_with_region_credentials_or_network_is_explained_in_one_line(
    run: Run, environment: dict[str, str], line: str
) -> None:
    assert run("--stage", "dev", "tenant", "list", environment=environment) == refused(line)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("ExpiredTokenException", f"AWS does not accept the credentials (ExpiredTokenException). {SIGN_IN}"),
        ("AccessDeniedException", f"AWS answered AccessDeniedException: No entry. {FIX_AND_REPEAT}"),
        ("ThrottlingException", f"AWS answered ThrottlingException: No entry. {FIX_AND_REPEAT}"),
    ],
)
def test_an_error_of_aws_is_explained_in_one_line(run: Run, code: str, line: str) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(HTTPStatus.BAD_REQUEST)
            self.end_headers()
            self.wfile.write(json.dumps({"__type": code, "message": "No entry."}).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as aws:
        Thread(target=aws.serve_forever).start()
        environment = CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{aws.server_port}"}
        outcome = run("tenant", "list", environment=environment)
        aws.shutdown()
    assert outcome == refused(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tenant", "create"], "Missing argument 'name'."),
        (["tenant", "make"], "No such command 'make'."),
        (["tenant", "list", "--yaml"], "No such option: --yaml"),
        (["tag", "delete", "a", "b", "--wait-seconds", "-1"], "Invalid value for '--wait-seconds': Input should be"),
    ],
)
def test_incorrect_usage_is_explained(run: Run, arguments: list[str], line: str) -> None:
    exit_code, stdout, stderr = run(*arguments)
    assert (exit_code, stdout) == (2, "")
    assert stderr.splitlines()[-1].startswith(f"Error: {line}")


def test_a_terminal_that_lacks_a_character_shows_its_escape(run: Run, endpoints: dict[str, str]) -> None:
    environment = endpoints | {"PYTHONIOENCODING": "ascii"}
    assert run("tenant", "create", "Zoë 😀", environment=environment)[::2] == (0, "")
    exit_code, stdout, stderr = run("tenant", "list", environment=environment)
    assert (exit_code, stderr) == (0, "")
    assert r"Zo\xeb \U0001f600" in stdout


@pytest.mark.parametrize(
    "arguments", [["te\x1b[31mn\u202e"], ["tenant", "list", "--\u202ex"], ["tenant", "list", "\u2066\x9b"]]
)
def test_the_explanation_repeats_no_harmful_characters(run: Run, arguments: list[str]) -> None:
    exit_code, stdout, stderr = run(*arguments)
    assert (exit_code, stdout) == (2, "")
    assert not set(stderr) & set("\x1b\u202e\u2066\x9b")


def run_in_terminal(run: Run, *arguments: str, columns: int, environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Exit code and lines of a command whose output goes to a terminal, without styles."""
    screen, terminal = os.openpty()
    variables = {**environment, "COLUMNS": str(columns), "TERM": "xterm"}
    exit_code, _, _ = run(*arguments, environment=variables, stdout=terminal)
    os.close(terminal)
    written = bytearray()
    with suppress(OSError):  # the end of what was written to a terminal
        while part := os.read(screen, 65_536):
            written += part
    os.close(screen)
    return exit_code, re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).splitlines()


def test_a_key_and_its_signing_secret_never_wrap(run: Run, endpoints: dict[str, str]) -> None:
    tenant_id = create_tenant(run, environment=endpoints)
    create = "key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read", "--require-signature"
    exit_code, lines = run_in_terminal(run, *create, columns=30, environment=endpoints)
    assert exit_code == 0
    assert [line for line in lines if re.fullmatch(r"Key +sflo_live_[A-Za-z0-9_-]{43}", line)] != []
    assert [line for line in lines if re.fullmatch(r"Signing secret +[0-9a-f]{64}", line)] != []


def test_the_list_of_keys_fits_80_columns(run: Run, endpoints: dict[str, str]) -> None:
    tenant_id = create_tenant(run, environment=endpoints)
    name = "A CRM with a long name " * 2
    create = "key", "create", tenant_id, "--name", name, "--scope", "contacts:read", "--expires", "2199-01-31"
    key_id = json.loads(run(*create, "--require-signature", "--json", environment=endpoints)[1])["key_id"]
    for secret in ("pepper", "signing-root"):
        assert run("secret", "rotate", secret, environment=endpoints)[0] == 0
    exit_code, lines = run_in_terminal(run, "key", "list", tenant_id, columns=80, environment=endpoints)
    assert exit_code == 0
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if key_id in line]
    assert re.split(r" {2,}", row.strip())[2:] == ["ACTIVE", "2199-01-31", "pepper,"]
    assert lines[lines.index(row) + 1].split()[-2:] == ["00:00", "signing-root"]

"""Attacks on `make start` from the network and from a web page that the developer visits."""

import json
import shutil
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from local.directory import locked
from local.emulator import aws
from local.emulator.engine import create_table, find_jars, run_engine, verify_jars
from local.emulator.errors import CannotStart
from local.stack import Stack
from tests.engine.table import PROPERTIES

SECRET = "contacts/local/key-pepper"
FROM_A_PAGE = {
    "of another origin": {"Origin": "http://attacker.example"},
    "without an origin": {"Origin": "null"},
    "that loads an image": {"Sec-Fetch-Site": "cross-site"},
    "whose name resolves to 127.0.0.1": {"Host": "attacker.example"},
}


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER"])
def test_aws_is_not_reachable_through_another_address(stack: Stack, name: str) -> None:
    port = urlsplit(stack.environment[name]).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_nothing_listens_beyond_this_machine(stack: Stack) -> None:
    this = psutil.Process()
    sockets = [each for process in (this, *this.children(recursive=True)) for each in process.net_connections("inet")]
    addresses = {each.laddr.ip.removeprefix("::ffff:") for each in sockets if each.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}


@pytest.mark.parametrize("headers", FROM_A_PAGE.values(), ids=FROM_A_PAGE)
def test_a_web_page_reads_no_secret(stack: Stack, headers: dict[str, str]) -> None:
    endpoint = stack.environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    request = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Authorization": signed_for("secretsmanager")}
    body = json.dumps({"SecretId": SECRET})
    assert httpx.post(endpoint, headers=request, content=body, trust_env=False).json()["Name"] == SECRET
    answer = httpx.post(endpoint, headers=request | headers, content=body, trust_env=False)
    assert (answer.status_code, SECRET in answer.text) == (403, False)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"])
def test_a_web_page_gets_no_permission_to_call_aws(stack: Stack, name: str) -> None:
    preflight = {
        "Origin": "http://attacker.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-amz-target",
    }
    answer = httpx.options(stack.environment[name], headers=preflight, trust_env=False)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_web_page_whose_name_resolves_to_127_0_0_1_reads_no_table(stack: Stack) -> None:
    request = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Authorization": signed_for("dynamodb")}
    assert httpx.post(stack.dynamodb_url, headers=request, content="{}", trust_env=False).status_code == 200
    request |= {"Host": "attacker.example"}
    assert httpx.post(stack.dynamodb_url, headers=request, content="{}", trust_env=False).status_code == 404


@pytest.mark.parametrize("service", ["lambda", "batch", "codebuild", "s3", "iam", "kms"])
def test_services_that_are_not_used_are_not_served(stack: Stack, service: str) -> None:
    request = {"Authorization": signed_for(service)}
    answer = httpx.get(stack.environment["AWS_ENDPOINT_URL_SQS"], headers=request, trust_env=False)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/"])
def test_moto_takes_no_commands(stack: Stack, path: str) -> None:
    answer = httpx.post(stack.environment["AWS_ENDPOINT_URL_SQS"] + path, trust_env=False)
    assert answer.status_code == 403


def test_other_users_cannot_read_what_the_stack_writes(stack: Stack) -> None:
    assert readable_by_others(stack.log.parent) == []


def test_other_users_cannot_read_the_database(tmp_path: Path) -> None:
    with run_engine(tmp_path) as engine:
        create_table(engine.wait(), PROPERTIES)
        files = {each.name for each in (tmp_path / "dynamodb").iterdir()}
        assert files == {f"shared-local-instance.db{suffix}" for suffix in ("", "-shm", "-wal")}
        assert readable_by_others(tmp_path) == []


def test_a_data_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    directory = tmp_path / ".local"
    (directory / "dynamodb").mkdir(mode=0o755, parents=True)
    for file in directory / "stack.log", directory / "dynamodb" / "contacts.db":
        file.touch(mode=0o644)
    with locked(directory, patience_seconds=0):
        assert readable_by_others(tmp_path) == []


@pytest.mark.parametrize("change", ["altered", "missing", "added"])
def test_a_jar_that_is_not_the_pinned_one_does_not_run(tmp_path: Path, change: str) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    for jar in find_jars().iterdir():
        (jars / jar.name).symlink_to(jar)
    verify_jars(jars)
    victim = jars / ("evil.jar" if change == "added" else "guava-33.4.0-jre.jar")
    victim.unlink(missing_ok=True)
    if change != "missing":
        shutil.copy(Path(__file__), victim)
    with pytest.raises(CannotStart, match=rf": {victim.name}$"):
        verify_jars(jars)


def signed_for(service: str) -> str:
    """An Authorization header that a client of the service sends. Nobody checks the signature."""
    scope = f"{aws.CREDENTIALS['AWS_ACCESS_KEY_ID']}/20260101/{aws.CREDENTIALS['AWS_REGION']}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def readable_by_others(directory: Path) -> list[Path]:
    """Files and folders, the directory included, with a permission for anybody but their owner."""
    found = [directory, *directory.rglob("*")]
    return [path for path in found if path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]

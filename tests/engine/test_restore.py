"""The restore of docs/operations.md on the local engine: copy, break, restore, check, and back to work.

Writing the rows of the copy into a table of another name stands for AWS's point-in-time recovery, which makes one.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import boto3
import pytest
from moto import mock_aws

from admin.__main__ import main
from contacts.access.authorizer import Unauthorized
from contacts.domain.changes import Change
from contacts.domain.errors import CursorExpired
from contacts.domain.source import Source
from contacts.storage.changes import ChangeLog
from contacts.storage.contacts import ContactRepository
from local.emulator import aws
from local.emulator.engine import create_table
from tests.conftest import forget, use_endpoint
from tests.engine.table import NAME, PROPERTIES, Row, Table
from tests.events import sample_event
from tests.handlers import PEPPER, invoke

RESTORED = f"{NAME}-20261127"
PROBLEMS = {"The contact has no pointer.", "The pointer leads to no contact.", "The key is not in its tenant's list."}

type Run = Callable[..., Any]


@pytest.fixture
def run(
    engine: str, whole_table: Table, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Runs a command on a table, like a process of its own, and returns its exit code and what it printed as JSON."""

    def run(table: str, *arguments: str) -> tuple[int, Any]:
        use(table)
        with pytest.raises(SystemExit) as exited:
            main(["--table", table, *arguments, "--json"])
        output = capsys.readouterr()
        assert output.err == ""
        assert isinstance(exited.value.code, int)
        return int(exited.value.code), json.loads(output.out)

    def use(table: str) -> None:
        use_endpoint(monkeypatch, engine)
        monkeypatch.setenv("TABLE_NAME", table)
        forget()

    with mock_aws():
        for name, secret in ("key-pepper", PEPPER), ("signing-root", "root"):
            boto3.client("secretsmanager").create_secret(Name=f"contacts/local/{name}", SecretString=secret)
        boto3.client("apigateway").create_rest_api(name="contacts-local")
        monkeypatch.setenv("CONTACTS_STAGE", "local")
        before = whole_table.replace([])
        yield run
        whole_table.replace(before)
        client = aws.connect("dynamodb", engine)
        for name in {RESTORED}.intersection(client.list_tables()["TableNames"]):
            client.delete_table(TableName=name)


def is_accepted(key: str) -> bool:
    event = deepcopy(sample_event("authorizer")) | {"headers": {"Authorization": f"Bearer {key}"}}
    try:
        return bool(invoke("authorizer", event)["policyDocument"])
    except Unauthorized:
        return False


def break_table(table: Table) -> None:
    """Loses every other row."""
    for row in table.rows()[::2]:
        table.remove(row)


def restore(engine: str, copy: list[Row]) -> None:
    create_table(engine, PROPERTIES | {"TableName": RESTORED})
    for row in copy:
        aws.connect("dynamodb", engine).put_item(TableName=RESTORED, Item=row)


def test_a_lost_table_is_restored_and_its_tenants_work_on(run: Run, engine: str, whole_table: Table) -> None:
    _, tenant = run(NAME, "tenant", "create", "Acme")
    _, tag = run(NAME, "tag", "create", tenant["id"], "VIP")
    _, key = run(NAME, "key", "create", tenant["id"], "--name", "CRM", "--scope", "contacts:read")
    contacts, log = ContactRepository(tenant["id"]), ChangeLog(tenant["id"])
    for number in range(10):
        contact, _ = contacts.upsert(f"4915{number:08}", "Ada")
        contacts.assign_tag(contact.id, tag["id"], Source.API, "asked")
    log.append([Change("cada-1-0", "contact.created", None, "API", 1)])
    cursor = log.page(None).cursor
    before = contacts.page(None, 100).contacts
    copy = whole_table.rows()

    contacts.upsert("4915999999999", "Too late")
    _, late_key = run(NAME, "key", "create", tenant["id"], "--name", "Late", "--scope", "contacts:read")
    break_table(whole_table)
    exit_code, found = run(NAME, "check")
    assert exit_code == 1
    assert {each["problem"] for each in found["findings"]} & PROBLEMS

    restore(engine, copy)
    assert run(RESTORED, "check") == (0, {"items": len(copy), "findings": []})
    [gateway_key] = boto3.client("apigateway").get_api_keys(nameQuery=key["key_id"])["items"]
    boto3.client("apigateway").delete_api_key(apiKey=gateway_key["id"])
    assert run(RESTORED, "key", "restore") == (0, {"restored_keys": 1, "accepted_keys": 1})
    assert run(RESTORED, "changes", "reset", "--all", "--yes")[0] == 0

    assert ContactRepository(tenant["id"]).page(None, 100).contacts == before
    with pytest.raises(CursorExpired):
        ChangeLog(tenant["id"]).page(cursor)
    assert (is_accepted(key["key"]), is_accepted(late_key["key"])) == (True, False)

"""`audit list`: who did what. Entries are written in the transactions of the actions."""

import re

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb.service_resource import Table

from tests.admin.conftest import Run, aws

IDENTITY = "arn:aws:sts::123456789012:user/moto"
NOBODY = "c" + "0" * 24
OPTIONS = "--name", "CRM of Zoë", "--scope", "contacts:read", "--json"


def actions(run: Run, tenant_id: str) -> list[tuple[str, str | None]]:
    return [(each["action"], each["subject"]) for each in run("audit", "list", tenant_id, "--json").records]


def test_what_is_done_to_a_tenant_its_keys_and_its_tags_is_listed_with_time_and_identity(
    run: Run, tenant_id: str, other_tenant_id: str, table: Table
) -> None:
    tag_id = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    key_id = run("key", "create", tenant_id, *OPTIONS).records["key_id"]
    new_id = run("key", "rotate", tenant_id, key_id, "--json").records["key_id"]
    run("key", "revoke", tenant_id, key_id, "--yes")
    run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes")
    run("tenant", "suspend", tenant_id, "--yes")
    run("tenant", "resume", tenant_id)
    expected = [
        ("key.created", key_id),
        ("key.rotated", key_id),
        ("key.created", new_id),
        ("key.revoked", key_id),
        ("tag.deleted", tag_id),
        ("tenant.suspended", None),
        ("tenant.resumed", None),
    ]
    assert sorted(actions(run, tenant_id), key=expected.index) == expected
    entries = run("audit", "list", tenant_id, "--json").records
    assert {each["identity"] for each in entries} == {IDENTITY}
    assert [each["done_at"] for each in entries] == sorted(each["done_at"] for each in entries)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each["done_at"]) for each in entries)
    assert actions(run, other_tenant_id) == []
    run("tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes")
    after = actions(run, tenant_id)
    assert after[len(expected) :] == [("tenant.deletion_began", None), ("tenant.deleted", None)]
    stored = str([item for item in table.scan()["Items"] if str(item["pk"]).startswith("AUDIT#")])
    assert not re.search("Acme|VIP|CRM|Zoë", stored)


def test_repeating_an_action_that_is_done_adds_no_entry(run: Run, tenant_id: str) -> None:
    tag_id = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    key_id = run("key", "create", tenant_id, *OPTIONS).records["key_id"]
    for _ in range(2):
        assert run("key", "revoke", tenant_id, key_id, "--yes", "--json").records["status"] == "REVOKED"
        assert run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes").exit_code == 0
    assert [action for action, _ in actions(run, tenant_id)] == ["key.created", "key.revoked", "tag.deleted"]


def test_a_refused_action_leaves_no_entry(run: Run, tenant_id: str) -> None:
    assert run("key", "revoke", tenant_id, NOBODY, "--yes").exit_code == 1
    assert run("tag", "delete", tenant_id, NOBODY, "--yes").exit_code == 1
    assert run("audit", "list", tenant_id).stdout == "There are none.\n"


def test_without_an_identity_nothing_is_done(run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetCallerIdentity")

    monkeypatch.setattr("admin.audit._identity", fail)
    exit_code, line = run("key", "create", tenant_id, *OPTIONS).refusal
    assert (exit_code, line.startswith("Error: AWS does not accept the credentials (ExpiredToken).")) == (1, True)
    assert run("key", "list", tenant_id, "--json").records == []
    assert aws("apigateway").get_api_keys()["items"] == []


def test_an_unknown_tenant_is_refused(run: Run) -> None:
    refusal = 1, f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n"
    assert run("audit", "list", NOBODY).refusal == refusal
    assert run("audit", "list", "AUDIT").exit_code == 1

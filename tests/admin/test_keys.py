import re
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.tables import ApiKeyItem, TenantApiKey
from tests.admin.conftest import Outcome, Run
from tests.gateway import invoke

METHOD_ARN = "arn:aws:execute-api:eu-central-1:123456789012:api/local/GET/v1/contacts/by-phone"
NOBODY = "c" + "0" * 24


def create(run: Run, tenant_id: str, *options: str) -> Outcome:
    return run("key", "create", tenant_id, "--name", "CRM", *options, "--json")


def authorize(key: str) -> Any:
    """What the authorizer lets the functions know of a key."""
    event = {"headers": {"Authorization": f"Bearer {key}"}, "methodArn": METHOD_ARN}
    return invoke("authorizer", event)["context"]


def test_a_new_key_opens_the_api_for_its_tenant(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:write").records
    assert created == {
        "key_id": created["key_id"],
        "prefix": created["key"][:14],
        "name": "CRM",
        "scopes": ["contacts:read", "contacts:write"],
        "status": "ACTIVE",
        "created_at": created["created_at"],
        "expires_at": None,
        "last_used_at": None,
        "key": created["key"],
    }
    assert re.fullmatch(r"sflo_live_[A-Za-z0-9_-]{43}", created["key"])
    assert authorize(created["key"]) == {
        "tenantId": tenant_id,
        "keyId": created["key_id"],
        "name": "CRM",
        "scopes": "contacts:read contacts:write",
        "rateLimit": "80",
        "expiresAt": "",
        "requireSignature": "false",
        "ipAllowlist": "",
    }


def test_a_key_is_shown_once_and_never_stored(run: Run, tenant_id: str, table: Table) -> None:
    shown = run("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read").stdout
    key = re.search(r"sflo_live_[A-Za-z0-9_-]{43}", shown)
    assert key
    assert shown.endswith("Hand the key over now: it cannot be shown again.\n")
    assert key[0] not in str(table.scan()["Items"])
    assert key[0] not in run("key", "list", tenant_id).stdout + run("key", "list", tenant_id, "--json").stdout


def test_a_scope_given_twice_counts_once(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:read").records
    assert created["scopes"] == ["contacts:read"]


def test_an_unknown_scope_is_refused(run: Run, tenant_id: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:admin").refusal == (
        2,
        "Error: There is no scope 'contacts:admin'. Choose from contacts:read, contacts:write.\n",
    )
    assert run("key", "list", tenant_id, "--json").records == []


def test_a_key_without_scopes_is_refused(run: Run, tenant_id: str) -> None:
    exit_code, line = create(run, tenant_id).refusal
    assert (exit_code, line.splitlines()[-1]) == (2, "Error: Missing option '--scope'.")


@pytest.mark.parametrize("name", ["", "x" * 65, "a\tb"])
def test_a_name_that_cannot_be_is_refused(run: Run, tenant_id: str, name: str) -> None:
    exit_code, line = run("key", "create", tenant_id, "--name", name, "--scope", "contacts:read").refusal
    assert (exit_code, line[:23]) == (2, "Error: The key's name m")


@pytest.mark.parametrize(
    ("written", "stored"),
    [("2199-01-31", "2199-01-31T00:00:00.000Z"), ("2199-01-31T12:30:00Z", "2199-01-31T12:30:00.000Z")],
)
def test_an_expiry_is_in_utc(run: Run, tenant_id: str, written: str, stored: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--expires-at", written).records["expires_at"] == stored


def test_an_expiry_in_the_past_is_refused(run: Run, tenant_id: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--expires-at", "2020-01-31").refusal == (
        2,
        "Error: The key would be expired from the start. Choose an --expires-at in the future.\n",
    )


@pytest.mark.parametrize("tenant_id", [NOBODY, "acme", "", "a#b"])
def test_a_key_for_nobody_is_refused(run: Run, table: Table, tenant_id: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read").refusal == (
        1,
        f"Error: There is no tenant {tenant_id!r}. `python -m admin tenant list` shows them all.\n",
    )
    assert table.scan()["Items"] == []


def test_without_the_pepper_there_are_no_keys(run: Run, tenant_id: str) -> None:
    outcome = run(
        "--table",
        "contacts-local",
        "--stage",
        "prod",
        "key",
        "create",
        tenant_id,
        "--name",
        "CRM",
        "--scope",
        "contacts:read",
    )
    assert outcome.refusal == (
        1,
        "Error: There is no secret 'contacts/prod/key-pepper'. Deploy the stack, or pass its --stage.\n",
    )


def test_the_list_says_all_of_a_key_but_the_key(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    first, second, foreign = (
        create(run, owner, "--scope", "contacts:read", "--expires-at", "2199-01-31").records
        for owner in (tenant_id, tenant_id, other_tenant_id)
    )
    authorize(second["key"])
    listed = run("key", "list", tenant_id, "--json").records
    used_at = listed[1]["last_used_at"]
    assert used_at > second["created_at"]
    del first["key"], second["key"], foreign["key"]
    assert listed == [first, second | {"last_used_at": used_at}]
    assert run("key", "list", other_tenant_id, "--json").records == [foreign]


def test_the_list_has_every_key_however_many(run: Run, tenant_id: str) -> None:
    names = [f"Key {number:03}" for number in range(130)]  # more than one BatchGetItem takes
    with ApiKeyItem.batch_write() as keys, TenantApiKey.batch_write() as listings:
        for name in names:
            key_id = f"c{name[-3:]}0000000"
            key = ApiKeyItem(*ApiKeyItem.key(name), tenant_id=tenant_id, key_id=key_id, name=name, prefix=name)
            key.scopes, key.status, key.created_at = ["contacts:read"], "ACTIVE", f"2026-01-01T00:00:00.{name[-3:]}Z"
            keys.save(key)
            listings.save(TenantApiKey(*TenantApiKey.key(tenant_id, key_id), key_hash=name))
    assert [key["name"] for key in run("key", "list", tenant_id, "--json").records] == names


def test_the_table_of_keys_is_for_people(run: Run, tenant_id: str) -> None:
    create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:write", "--expires-at", "2199-01-31")
    headings, _, row = run("key", "list", tenant_id).stdout.splitlines()[1:4]
    assert re.split(r" *┃ *", headings)[1:-1] == [
        *("Key id", "Prefix", "Name", "Scopes", "Status", "Created at", "Expires at", "Last used at"),
    ]
    assert re.split(r" *│ *", row)[3:6] == ["CRM", "contacts:read, contacts:write", "ACTIVE"]
    assert re.split(r" *│ *", row)[7:9] == ["2199-01-31 00:00", ""]


def test_the_keys_of_nobody_cannot_be_listed(run: Run) -> None:
    assert run("key", "list", NOBODY).refusal == (
        1,
        f"Error: There is no tenant {NOBODY!r}. `python -m admin tenant list` shows them all.\n",
    )


def test_a_revoked_key_opens_nothing_any_more(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read").records
    key = created.pop("key")
    revoked = run("key", "revoke", tenant_id, created["key_id"], "--json").records
    assert revoked == created | {"status": "REVOKED"}
    assert run("key", "list", tenant_id, "--json").records == [revoked]
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(key)


def test_revoking_twice_is_revoking(run: Run, tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    once, twice = (run("key", "revoke", tenant_id, key_id, "--json").records for _ in range(2))
    assert once == twice


def test_a_tenant_cannot_lose_another_tenants_key(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    assert run("key", "revoke", other_tenant_id, key_id).refusal == (
        1,
        f"Error: The tenant has no key {key_id!r}. `python -m admin key list {other_tenant_id}` shows them all.\n",
    )
    assert [key["status"] for key in run("key", "list", tenant_id, "--json").records] == ["ACTIVE"]


@pytest.mark.parametrize("key_id", [NOBODY, "", "sflo_live_abcd", "a#b"])
def test_what_is_no_key_cannot_be_revoked(run: Run, tenant_id: str, key_id: str) -> None:
    assert run("key", "revoke", tenant_id, key_id).refusal == (
        1,
        f"Error: The tenant has no key {key_id!r}. `python -m admin key list {tenant_id}` shows them all.\n",
    )

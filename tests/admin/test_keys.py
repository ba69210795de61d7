import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from admin import keys as keys_module
from contacts.access.signatures import signing_secret
from contacts.storage.items import ApiKeyItem, TenantApiKey
from contacts.storage.table import connection
from tests.admin.conftest import SIGNING_ROOT, Outcome, Run
from tests.handlers import invoke

METHOD_ARN = "arn:aws:execute-api:eu-central-1:123456789012:api/local/GET/v1/contacts/by-phone"
NOBODY = "c" + "0" * 24


def create(run: Run, tenant_id: str, *options: str) -> Outcome:
    return run("key", "create", tenant_id, "--name", "CRM", *options, "--json")


def authorize(key: str) -> Any:
    """The context that the authorizer returns for a key."""
    event = {"headers": {"Authorization": f"Bearer {key}"}, "methodArn": METHOD_ARN}
    return invoke("authorizer", event)["context"]


def test_the_authorizer_accepts_a_new_key_for_its_tenant(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:write").records
    assert created == {
        "key_id": created["key_id"],
        "prefix": created["key"][:14],
        "name": "CRM",
        "scopes": ["contacts:read", "contacts:write"],
        "status": "ACTIVE",
        "rate_limit": 80,
        "require_signature": False,
        "ip_allowlist": [],
        "created_at": created["created_at"],
        "expires_at": None,
        "last_used_at": None,
        "pepper_version": 1,
        "signing_version": None,
        "key": created["key"],
        "signing_secret": None,
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
        "signingVersion": "1",
        "ipAllowlist": "",
    }


def test_a_key_is_shown_once_and_never_stored(run: Run, tenant_id: str, table: Table) -> None:
    shown = run("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read").stdout
    key = re.search(r"sflo_live_[A-Za-z0-9_-]{43}", shown)
    assert key
    assert shown.endswith("Store the key now: it cannot be shown again. On AWS it works after some seconds.\n")
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
def test_an_invalid_name_is_refused(run: Run, tenant_id: str, name: str) -> None:
    exit_code, line = run("key", "create", tenant_id, "--name", name, "--scope", "contacts:read").refusal
    assert (exit_code, line[:23]) == (2, "Error: The key's name m")


@pytest.mark.parametrize(
    ("written", "stored"),
    [("2199-01-31", "2199-01-31T00:00:00.000Z"), ("2199-01-31T12:30:00Z", "2199-01-31T12:30:00.000Z")],
)
def test_an_expiry_is_in_utc(run: Run, tenant_id: str, written: str, stored: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--expires", written).records["expires_at"] == stored


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_an_expiry_that_has_no_year_in_utc_is_refused(run: Run, tenant_id: str, written: str) -> None:
    exit_code, line = create(run, tenant_id, "--scope", "contacts:read", "--expires", written).refusal
    assert exit_code == 2
    assert line.endswith(f"Invalid value for '--expires': {written!r} is not between the years 1 and 9999 in UTC.\n")


def test_an_expiry_in_the_past_is_refused(run: Run, tenant_id: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--expires", "2020-01-31").refusal == (
        2,
        "Error: The key works until the time of --expires. Choose one in the future.\n",
    )


@pytest.mark.parametrize("tenant_id", [NOBODY, "acme", "", "a#b"])
def test_a_key_for_an_unknown_tenant_is_refused(run: Run, table: Table, tenant_id: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read").refusal == (
        1,
        f"Error: There is no tenant {tenant_id!r}. List all tenants with `python -m admin tenant list`.\n",
    )
    assert table.scan()["Items"] == []


def test_without_a_pepper_no_key_is_created(run: Run, tenant_id: str) -> None:
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
        "Error: There is no secret 'contacts/prod/key-pepper'. Deploy the stack, or choose another --stage.\n",
    )


def test_the_list_has_every_setting_of_a_key_but_not_the_key_itself(
    run: Run, tenant_id: str, other_tenant_id: str
) -> None:
    first, second, foreign = (
        create(run, owner, "--scope", "contacts:read", "--expires", "2199-01-31").records
        for owner in (tenant_id, tenant_id, other_tenant_id)
    )
    authorize(second["key"])
    listed = run("key", "list", tenant_id, "--json").records
    used_at = listed[1]["last_used_at"]
    assert used_at > second["created_at"]
    for issued in (first, second, foreign):
        del issued["key"], issued["signing_secret"]
        issued["old_secrets"] = []
    assert listed == [first, second | {"last_used_at": used_at}]
    assert run("key", "list", other_tenant_id, "--json").records == [foreign]


def test_the_list_has_more_keys_than_one_batch(run: Run, tenant_id: str) -> None:
    names = [f"Key {number:03}" for number in range(130)]  # one BatchGetItem reads 100
    with ApiKeyItem.batch_write() as keys, TenantApiKey.batch_write() as listings:
        for name in names:
            key_id = f"c{name[-3:]}0000000"
            key = ApiKeyItem(*ApiKeyItem.key(name), tenant_id=tenant_id, key_id=key_id, name=name, prefix=name)
            key.scopes, key.status, key.created_at = ["contacts:read"], "ACTIVE", f"2026-01-01T00:00:00.{name[-3:]}Z"
            keys.save(key)
            listings.save(TenantApiKey(*TenantApiKey.key(tenant_id, key_id), key_hash=name))
    assert [key["name"] for key in run("key", "list", tenant_id, "--json").records] == names


def cells(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_keys_are_shown_as_a_table(run: Run, tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read", "--expires", "2199-01-31").records["key_id"]
    titles, _, row = run("key", "list", tenant_id).stdout.splitlines()[:3]
    assert cells(titles) == ["Key id", "Name", "Status", "Expires at (UTC)", "Old secrets"]
    assert cells(row) == [key_id, "CRM", "ACTIVE", "2199-01-31 00:00"]


@pytest.fixture
def keys(run: Run, tenant_id: str) -> dict[str, str]:
    """Status → id of a key, in the order in which they were created."""
    ids = {
        status: create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
        for status in ("REVOKED", "EXPIRED", "ACTIVE")
    }
    run("key", "revoke", tenant_id, ids["REVOKED"], "--yes")
    run("secret", "rotate", "pepper")
    ids["new"] = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    item = keys_module._read(tenant_id, ids["EXPIRED"])
    item.update([ApiKeyItem.valid_until.set("2026-01-31T00:00:00.000Z")])
    return ids


def listed(run: Run, tenant_id: str, *options: str) -> list[str]:
    return [key["key_id"] for key in run("key", "list", tenant_id, *options, "--json").records]


def test_an_expired_key_is_shown_as_expired(run: Run, tenant_id: str, keys: dict[str, str]) -> None:
    shown = run("key", "list", tenant_id, "--json").records
    assert [key["status"] for key in shown] == ["REVOKED", "EXPIRED", "ACTIVE", "ACTIVE"]
    assert run("key", "show", tenant_id, keys["EXPIRED"], "--json").records["status"] == "EXPIRED"


def test_keys_can_be_filtered(run: Run, tenant_id: str, keys: dict[str, str]) -> None:
    for status in ("REVOKED", "EXPIRED"):
        assert listed(run, tenant_id, "--status", status) == [keys[status]]
    assert listed(run, tenant_id, "--status", "ACTIVE") == [keys["ACTIVE"], keys["new"]]
    assert listed(run, tenant_id, "--old-secrets") == [keys["REVOKED"], keys["EXPIRED"], keys["ACTIVE"]]
    assert listed(run, tenant_id, "--old-secrets", "--status", "ACTIVE") == [keys["ACTIVE"]]


def test_keys_are_shown_in_pages(run: Run, tenant_id: str, keys: dict[str, str]) -> None:
    ids = list(keys.values())
    assert listed(run, tenant_id, "--limit", "3") == ids[:3]
    assert listed(run, tenant_id, "--limit", "3", "--page", "2") == ids[3:]
    assert listed(run, tenant_id, "--limit", "3", "--page", "3") == []
    assert listed(run, tenant_id, "--limit", "1", "--page", "2", "--status", "ACTIVE") == [keys["new"]]
    said = run("key", "list", tenant_id, "--limit", "3", "--page", "2").stdout
    assert said.endswith("1 of 4 keys, page 2 of 2.\n")


def test_a_page_without_a_limit_is_refused(run: Run, tenant_id: str) -> None:
    assert run("key", "list", tenant_id, "--page", "2").refusal == (2, "Error: --page needs --limit.\n")


def test_quiet_prints_the_key_alone(run: Run, tenant_id: str) -> None:
    options = "--name", "CRM", "--scope", "contacts:read", "--quiet"
    key = run("key", "create", tenant_id, *options).stdout.removesuffix("\n")
    assert re.fullmatch(r"sflo_live_[A-Za-z0-9_-]{43}", key)
    old_id = authorize(key)["keyId"]
    new = run("key", "rotate", tenant_id, old_id, "--quiet").stdout.removesuffix("\n")
    assert re.fullmatch(r"sflo_live_[A-Za-z0-9_-]{43}", new)
    assert authorize(new)["keyId"] != old_id


def test_quiet_prints_the_signing_secret_on_a_second_line(run: Run, tenant_id: str) -> None:
    options = "--name", "CRM", "--scope", "contacts:read", "--require-signature", "--quiet"
    key, secret = run("key", "create", tenant_id, *options).stdout.splitlines()
    assert secret == signing_secret(SIGNING_ROOT, authorize(key)["keyId"])


@pytest.mark.parametrize("command", ["create", "rotate"])
def test_quiet_and_json_exclude_each_other(run: Run, tenant_id: str, command: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    arguments = {"create": ["--name", "CRM", "--scope", "contacts:read"], "rotate": [key_id]}
    refusal = run("key", command, tenant_id, *arguments[command], "--quiet", "--json").refusal
    assert refusal == (2, "Error: Pass either --quiet or --json.\n")
    assert listed(run, tenant_id) == [key_id]


def test_a_rotation_shows_its_key_even_if_the_table_fails_after_it(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--scope", "contacts:read").records
    reads = Counter[str]()

    def count(model: Any, **_: object) -> None:
        reads[model.name] += 1

    events = connection().client.meta.events
    events.register("after-call.dynamodb", count)
    try:
        run("key", "rotate", tenant_id, old["key_id"], "--json")
    finally:
        events.unregister("after-call.dynamodb", count)
    assert list(reads)[-1] == "TransactWriteItems"  # nothing that could fail comes after it


def test_listing_the_keys_of_an_unknown_tenant_is_refused(run: Run) -> None:
    assert run("key", "list", NOBODY).refusal == (
        1,
        f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n",
    )


def test_the_authorizer_refuses_a_revoked_key(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read").records
    key = created.pop("key")
    del created["signing_secret"]
    revoked = run("key", "revoke", tenant_id, created["key_id"], "--json", "--yes").records
    assert revoked == created | {"status": "REVOKED"}
    assert run("key", "list", tenant_id, "--json").records == [revoked | {"old_secrets": []}]
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(key)


def test_revoking_again_changes_nothing(run: Run, tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    once, twice = (run("key", "revoke", tenant_id, key_id, "--json", "--yes").records for _ in range(2))
    assert once == twice


@pytest.mark.parametrize("key_id", [NOBODY, "", "sflo_live_abcd", "a#b"])
def test_revoking_an_unknown_key_is_refused(run: Run, tenant_id: str, key_id: str) -> None:
    assert run("key", "revoke", tenant_id, key_id, "--yes").refusal == (
        1,
        f"Error: The tenant has no key {key_id!r}. List its keys with `python -m admin key list {tenant_id}`.\n",
    )


def test_a_key_can_have_its_own_rate_limit(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--rate-limit", "5").records
    assert created["rate_limit"] == 5
    assert authorize(created["key"])["rateLimit"] == "5"


@pytest.mark.parametrize("rate_limit", ["0", "-1", "10001"])
def test_an_impossible_rate_limit_is_refused(run: Run, tenant_id: str, rate_limit: str) -> None:
    assert create(run, tenant_id, "--scope", "contacts:read", "--rate-limit", rate_limit).refusal == (
        2,
        f"Error: The rate limit must be 1 to 10000 requests per second, not {rate_limit}.\n",
    )


def test_a_key_that_requires_signatures_is_shown_with_its_signing_secret(
    run: Run, tenant_id: str, table: Table
) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--require-signature").records
    assert created["signing_secret"] == signing_secret(SIGNING_ROOT, created["key_id"])
    assert authorize(created["key"])["requireSignature"] == "true"
    assert created["signing_secret"] not in str(table.scan()["Items"])
    assert created["signing_secret"] not in run("key", "show", tenant_id, created["key_id"]).stdout


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.7", "203.0.113.7/32"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_key_can_be_restricted_to_address_blocks(run: Run, tenant_id: str, written: str, stored: str) -> None:
    allowed = "--allow-ip", "192.0.2.0/24", "--allow-ip", written, "--allow-ip", written
    created = create(run, tenant_id, "--scope", "contacts:read", *allowed).records
    assert created["ip_allowlist"] == ["192.0.2.0/24", stored]
    assert authorize(created["key"])["ipAllowlist"] == f"192.0.2.0/24 {stored}"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("203.0.113.7/24", "203.0.113.7/24 has host bits set. Write it as 203.0.113.0/24, "),
        ("203.0.113.0/33", "'203.0.113.0/33' does not appear to be an IPv4 or IPv6 network. Write it as "),
        ("203.0.113.0/24,192.0.2.1", "'203.0.113.0/24,192.0.2.1' does not "),
        ("example.com", "'example.com' does not appear to be an IPv4 or IPv6 network. Write it as "),
        ("", "'' does not appear to be an IPv4 or IPv6 network. Write it as "),
        ("::ffff:203.0.113.0/120", "'::ffff:203.0.113.0/120' contains IPv4 addresses in IPv6 form, "),
    ],
)
def test_an_invalid_address_block_is_refused(run: Run, tenant_id: str, written: str, problem: str) -> None:
    exit_code, line = create(run, tenant_id, "--scope", "contacts:read", "--allow-ip", written).refusal
    assert (exit_code, line.count("\n")) == (2, 1)
    assert line.startswith(f"Error: {problem}")
    assert run("key", "list", tenant_id, "--json").records == []


def test_a_key_has_at_most_50_address_blocks(run: Run, tenant_id: str) -> None:
    allowed = [option for last in range(51) for option in ("--allow-ip", f"203.0.113.{last}")]
    assert create(run, tenant_id, "--scope", "contacts:read", *allowed).refusal == (
        2,
        "Error: A key can have at most 50 address blocks, not 51.\n",
    )


def test_the_settings_of_a_key_can_be_shown(run: Run, tenant_id: str) -> None:
    created = create(run, tenant_id, "--scope", "contacts:read", "--require-signature").records
    authorize(created["key"])
    shown = run("key", "show", tenant_id, created["key_id"], "--json").records
    assert shown["last_used_at"] > created["created_at"]
    del created["key"], created["signing_secret"]
    assert shown == created | {"last_used_at": shown["last_used_at"]}


SETTINGS = "--rate-limit", "5", "--require-signature", "--allow-ip", "203.0.113.0/24"


def test_rotation_copies_the_settings_and_the_old_key_works_for_one_more_day(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--scope", "contacts:read", "--scope", "contacts:write", *SETTINGS).records
    new = run("key", "rotate", tenant_id, old["key_id"], "--json").records
    end = new.pop("old_key_works_until")
    in_a_day = datetime.now(UTC) + timedelta(days=1)
    assert abs(datetime.fromisoformat(end) - in_a_day) < timedelta(minutes=1)
    its_own = {name: new[name] for name in ("key_id", "key", "prefix", "signing_secret", "created_at")}
    assert new == old | its_own
    assert all(old[name] != value for name, value in its_own.items())
    told = authorize(new["key"])
    assert authorize(old["key"]) == told | {"keyId": old["key_id"], "expiresAt": end}


def test_the_old_key_expires_at_the_given_time(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--scope", "contacts:read").records
    end = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    new = run("key", "rotate", tenant_id, old["key_id"], "--keep-old-until", end, "--json").records
    authorize(old["key"])
    time.sleep(1.6)
    authorize(new["key"])
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(old["key"])


def test_rotation_shows_when_the_old_key_expires(run: Run, tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    said = run("key", "rotate", tenant_id, key_id, "--keep-old-until", "2199-01-31T12:00+01:00").stdout
    assert said.endswith(f"The old key, {key_id}, works until 2199-01-31T11:00:00.000Z. Revoke it afterwards.\n")


def test_rotating_a_key_that_expires_needs_a_new_expiry_and_does_not_prolong_the_old_key(
    run: Run, tenant_id: str
) -> None:
    old = create(run, tenant_id, "--scope", "contacts:read", "--expires", "2198-01-31").records
    rotate = "key", "rotate", tenant_id, old["key_id"], "--keep-old-until", "2199-01-01"
    assert run(*rotate).refusal == (
        2,
        "Error: The key expires at 2198-01-31T00:00:00.000Z. Say with --expires when the new one expires.\n",
    )
    new = run(*rotate, "--expires", "2199-01-31", "--json").records
    assert new["expires_at"] == "2199-01-31T00:00:00.000Z"
    assert new["old_key_works_until"] == "2198-01-31T00:00:00.000Z"


@pytest.mark.parametrize("option", ["--keep-old-until", "--expires"])
def test_rotation_refuses_times_in_the_past(run: Run, tenant_id: str, option: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    assert run("key", "rotate", tenant_id, key_id, option, "2020-01-31").refusal == (
        2,
        f"Error: The key works until the time of {option}. Choose one in the future.\n",
    )
    assert len(run("key", "list", tenant_id, "--json").records) == 1


def test_a_revoked_key_cannot_be_rotated(run: Run, tenant_id: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    run("key", "revoke", tenant_id, key_id, "--yes")
    assert run("key", "rotate", tenant_id, key_id).refusal == (
        1,
        f"Error: Key {key_id!r} is revoked. Create a new one with `python -m admin key create`.\n",
    )


@pytest.mark.parametrize("command", ["show", "rotate", "revoke"])
def test_another_tenants_key_is_not_found(run: Run, tenant_id: str, other_tenant_id: str, command: str) -> None:
    key_id = create(run, tenant_id, "--scope", "contacts:read").records["key_id"]
    assert run("key", command, other_tenant_id, key_id).refusal == (
        1,
        f"Error: The tenant has no key {key_id!r}. List its keys with `python -m admin key list {other_tenant_id}`.\n",
    )
    (key,) = run("key", "list", tenant_id, "--json").records
    assert (key["status"], key["expires_at"]) == ("ACTIVE", None)

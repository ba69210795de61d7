"""Rotation of the pepper and of the signing root: new keys use the new version, old keys go on working."""

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from contacts.access import secrets
from contacts.access.signatures import signing_secret
from tests.admin.conftest import SIGNING_ROOT, Run, aws
from tests.admin.test_keys import authorize
from tests.handlers import PEPPER

NAMES = {"pepper": "contacts/local/key-pepper", "signing-root": "contacts/local/signing-root"}


@pytest.fixture(autouse=True)
def _nothing_read() -> Iterator[None]:
    """The authorizer has read no secret yet."""
    with mock.patch.dict(secrets._kept, clear=True):
        yield


def create(run: Run, tenant_id: str, *options: str) -> dict[str, Any]:
    name_and_scope = "--name", "CRM", "--scope", "contacts:read"
    created: dict[str, Any] = run("key", "create", tenant_id, *name_and_scope, *options, "--json").records
    return created


def value(secret: str) -> str:
    text: str = aws("secretsmanager").get_secret_value(SecretId=NAMES[secret])["SecretString"]
    return text


@pytest.mark.parametrize(("secret", "first"), [("pepper", PEPPER), ("signing-root", SIGNING_ROOT)])
def test_rotation_adds_a_version_and_keeps_the_old_ones(run: Run, secret: str, first: str) -> None:
    assert value(secret) == first
    assert run("secret", "rotate", secret, "--json").records == {"secret": secret, "version": 2}
    assert run("secret", "rotate", secret, "--json").records == {"secret": secret, "version": 3}
    versions = json.loads(value(secret))
    assert list(versions) == ["1", "2", "3"]
    assert versions["1"] == first
    assert re.fullmatch(r"[0-9a-f]{64}", versions["2"])
    assert re.fullmatch(r"[0-9a-f]{64}", versions["3"])
    assert versions["2"] != versions["3"]


@pytest.mark.parametrize("secret", NAMES)
def test_rotation_shows_no_secret_and_says_what_comes_next(run: Run, secret: str) -> None:
    shown = run("secret", "rotate", secret).stdout
    assert json.loads(value(secret))["2"] not in shown
    assert shown.endswith(
        "New keys use this version from now on, and existing keys go on working with theirs.\n"
        "`key list` shows which keys need an older version. Replace them with `key rotate`.\n"
    )


def test_old_and_new_keys_work_after_a_rotation_of_the_pepper(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id)
    run("secret", "rotate", "pepper")
    new = create(run, tenant_id)
    assert (old["pepper_version"], new["pepper_version"]) == (1, 2)
    assert [authorize(each["key"])["keyId"] for each in (old, new)] == [old["key_id"], new["key_id"]]


def test_signing_secrets_come_from_the_version_that_the_key_remembers(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--require-signature")
    run("secret", "rotate", "signing-root")
    new = create(run, tenant_id, "--require-signature")
    assert (old["signing_version"], new["signing_version"]) == (1, 2)
    assert old["signing_secret"] == signing_secret(SIGNING_ROOT, old["key_id"])
    assert new["signing_secret"] == signing_secret(json.loads(value("signing-root"))["2"], new["key_id"])
    assert [authorize(each["key"])["signingVersion"] for each in (old, new)] == ["1", "2"]


def test_the_list_shows_which_keys_need_an_older_version(run: Run, tenant_id: str) -> None:
    options: list[list[str]] = [[], ["--require-signature"]]
    for each in options:
        create(run, tenant_id, *each)
    run("secret", "rotate", "pepper")
    for each in options:
        create(run, tenant_id, *each)
    run("secret", "rotate", "signing-root")
    create(run, tenant_id, "--require-signature")
    assert [key["old_secrets"] for key in run("key", "list", tenant_id, "--json").records] == [
        ["pepper"],
        ["pepper", "signing-root"],
        [],
        ["signing-root"],
        [],
    ]


def test_a_rotated_key_uses_the_new_versions(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--require-signature")
    for secret in NAMES:
        run("secret", "rotate", secret)
    new = run("key", "rotate", tenant_id, old["key_id"], "--json").records
    assert (new["pepper_version"], new["signing_version"]) == (2, 2)
    shown = run("key", "show", tenant_id, old["key_id"], "--json").records
    assert (shown["pepper_version"], shown["signing_version"]) == (1, 1)


def test_the_versions_are_listed_with_the_active_keys_that_need_them(
    run: Run, tenant_id: str, other_tenant_id: str
) -> None:
    create(run, tenant_id)
    revoked = create(run, tenant_id)["key_id"]
    create(run, other_tenant_id, "--require-signature")
    run("key", "revoke", tenant_id, revoked, "--yes")
    run("secret", "rotate", "pepper")
    create(run, tenant_id)
    assert run("secret", "list", "--json").records == [
        {"secret": "pepper", "version": 1, "active_keys": 2},
        {"secret": "pepper", "version": 2, "active_keys": 1},
        {"secret": "signing-root", "version": 1, "active_keys": 1},
    ]


def test_of_two_rotations_at_the_same_moment_one_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = NAMES["pepper"]
    read = aws("secretsmanager").get_secret_value(SecretId=name)
    run("secret", "rotate", "pepper")
    rotated = value("pepper")
    with mock.patch("admin.secret_store._client") as client:  # has read the secret before the other one rotated it
        client.return_value = mock.Mock(wraps=aws("secretsmanager"), exceptions=aws("secretsmanager").exceptions)
        client.return_value.get_secret_value = lambda **_: read
        assert run("secret", "rotate", "pepper").refusal == (
            1,
            (
                f"Error: Another operator rotated secret {name!r} at the same moment. "
                "If you need one more version, run the command again.\n"
            ),
        )
    assert value("pepper") == rotated


@pytest.mark.parametrize("text", ["{", "{}", '{"one": "x"}', '{"1": 2}'])
def test_a_malformed_secret_is_not_rotated_and_makes_no_keys(run: Run, tenant_id: str, text: str) -> None:
    aws("secretsmanager").put_secret_value(SecretId=NAMES["pepper"], SecretString=text)
    refusal = (
        1,
        (
            "Error: The value of secret 'contacts/local/key-pepper' is neither plain text nor the JSON object that "
            "`secret rotate` writes. Restore its previous version in Secrets Manager.\n"
        ),
    )
    assert run("secret", "rotate", "pepper").refusal == refusal
    assert run("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read").refusal == refusal


@pytest.mark.parametrize("secret", ["", "password", "key-pepper"])
def test_only_the_two_secrets_can_be_rotated(run: Run, secret: str) -> None:
    exit_code, line = run("secret", "rotate", secret).refusal
    assert exit_code == 2
    assert line.endswith(f"{secret!r} is not one of 'pepper', 'signing-root'.\n")


def test_a_request_is_signed_with_the_given_or_the_current_version(run: Run, tenant_id: str) -> None:
    old = create(run, tenant_id, "--require-signature")
    run("secret", "rotate", "signing-root")
    new = create(run, tenant_id, "--require-signature")
    request = "sign", "GET", "/v1/whoami", "--timestamp", "1", "--json"
    for key, version in ((old, ["--signing-version", "1"]), (new, ["--signing-version", "2"]), (new, [])):
        by_id = run(*request, "--key-id", key["key_id"], *version).records
        assert by_id == run(*request, "--secret", key["signing_secret"]).records


def test_signing_with_a_version_that_does_not_exist_is_refused(run: Run) -> None:
    assert run("sign", "GET", "/v1/whoami", "--key-id", "c" + "0" * 24, "--signing-version", "2").refusal == (
        1,
        (
            "Error: Secret 'contacts/local/signing-root' has no version 2. Its versions are 1. "
            "Restore the missing one from the secret's previous value in Secrets Manager.\n"
        ),
    )

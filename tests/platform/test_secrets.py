"""Operators rotate the secrets of the running system: nothing is deployed and no process starts again."""

import time
from typing import Any

from tests.platform.test_keys import WHOAMI, create_key
from tests.platform.test_signing import sign
from tests.system import Administer, Caller, Customer

_MOST_SECONDS = 30
"""A process that has just read a secret reads it again after five seconds."""


def status_when_known(caller: Caller, key: dict[str, Any]) -> int:
    """The status of a signed request, once the functions know the version of the secrets that the key needs."""
    deadline = time.monotonic() + _MOST_SECONDS
    while True:
        status = caller.send("GET", WHOAMI, headers=sign(key["signing_secret"], "GET", WHOAMI)).status_code
        if status == 200 or time.monotonic() > deadline:
            return status
        assert status in {401, 503}
        time.sleep(0.5)


def test_keys_from_before_and_after_a_rotation_work(
    customer: Customer, anonymous: Caller, administer: Administer
) -> None:
    old = create_key(customer, administer, "--require-signature")
    assert status_when_known(Caller(anonymous.client, old["key"]), old) == 200
    versions = {secret: administer("secret", "rotate", secret)["version"] for secret in ("pepper", "signing-root")}
    new = create_key(customer, administer, "--require-signature")
    assert {"pepper": new["pepper_version"], "signing-root": new["signing_version"]} == versions
    assert status_when_known(Caller(anonymous.client, new["key"]), new) == 200
    assert status_when_known(Caller(anonymous.client, old["key"]), old) == 200

    listed = {key["key_id"]: key["old_secrets"] for key in administer("key", "list", customer.tenant_id)}
    assert sorted(listed[old["key_id"]]) == ["pepper", "signing-root"]
    assert listed[new["key_id"]] == []
    counts = {(each["secret"], each["version"]): each for each in administer("secret", "list")}
    for secret, version in versions.items():
        assert counts[secret, version - 1]["active_keys"] >= 1
        assert counts[secret, version]["active_keys"] >= 1
        assert (secret, version + 1) not in counts

    replaced = administer("key", "rotate", customer.tenant_id, old["key_id"])
    assert status_when_known(Caller(anonymous.client, replaced["key"]), replaced) == 200

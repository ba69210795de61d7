"""API keys: what whoami says about them, their rate limits, revocation."""

import time
from functools import partial
from itertools import chain
from typing import Any

import pytest

from tests.gateway.refusals import THROTTLED, UNAUTHORIZED
from tests.platform.test_signing import sign
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Administer, Caller, Customer, at_once, new_phone, refused_by_gateway

WHOAMI = "/v1/whoami"
BOTH = ["contacts:read", "contacts:write"]
_MOST_CACHE_SECONDS = 60
"""For how long the gateway may cache an answer of the authorizer, contract section 4."""


def create_key(customer: Customer, administer: Administer, *options: str) -> dict[str, Any]:
    scopes = chain.from_iterable(("--scope", scope) for scope in BOTH)
    return dict(administer("key", "create", customer.tenant_id, "--name", "Test", *scopes, *options))


@pytest.mark.parametrize(
    ("kind", "differs"),
    [
        ("full", {}),
        ("read", {"scopes": BOTH[:1]}),
        ("write", {"scopes": BOTH[1:]}),
        ("slow", {"rateLimit": 5, "batchRateLimit": 1}),
        ("signed", {"requireSignature": True}),
        ("from_here", {"ipAllowlist": ["127.0.0.0/8"]}),
    ],
)
def test_whoami_describes_the_key(customer: Customer, secret: str, kind: str, differs: dict[str, Any]) -> None:
    headers = sign(secret, "GET", WHOAMI) if kind == "signed" else {}
    status, key = customer.callers[kind].call("GET", WHOAMI, headers=headers)
    assert key.pop("keyId")
    assert (status, key) == (
        200,
        {
            "tenantId": customer.tenant_id,
            "name": f"Demo, {kind}",
            "scopes": BOTH,
            "rateLimit": 80,
            "batchRateLimit": 8,
            "expiresAt": None,
            "requireSignature": False,
            "ipAllowlist": [],
            "sourceIp": "127.0.0.1",
        }
        | differs,
    )


def test_a_new_key_works_at_once_and_a_revoked_key_stops_within_a_minute(
    customer: Customer, anonymous: Caller, administer: Administer
) -> None:
    issued = create_key(customer, administer, "--expires", "2199-01-01")
    caller = Caller(anonymous.client, issued["key"])
    status, key = caller.call("GET", WHOAMI)
    assert (status, key["keyId"], key["expiresAt"]) == (200, issued["key_id"], "2199-01-01T00:00:00.000Z")

    administer("key", "revoke", customer.tenant_id, issued["key_id"], "--yes")
    deadline = time.monotonic() + _MOST_CACHE_SECONDS
    while (answer := caller.send("GET", WHOAMI)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert refused_by_gateway(answer) == UNAUTHORIZED


def test_a_key_can_have_its_own_rate_limit(customer: Customer, phone: str) -> None:
    slow = customer.callers["slow"]
    time.sleep(1)  # until its token bucket is full
    started = time.monotonic()
    answers = at_once([partial(slow.send, "GET", WHOAMI)] * 30)
    seconds = time.monotonic() - started
    done = [answer for answer in answers if answer.status_code == 200]
    assert 5 <= len(done) <= 6 + 5 * seconds
    refused = [answer for answer in answers if answer not in done]
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert [refused_by_gateway(answer) for answer in refused] == [THROTTLED] * len(refused)

    by_phone = f"/v1/contacts/by-phone?phone={phone}"
    while slow.send("POST", "/v1/contacts", json_body={"phone": phone}).status_code == 201:
        contact_id = customer.full.call("GET", by_phone)[1]["id"]
        assert customer.full.call("DELETE", f"/v1/contacts/{contact_id}")[0] == 200
    assert customer.full.call("GET", by_phone) == CONTACT_NOT_FOUND  # the refused request wrote nothing

    time.sleep(float(refused[0].headers["Retry-After"]))
    assert slow.call("GET", WHOAMI)[0] == 200


def test_a_batch_above_its_limit_is_refused_and_does_nothing(customer: Customer) -> None:
    """The limit is one batch a second. That of all requests is not reached: it is five a second."""
    slow, full = customer.callers["slow"], customer.full
    slow.send("GET", WHOAMI)
    time.sleep(1)  # until its token buckets are full
    phones = [new_phone() for _ in range(4)]
    bodies = [{"contacts": [{"phone": phone}]} for phone in phones]
    started = time.monotonic()
    answers = at_once([partial(slow.send, "POST", "/v1/contacts/batch", json_body=body) for body in bodies])
    seconds = time.monotonic() - started
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 1 <= len(answers) - len(refused) <= 2 + seconds
    assert [refused_by_gateway(answer) for answer in refused] == [THROTTLED] * len(refused)
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    found = [full.send("GET", f"/v1/contacts/by-phone?phone={phone}").status_code for phone in phones]
    assert found == [404 if answer in refused else 200 for answer in answers]
    assert slow.call("GET", WHOAMI)[0] == 200


def test_the_default_rate_limit_is_80_requests_a_second(
    customer: Customer, anonymous: Caller, administer: Administer
) -> None:
    caller = Caller(anonymous.client, create_key(customer, administer)["key"])
    caller.send("GET", WHOAMI)
    time.sleep(1)
    started = time.monotonic()
    by_caller = at_once([lambda: [caller.send("GET", WHOAMI).status_code for _ in range(40)]] * 8)
    seconds = time.monotonic() - started
    answers = list(chain.from_iterable(by_caller))
    assert set(answers) <= {200, 429}
    assert 80 <= answers.count(200) <= 81 + 80 * seconds

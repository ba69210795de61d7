"""GET /v1/whoami"""

import json

import pytest

from tests.events import Tenant, build_event
from tests.functions.conftest import Wire
from tests.handlers import call, invoke
from tests.refusals import INTERNAL_ERROR

FUNCTION = "whoami"


def test_the_answer_describes_the_key(acme: Tenant) -> None:
    answer = invoke(FUNCTION, build_event(FUNCTION, acme))
    identity = {
        "tenantId": acme.id,
        "keyId": acme.key_id,
        "name": "CRM sync",
        "scopes": ["contacts:read", "contacts:write"],
        "rateLimit": 80,
        "batchRateLimit": 8,
        "expiresAt": None,
        "requireSignature": False,
        "ipAllowlist": [],
        "sourceIp": "203.0.113.7",
    }
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, identity)
    assert list(json.loads(answer["body"])) == list(identity)


def test_the_answer_has_the_settings_of_the_key(acme: Tenant) -> None:
    key = {
        "name": "Zoë's key",
        "scopes": "contacts:read",
        "rateLimit": "5",
        "expiresAt": "2027-01-01T00:00:00.000Z",
        "ipAllowlist": "203.0.113.0/24 2001:db8::/32",
    }
    assert call(FUNCTION, acme, key=key, source_ip="2001:db8::1") == (
        200,
        {
            "tenantId": acme.id,
            "keyId": acme.key_id,
            "name": "Zoë's key",
            "scopes": ["contacts:read"],
            "rateLimit": 5,
            "batchRateLimit": 1,
            "expiresAt": "2027-01-01T00:00:00.000Z",
            "requireSignature": False,
            "ipAllowlist": ["203.0.113.0/24", "2001:db8::/32"],
            "sourceIp": "2001:db8::1",
        },
    )


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"X-Forwarded-For": "198.51.100.1", "X-Real-IP": "198.51.100.1", "X-Tenant-Id": "cevil0000"}},
        {"query": {"tenantId": "cevil0000", "sourceIp": "198.51.100.1"}},
        {"json_body": {"tenantId": "cevil0000"}},
    ],
)
def test_the_request_cannot_change_the_answer(acme: Tenant, request_: dict[str, dict[str, str]]) -> None:
    assert call(FUNCTION, acme, **request_) == call(FUNCTION, acme)


def test_the_answer_costs_no_request_to_dynamodb(acme: Tenant, wire: Wire) -> None:
    assert call(FUNCTION, acme)[0] == 200
    assert wire.operations == []


@pytest.mark.parametrize("name", ["tenantId", "keyId", "scopes", "requireSignature", "ipAllowlist"])
def test_an_incomplete_context_of_the_authorizer_is_a_500(acme: Tenant, name: str) -> None:
    event = build_event(FUNCTION, acme)
    del event["requestContext"]["authorizer"][name]
    answer = invoke(FUNCTION, event)
    assert (answer["statusCode"], json.loads(answer["body"])) == INTERNAL_ERROR


def test_an_answer_that_is_not_unicode_is_a_500(acme: Tenant) -> None:
    assert call(FUNCTION, acme, key={"name": "\ud800"}) == INTERNAL_ERROR

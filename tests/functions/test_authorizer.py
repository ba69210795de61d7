"""The authorizer turns an API key into a tenant and a policy, or raises Unauthorized."""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import repeat
from typing import Any
from unittest import mock

import pytest
import time_machine
from botocore.exceptions import ReadTimeoutError
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access import secrets
from contacts.access.authorizer import Unauthorized
from contacts.access.keys import ROUTES
from contacts.domain.errors import DatabaseUnavailable, SecretUnavailable
from contacts.runtime import timestamps
from tests.document import OPERATIONS
from tests.events import ACME, Event, sample_event
from tests.faults import refuse
from tests.functions.conftest import HASH, KEY, Fault, Wire
from tests.handlers import PEPPER, invoke

API = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/dev/"
READ, WRITE = "contacts:read", "contacts:write"
ITEM = {"pk": f"KEY#{HASH}", "sk": "KEY"}


def request(authorization: str | None = f"Bearer {KEY}", header: str = "Authorization") -> Event:
    headers = {"Host": "api.example.com"} if authorization is None else {header: authorization}
    return sample_event("authorizer") | {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def stored_key(table: Table) -> dict[str, Any]:
    return table.get_item(Key=ITEM).get("Item", {})


def ago(**span: float) -> str:
    return timestamps.to_text(datetime.now(UTC) - timedelta(**span))


def test_the_answer_has_the_tenant_of_the_key_and_a_policy_for_its_scopes(store_key: Callable[..., None]) -> None:
    store_key()
    assert invoke("authorizer", request()) == {
        "principalId": ACME.key_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": [API + route for routes in ROUTES.values() for route in routes],
                }
            ],
        },
        "context": {
            "tenantId": ACME.id,
            "keyId": ACME.key_id,
            "name": "CRM",
            "scopes": "contacts:read contacts:write",
            "rateLimit": "80",
            "expiresAt": "",
            "requireSignature": "false",
            "signingVersion": "1",
            "ipAllowlist": "",
        },
        "usageIdentifierKey": ACME.key_id,
    }


@pytest.mark.parametrize("scopes", [[READ], [WRITE], [READ, WRITE]])
def test_a_policy_allows_exactly_the_operations_of_its_scopes(
    store_key: Callable[..., None], scopes: list[str]
) -> None:
    store_key(scopes=scopes)
    [statement] = invoke("authorizer", request())["policyDocument"]["Statement"]
    for operation in OPERATIONS:
        method_arn = API + operation.method + operation.path.format(contactId="c1234567", tagId="c7654321")
        is_allowed = any(fnmatchcase(method_arn, pattern) for pattern in statement["Resource"])
        assert is_allowed == (operation.scope in {"any", *scopes}), operation.route


def test_a_policy_names_no_other_api_or_stage(store_key: Callable[..., None]) -> None:
    store_key()
    resources = invoke("authorizer", request())["policyDocument"]["Statement"][0]["Resource"]
    assert all(each.startswith(API) for each in resources)


@pytest.mark.parametrize(
    "method_arn", ["GET/v1/contacts/by-phone", "DELETE/v1/contacts/c1234567/tags/c7654321", "GET/"]
)
def test_the_policy_does_not_depend_on_the_called_route(store_key: Callable[..., None], method_arn: str) -> None:
    store_key()
    one = invoke("authorizer", request())
    assert invoke("authorizer", request() | {"methodArn": API + method_arn}) == one


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER {KEY}", f"bEaReR {KEY}", f"Bearer  {KEY}", f"Bearer     {KEY}"],
)
def test_the_scheme_may_have_any_case_and_several_spaces_after_it(
    store_key: Callable[..., None], authorization: str
) -> None:
    store_key()
    assert invoke("authorizer", request(authorization))["principalId"] == ACME.key_id


@pytest.mark.parametrize("header", ["authorization", "AUTHORIZATION", "Authorization"])
def test_the_name_of_the_header_may_have_any_case(store_key: Callable[..., None], header: str) -> None:
    store_key()
    assert invoke("authorizer", request(header=header))["principalId"] == ACME.key_id


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        f"Bearer{KEY}",
        f"Bearer\t{KEY}",
        f" Bearer {KEY}",
        f"Bearer {KEY} ",
        f"Bearer {KEY}\n",
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY}, Bearer {KEY}",
        f"Bearer {KEY[:-1]}é",
        f"Bearer sflo_test_{KEY[10:]}",
        "Bearer " + "x" * 500_000,
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_malformed_key_is_refused_without_a_request(no_database: None, authorization: str | None) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorizer", request(authorization))


def test_a_request_without_headers_is_refused(no_database: None) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorizer", request() | {"headers": None})


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "REVOKED"},
        {"status": "revoked"},
        {"status": "REVOKED", "valid_until": "2999-01-01T00:00:00.000Z"},
        {"valid_until": "2026-01-01T00:00:00.000Z"},
        {"valid_until": ago(seconds=0)},
    ],
)
def test_a_revoked_or_expired_key_is_refused(
    store_key: Callable[..., None], table: Table, fields: dict[str, str]
) -> None:
    store_key(**fields)
    before = stored_key(table)
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorizer", request())
    assert stored_key(table) == before


def test_an_unknown_key_is_refused(table: Table) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorizer", request())


class Pepper:
    """The secret in Secrets Manager, which the authorizer has not read yet."""

    def __init__(self) -> None:
        self.client = secrets._client()
        self.name = os.environ["KEY_PEPPER_SECRET"]
        self.client.create_secret(Name=self.name, SecretString=PEPPER)

    def rotate(self, **versions: str) -> None:
        self.client.put_secret_value(SecretId=self.name, SecretString=json.dumps(versions))

    def delete(self) -> None:
        self.client.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def pepper(table: Table) -> Iterator[Pepper]:
    with mock.patch.dict(secrets._kept, clear=True):
        yield Pepper()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def test_a_key_is_found_by_the_plain_pepper_of_a_new_deployment(store_key: Callable[..., None], pepper: Pepper) -> None:
    store_key()
    assert invoke("authorizer", request())["principalId"] == ACME.key_id


def test_after_a_rotation_old_and_new_keys_are_found(
    store_key: Callable[..., None], pepper: Pepper, wire: Wire
) -> None:
    store_key(last_used_at=timestamps.now())
    pepper.rotate(**{"1": PEPPER, "2": "a second pepper", "10": "a tenth pepper"})
    assert invoke("authorizer", request())["principalId"] == ACME.key_id
    assert wire.operations[1:] == ["GetItem"] * 3  # after the item was stored; the newest version comes first

    store_key(pepper="a tenth pepper", last_used_at=timestamps.now())
    assert invoke("authorizer", request())["principalId"] == ACME.key_id
    assert wire.operations[5:] == ["GetItem"]


def test_a_key_of_a_new_version_is_found_without_a_new_deployment(
    store_key: Callable[..., None], pepper: Pepper, clock: time_machine.Traveller
) -> None:
    store_key()
    invoke("authorizer", request())
    pepper.rotate(**{"1": PEPPER, "2": "a second pepper"})
    new = KEY[:-1] + "9"
    store_key(secret=new, pepper="a second pepper", key_id="cnewkey0")
    with pytest.raises(Unauthorized):
        invoke("authorizer", request(f"Bearer {new}"))
    clock.shift(5)  # unknown keys cause at most one read in five seconds
    assert invoke("authorizer", request(f"Bearer {new}"))["principalId"] == "cnewkey0"


def test_a_key_whose_version_was_removed_is_unknown(store_key: Callable[..., None], pepper: Pepper) -> None:
    store_key()
    pepper.rotate(**{"2": "a second pepper"})
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorizer", request())


@pytest.mark.parametrize("value", ["{", "{}", '{"one": "x"}', '{"1": 2}'])
def test_with_a_malformed_pepper_the_authorizer_fails_and_does_not_refuse(
    store_key: Callable[..., None], pepper: Pepper, value: str
) -> None:
    store_key()
    pepper.client.put_secret_value(SecretId=pepper.name, SecretString=value)
    with pytest.raises(SecretUnavailable):
        invoke("authorizer", request())


def test_without_the_pepper_the_authorizer_fails_and_does_not_refuse(
    store_key: Callable[..., None], pepper: Pepper
) -> None:
    store_key()
    pepper.delete()
    with pytest.raises(SecretUnavailable):
        invoke("authorizer", request())


def test_a_pepper_that_was_read_is_used_when_it_cannot_be_read_again(
    store_key: Callable[..., None], pepper: Pepper, clock: time_machine.Traveller
) -> None:
    store_key()
    invoke("authorizer", request())
    pepper.delete()
    clock.shift(301)
    assert invoke("authorizer", request())["principalId"] == ACME.key_id


def test_a_key_is_valid_until_it_expires(store_key: Callable[..., None]) -> None:
    store_key(valid_until=ago(minutes=-1))
    assert invoke("authorizer", request())["principalId"] == ACME.key_id


def test_the_settings_of_a_key_are_in_the_context_as_text(store_key: Callable[..., None]) -> None:
    store_key(
        scopes=[READ],
        valid_until="2999-01-01T00:00:00.000Z",
        rate_limit=5,
        require_signature=True,
        signing_version=3,
        ip_allowlist=["203.0.113.0/24", "2001:db8::/32"],
    )
    assert invoke("authorizer", request())["context"] == {
        "tenantId": ACME.id,
        "keyId": ACME.key_id,
        "name": "CRM",
        "scopes": "contacts:read",
        "rateLimit": "5",
        "expiresAt": "2999-01-01T00:00:00.000Z",
        "requireSignature": "true",
        "signingVersion": "3",
        "ipAllowlist": "203.0.113.0/24 2001:db8::/32",
    }


def test_the_last_use_is_written_at_most_once_in_five_minutes(
    store_key: Callable[..., None], table: Table, wire: Wire
) -> None:
    store_key()
    wire.requests.clear()
    before = timestamps.now()
    invoke("authorizer", request())
    stored = stored_key(table)
    assert before <= stored["last_used_at"] <= timestamps.now()
    invoke("authorizer", request())
    assert stored_key(table) == stored
    assert wire.operations == ["GetItem", "UpdateItem", "GetItem"]


@pytest.mark.parametrize(
    ("minutes_ago", "operations"),
    [(4.8, ["GetItem"]), (5.2, ["GetItem", "UpdateItem"]), (100_000, ["GetItem", "UpdateItem"])],
)
def test_a_use_is_written_if_the_last_one_is_five_minutes_ago(
    store_key: Callable[..., None], wire: Wire, minutes_ago: float, operations: list[str]
) -> None:
    store_key(last_used_at=ago(minutes=minutes_ago))
    wire.requests.clear()
    invoke("authorizer", request())
    assert wire.operations == operations


def test_a_use_is_not_written_if_another_environment_was_faster(
    store_key: Callable[..., None], table: Table, wire: Wire
) -> None:
    store_key()
    noted = ago(seconds=1)
    wire.interrupt("UpdateItem", lambda: store_key(last_used_at=noted))
    assert invoke("authorizer", request())["principalId"] == ACME.key_id
    assert stored_key(table)["last_used_at"] == noted
    assert wire.operations.count("UpdateItem") == 1


def test_a_key_that_is_purged_meanwhile_is_not_created_again(
    store_key: Callable[..., None], table: Table, wire: Wire
) -> None:
    store_key()
    wire.interrupt("UpdateItem", lambda: table.delete_item(Key=ITEM))
    assert invoke("authorizer", request())["principalId"] == ACME.key_id
    assert stored_key(table) == {}


@pytest.mark.parametrize(
    "fault",
    [refuse("ThrottlingException"), refuse("ValidationException"), ReadTimeoutError(endpoint_url="https://dynamodb")],
    ids=str,
)
def test_a_failed_write_of_the_last_use_does_not_fail_the_answer(
    store_key: Callable[..., None], wire: Wire, log: Callable[[], str], fault: Fault
) -> None:
    store_key()
    wire.fail("UpdateItem", repeat(fault))
    assert invoke("authorizer", request())["principalId"] == ACME.key_id
    assert "Time of use not written" in log()


def test_an_unavailable_table_is_not_a_refusal(wire: Wire) -> None:
    wire.fail("GetItem", repeat(refuse("InternalServerError", 500)))
    with pytest.raises(DatabaseUnavailable):  # the gateway's AUTHORIZER_FAILURE, a 503
        invoke("authorizer", request())


def test_a_key_is_read_by_its_hash_with_strong_consistency(store_key: Callable[..., None], wire: Wire) -> None:
    store_key()
    wire.requests.clear()
    invoke("authorizer", request())
    (_, read), (_, write) = wire.requests
    assert read["ConsistentRead"] is True
    assert re.fullmatch(r"KEY#[0-9a-f]{64}", read["Key"]["pk"]["S"])
    assert KEY not in str(wire.requests)
    assert write["Key"] == read["Key"]


def test_the_log_has_the_id_of_a_refused_key_but_not_the_key(
    store_key: Callable[..., None], log: Callable[[], str]
) -> None:
    store_key(status="REVOKED")
    with pytest.raises(Unauthorized):
        invoke("authorizer", request())
    with pytest.raises(Unauthorized):
        invoke("authorizer", request(f"Basic {KEY}"))
    written = log()
    assert f'"key_id":"{ACME.key_id}"' in written
    assert "API key refused" in written
    assert "API key missing or malformed" in written
    assert KEY not in written
    assert KEY[10:] not in written
    assert HASH not in written

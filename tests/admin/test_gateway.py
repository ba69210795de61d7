"""Each API key has a gateway key, named like its id, in the usage plan of its rate limit."""

from typing import TYPE_CHECKING, Any

import pytest

import admin.gateway
from contacts.storage.table import connection
from tests.admin.conftest import Run, aws, unreachable

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

NOT_REACHED = (
    'Error: Could not connect to the endpoint URL: "https://aws". '
    "Check the network. For the local stack, check that `make start` is running.\n"
)


@pytest.fixture
def gateway(run: Run) -> "APIGatewayClient":
    client: APIGatewayClient = aws("apigateway")
    return client


BATCH = "/v1/contacts/batch/POST"


def throttle(per_second: int) -> Any:
    return {"rateLimit": per_second, "burstLimit": per_second}


def create(run: Run, tenant_id: str, *options: str) -> str:
    name_and_scope = "--name", "CRM", "--scope", "contacts:read"
    key_id: str = run("key", "create", tenant_id, *name_and_scope, *options, "--json").records["key_id"]
    return key_id


def admitted(gateway: "APIGatewayClient") -> dict[str, str]:
    """Value of each gateway key → name of its usage plan, or empty."""
    in_plans = {
        key["id"]: plan["name"]
        for plan in gateway.get_usage_plans()["items"]
        for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
    }
    keys = gateway.get_api_keys(includeValues=True)["items"]
    return {key["value"]: in_plans.get(key["id"], "") for key in keys if key["enabled"]}


def test_a_new_key_is_in_the_usage_plan_of_its_limit(run: Run, tenant_id: str, gateway: "APIGatewayClient") -> None:
    usual, slow, alike = (create(run, tenant_id, *options) for options in ([], ["--rate-limit", "5"], []))
    assert admitted(gateway) == {usual: "contacts-local-80", slow: "contacts-local-5", alike: "contacts-local-80"}
    (api,) = gateway.get_rest_apis()["items"]
    assert [(plan["throttle"], plan["apiStages"]) for plan in gateway.get_usage_plans()["items"]] == [
        (throttle(limit), [{"apiId": api["id"], "stage": "local", "throttle": {BATCH: throttle(batches)}}])
        for limit, batches in ((80, 8), (5, 1))
    ]


def test_a_plan_without_a_limit_for_batches_gets_it(
    run: Run, tenant_id: str, gateway: "APIGatewayClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patch operations are looked at, because moto does not store them."""
    (api,) = gateway.get_rest_apis()["items"]
    stage = f"{api['id']}:local"
    gateway.create_usage_plan(name="contacts-local-80", throttle=throttle(80))
    sent: list[Any] = []
    monkeypatch.setattr(gateway_client(), "update_usage_plan", lambda **request: sent.append(request))
    create(run, tenant_id)
    assert sent[0]["patchOperations"] == [
        {"op": "add", "path": "/apiStages", "value": stage},
        {"op": "replace", "path": f"/apiStages/{stage}/throttle/{BATCH}/rateLimit", "value": "8"},
        {"op": "replace", "path": f"/apiStages/{stage}/throttle/{BATCH}/burstLimit", "value": "8"},
    ]


def test_rotation_puts_the_new_key_into_the_plan_of_the_old_one(
    run: Run, tenant_id: str, gateway: "APIGatewayClient"
) -> None:
    old = create(run, tenant_id, "--rate-limit", "5")
    new = run("key", "rotate", tenant_id, old, "--json").records["key_id"]
    assert admitted(gateway) == {old: "contacts-local-5", new: "contacts-local-5"}


def test_revoking_deletes_the_gateway_key(run: Run, tenant_id: str, gateway: "APIGatewayClient") -> None:
    revoked, other = create(run, tenant_id), create(run, tenant_id)
    said = run("key", "revoke", tenant_id, revoked, "--yes").stdout
    assert said.endswith("Until the gateway's cache expires, the key can work for up to 60 more seconds.\n")
    assert admitted(gateway) == {other: "contacts-local-80"}


@pytest.mark.parametrize("operation", ["CreateUsagePlan", "CreateApiKey", "CreateUsagePlanKey"])
def test_if_the_gateway_fails_no_key_is_created(
    run: Run, tenant_id: str, gateway: "APIGatewayClient", operation: str
) -> None:
    create(run, tenant_id, "--rate-limit", "1")  # the command creates its client
    with unreachable(gateway_client(), operation):
        outcome = run(*("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read"))
    assert outcome.refusal == (1, NOT_REACHED)
    assert len(run("key", "list", tenant_id, "--json").records) == 1
    assert list(admitted(gateway).values()) == ["contacts-local-1"]
    create(run, tenant_id)
    assert sorted(admitted(gateway).values()) == ["contacts-local-1", "contacts-local-80"]


@pytest.mark.parametrize("command", ["create", "rotate"])
def test_if_the_table_fails_no_gateway_key_is_left(
    run: Run, tenant_id: str, gateway: "APIGatewayClient", command: str
) -> None:
    key_id = create(run, tenant_id)
    arguments = {"create": ["--name", "CRM", "--scope", "contacts:read"], "rotate": [key_id]}
    with unreachable(connection().client, "TransactWriteItems"):
        exit_code, _ = run("key", command, tenant_id, *arguments[command]).refusal
    assert exit_code == 1
    (key,) = run("key", "list", tenant_id, "--json").records
    assert (key["key_id"], key["status"], key["expires_at"]) == (key_id, "ACTIVE", None)
    assert admitted(gateway) == {key_id: "contacts-local-80"}


def test_repeating_an_interrupted_revocation_finishes_it(run: Run, tenant_id: str, gateway: "APIGatewayClient") -> None:
    key_id = create(run, tenant_id)
    with unreachable(gateway_client(), "DeleteApiKey"):
        assert run("key", "revoke", tenant_id, key_id, "--yes").refusal == (1, NOT_REACHED)
    assert run("key", "show", tenant_id, key_id, "--json").records["status"] == "REVOKED"
    assert list(admitted(gateway)) == [key_id]
    run("key", "revoke", tenant_id, key_id, "--yes")
    assert admitted(gateway) == {}


def test_deleted_gateway_keys_are_restored(
    run: Run, tenant_id: str, other_tenant_id: str, gateway: "APIGatewayClient"
) -> None:
    usual, slow, revoked = (
        create(run, tenant_id),
        create(run, other_tenant_id, "--rate-limit", "5"),
        create(run, tenant_id),
    )
    run("key", "revoke", tenant_id, revoked, "--yes")
    for key in gateway.get_api_keys()["items"]:
        gateway.delete_api_key(apiKey=key["id"])
    assert admitted(gateway) == {}
    assert run("key", "restore", "--json").records == {"restored_keys": 2, "accepted_keys": 2}
    assert admitted(gateway) == {usual: "contacts-local-80", slow: "contacts-local-5"}
    assert run("key", "restore", "--json").records == {"restored_keys": 0, "accepted_keys": 2}


def test_a_gateway_key_without_a_plan_is_put_into_its_plan(
    run: Run, tenant_id: str, gateway: "APIGatewayClient"
) -> None:
    key_id = create(run, tenant_id)
    (plan,) = gateway.get_usage_plans()["items"]
    (gateway_key,) = gateway.get_api_keys()["items"]
    gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=gateway_key["id"])
    assert run("key", "restore", "--json").records == {"restored_keys": 1, "accepted_keys": 1}
    assert admitted(gateway) == {key_id: "contacts-local-80"}


def test_an_existing_plan_is_bound_to_the_api_that_is_deployed_now(
    run: Run, tenant_id: str, gateway: "APIGatewayClient"
) -> None:
    create(run, tenant_id)
    (former,) = gateway.get_rest_apis()["items"]
    gateway.delete_rest_api(restApiId=former["id"])
    api = gateway.create_rest_api(name="contacts-local")["id"]
    create(run, tenant_id)
    (plan,) = gateway.get_usage_plans()["items"]
    assert {"apiId": api, "stage": "local"} in plan["apiStages"]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], "but have 0. Deploy the stack, or choose another --stage."),
        (["contacts-local"] * 2, "but have 2. Delete those that are not in use."),
    ],
)
def test_there_must_be_exactly_one_api(
    run: Run, tenant_id: str, gateway: "APIGatewayClient", names: list[str], problem: str
) -> None:
    (api,) = gateway.get_rest_apis()["items"]
    gateway.delete_rest_api(restApiId=api["id"])
    for name in ["contacts-prod", "another", *names]:
        gateway.create_rest_api(name=name)
    assert run("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read").refusal == (
        1,
        f"Error: This account and region must have exactly one API named 'contacts-local', {problem}\n",
    )
    assert run("key", "list", tenant_id, "--json").records == []


def gateway_client() -> Any:
    """The client that the commands use."""
    return admin.gateway._client()

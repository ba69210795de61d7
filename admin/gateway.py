"""API Gateway's part of an API key: it refuses a request unless the stage's usage plans have a gateway key for it.

Name and value of a gateway key are the id of our key, which is not secret; the authorizer tells it to the gateway.
Each distinct rate limit has one usage plan.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config

from admin import aws
from admin.errors import ApiNotFound
from admin.target import stage
from contacts.access.keys import batch_rate_limit

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef, ThrottleSettingsTypeDef

type Listing = Literal["get_api_keys", "get_rest_apis", "get_usage_plan_keys", "get_usage_plans"]

_LARGEST_PAGE = 500
_BATCH = "/v1/contacts/batch/POST"
"""The method that has a limit of its own in each usage plan, contract section 8."""
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})  # AWS allows only a few changes a second


def admit(key_id: str, rate_limit: int) -> None:
    """Lets the gateway accept a new key. The rate limit is in requests per second. Raises ApiNotFound."""
    plan_id = _plan(rate_limit)
    _put_into_plan(_create_gateway_key(key_id), plan_id)


def dismiss(key_id: str) -> None:
    """Lets the gateway refuse a key. Safe to repeat."""
    for gateway_key in _list("get_api_keys", nameQuery=key_id):  # finds all names that begin like this
        if gateway_key["name"] == key_id:
            _delete_gateway_key(gateway_key["id"])


def admit_missing(rate_limits: Mapping[str, int]) -> int:
    """Takes key id → rate limit, and admits the keys that the gateway lacks. Returns how many. Raises ApiNotFound."""
    gateway_keys = {each["name"]: each["id"] for each in _list("get_api_keys")}
    admitted = 0
    for rate_limit in sorted(set(rate_limits.values())):
        plan_id = _plan(rate_limit)
        in_plan = {each["id"] for each in _list("get_usage_plan_keys", usagePlanId=plan_id)}
        for key_id in (key_id for key_id, limit in rate_limits.items() if limit == rate_limit):
            gateway_key_id = gateway_keys.get(key_id) or _create_gateway_key(key_id)
            if gateway_key_id not in in_plan:
                _put_into_plan(gateway_key_id, plan_id)
                admitted += 1
    return admitted


def _create_gateway_key(key_id: str) -> str:
    return _client().create_api_key(name=key_id, value=key_id, enabled=True)["id"]


def _delete_gateway_key(gateway_key_id: str) -> None:
    try:
        _client().delete_api_key(apiKey=gateway_key_id)
    except _client().exceptions.NotFoundException:
        pass  # another process deleted it first


def _put_into_plan(gateway_key_id: str, plan_id: str) -> None:
    try:
        _client().create_usage_plan_key(usagePlanId=plan_id, keyId=gateway_key_id, keyType="API_KEY")
    except _client().exceptions.ConflictException:
        pass  # already in a plan of this stage: two processes may have created plans of one name at the same moment


def _plan(rate_limit: int) -> str:
    """The id of the limit's usage plan. Creates a missing plan, and binds it to the stage of the current API."""
    api_id, name = _api_id(), f"contacts-{stage()}-{rate_limit}"
    plan = next((plan for plan in _list("get_usage_plans") if plan["name"] == name), None)
    if plan is None:
        return _client().create_usage_plan(
            name=name,
            apiStages=[{"apiId": api_id, "stage": stage(), "throttle": {_BATCH: _limit(batch_rate_limit(rate_limit))}}],
            throttle=_limit(rate_limit),
        )["id"]
    bound = next((each for each in plan.get("apiStages", []) if each["apiId"] == api_id), None)
    changes: list[PatchOperationTypeDef] = []
    if bound is None:
        changes.append({"op": "add", "path": "/apiStages", "value": f"{api_id}:{stage()}"})
    if bound is None or _BATCH not in bound.get("throttle", {}):
        for name, limit in _limit(batch_rate_limit(rate_limit)).items():
            path = f"/apiStages/{api_id}:{stage()}/throttle/{_BATCH}/{name}"
            changes.append({"op": "replace", "path": path, "value": str(limit)})
    if changes:
        _client().update_usage_plan(usagePlanId=plan["id"], patchOperations=changes)
    return str(plan["id"])


def _limit(per_second: int) -> "ThrottleSettingsTypeDef":
    return {"rateLimit": per_second, "burstLimit": per_second}


def _api_id() -> str:
    name = f"contacts-{stage()}"
    api_ids = [api["id"] for api in _list("get_rest_apis") if api["name"] == name]
    if len(api_ids) != 1:
        raise ApiNotFound(name, len(api_ids))
    return str(api_ids[0])


def _list(listing: Listing, **arguments: str) -> Iterator[dict[str, Any]]:
    paginator: Any = _client().get_paginator(listing)  # its stubs accept only one literal name at a time
    for page in paginator.paginate(**arguments, PaginationConfig={"PageSize": _LARGEST_PAGE}):
        yield from page["items"]


def _client() -> "APIGatewayClient":
    client: APIGatewayClient = aws.client("apigateway", config=_PATIENT)
    return client

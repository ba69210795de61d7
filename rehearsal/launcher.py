"""An AWS account on this machine: MiniStack, with what it lacks for template.yaml. `run_account` starts it.

It runs in an environment of its own, because MiniStack pins another botocore than SAM CLI.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from string import punctuation
from tempfile import gettempdir
from threading import Lock
from types import SimpleNamespace
from typing import Any
from zipfile import BadZipFile, LargeZipFile, ZipFile

from ministack.app import main
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1 as gateway
from ministack.services import cloudwatch_logs, dynamodb, iam, secretsmanager
from ministack.services.cloudformation import changesets, provisioners

TESTED = "1.5.33"
"""What is replaced below is internal to this version."""

ONLY_RECORDED = (
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::XRay::SamplingRule",
)

type Json = dict[str, Any]
type Resource = tuple[str, Json]
"""The physical id and the attributes."""

usage_keys: dict[str, str] = {}
"""Of each Authorization header, the gateway key that the authorizer named."""

invoke_authorizer, check_api_key = gateway._invoke_authorizer_lambda, gateway._check_api_key
create_api, update_api = provisioners._apigw_rest_api_create, provisioners._apigw_rest_api_update
update_usage_plan, context_of = gateway._update_usage_plan, iam_actions.dynamodb_service_context
make_secret = provisioners._sm_secret_string


class SharedZipFile(ZipFile):
    """Is extracted once for all workers, because extracting the layer takes longer than a cold start."""

    lock = Lock()

    def extractall(self, path: Any = None, *_: Any) -> None:
        content = "".join(f"{each.filename} {each.CRC}" for each in self.infolist())
        shared = Path(gettempdir(), f"extracted-{sha256(content.encode()).hexdigest()}")
        with self.lock:
            if not shared.exists():
                super().extractall(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)


async def note_usage_key(authorizer: Json, event: Json, account: str, region: str) -> Json | None:
    result: Json | None = await invoke_authorizer(authorizer, event, account, region)
    answer = (result or {}).get("body")
    answer = json.loads(answer) if isinstance(answer, str | bytes) else answer
    if isinstance(answer, dict) and "usageIdentifierKey" in answer:
        usage_keys[gateway._header_ci(event["headers"], "authorization")] = answer["usageIdentifierKey"]
    return result


def check_key_of_authorizer(method: Json, api_id: str, stage: str, headers: Json) -> Any:
    if gateway._rest_apis[api_id]["apiKeySource"] == "AUTHORIZER":
        headers = {"x-api-key": usage_keys.get(gateway._header_ci(headers, "authorization"), "")}
    return check_api_key(method, api_id, stage, headers)


def create_api_with_refusals(logical_id: str, properties: Json, stack: str) -> Resource:
    api_id, attributes = create_api(logical_id, properties, stack)
    gateway._rest_apis[api_id]["apiKeySource"] = properties.get("ApiKeySourceType", "HEADER")
    for name, response in properties["Body"].get("x-amazon-apigateway-gateway-responses", {}).items():
        gateway._put_gateway_response(api_id, name, response)
    return api_id, attributes


def update_api_in_place(api_id: str, old: Json, new: Json, stack: str, logical_id: str | None = None) -> Resource:
    if old["Body"] != new["Body"]:
        temporary, _ = create_api_with_refusals(logical_id or api_id, new, stack)
        for part in gateway._resources, gateway._authorizers_v1, gateway._gateway_responses:
            part[api_id] = part.pop(temporary)
        gateway._delete_rest_api(temporary)
    updated: Resource = update_api(api_id, old | {"Body": new["Body"]}, new, stack, logical_id)
    return updated


def properties_of(arguments: tuple[Any, ...]) -> Json:
    """The new properties. A creation has (id, properties, stack), an update (id, old, new, stack, …)."""
    properties: Json = arguments[1 if len(arguments) == len(("id", "properties", "stack")) else 2]
    return properties


def refuse_access_log_without_role(change: Callable[..., Resource], *arguments: Any) -> Resource:
    settings = gateway._account_settings.get("settings") or {}
    if "AccessLogSetting" in properties_of(arguments) and not settings.get("cloudwatchRoleArn"):
        raise ValueError("CloudWatch Logs role ARN must be set in account settings to enable logging")
    return change(*arguments)


def bind_usage_plan(plan_id: str, data: Json) -> Any:
    stages = gateway._usage_plans[plan_id]["apiStages"]
    others = []
    for operation in data["patchOperations"]:
        path = operation["path"].split("/", 3)
        if operation["path"] == "/apiStages":
            api_id, _, stage = operation["value"].partition(":")
            stages[:] = [each for each in stages if (each["apiId"], each["stage"]) != (api_id, stage)]
            stages += [{"apiId": api_id, "stage": stage, "throttle": {}}] if operation["op"] == "add" else []
        elif path[1] == "apiStages":
            [bound] = (each for each in stages if f"{each['apiId']}:{each['stage']}" == path[2])
            method, _, limit = path[3].removeprefix("throttle/").rpartition("/")
            bound.setdefault("throttle", {}).setdefault(method, {})[limit] = float(operation["value"])
        else:
            others.append(operation)
    return update_usage_plan(plan_id, {"patchOperations": others})


def add_leading_keys(body: bytes) -> Json:
    return {**context_of(body), "dynamodb:LeadingKeys": [*partition_keys(json.loads(body or b"{}"))]}


def partition_keys(request: Json) -> Iterator[str]:
    parts = [request, *(part for item in request.get("TransactItems", ()) for part in item.values())]
    keys = [part.get("Key") or part.get("Item") or {} for part in parts]
    batches = (batch for batch in request.get("RequestItems", {}).values() if isinstance(batch, dict))
    for key in keys + [key for batch in batches for key in batch["Keys"]]:
        if "pk" in key:
            yield key["pk"]["S"]
    for name, value in re.findall(r"(#\w+) = (:\w+)", request.get("KeyConditionExpression", "")):
        if request["ExpressionAttributeNames"][name] == "pk":
            yield request["ExpressionAttributeValues"][value]["S"]


def drop_expression(change: Callable[..., Resource], *arguments: Any) -> Resource:
    """MiniStack refuses alarms on metric math. The alarm then watches the first metric of its expression."""
    return change(*(first_metric(each) if isinstance(each, dict) and "Metrics" in each else each for each in arguments))


def first_metric(alarm: Json) -> Json:
    query = next(each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each)
    others = {name: value for name, value in alarm.items() if name != "Metrics"}
    return {**others, **query["Metric"], "Period": query["Period"], "Statistic": query["Stat"]}


def bind_role(change: Callable[..., Resource], *arguments: Any) -> Resource:
    name, attributes = change(*arguments)
    iam._roles[name]["PermissionsBoundary"] = properties_of(arguments).get("PermissionsBoundary")
    return name, attributes


def refuse_second(names: Json, property_: str, create: Callable[..., Resource], *arguments: Any) -> Resource:
    if (name := arguments[1].get(property_)) in names:
        raise ValueError(f"{name} already exists")
    return create(*arguments)


def refuse_protected_table(delete: Callable[..., None], name: str, properties: Json) -> None:
    if dynamodb._tables.get(name, {}).get("DeletionProtectionEnabled"):
        raise ValueError(f"Table {name} is currently protected against deletion. Disable deletion protection first.")
    delete(name, properties)


def refer_by_arn(secret: Json) -> Json:
    """Handlers whose physical id, and so `!Ref`, is the ARN of the secret."""

    def by_arn(resource: Resource) -> Resource:
        return resource[1]["Arn"], resource[1]

    def name_of(arn: str) -> str:
        return arn.partition(":secret:")[2].rpartition("-")[0]

    create = partial(refuse_second, secretsmanager._secrets, "Name", secret["create"])
    return secret | {
        "create": lambda *arguments: by_arn(create(*arguments)),
        "update": lambda arn, *arguments: by_arn(secret["update"](name_of(arn), *arguments)),
        "delete": lambda arn, properties: secret["delete"](name_of(arn), properties),
        "import": lambda identifier: (identifier["Id"], {"Id": identifier["Id"], "Arn": identifier["Id"]}),
    }


def make_secret_without_punctuation(properties: Json) -> str:
    """MiniStack ignores ExcludePunctuation, and a secret that begins with { would be taken for JSON."""
    if (wanted := properties.get("GenerateSecretString")) and wanted.get("ExcludePunctuation"):
        properties = properties | {"GenerateSecretString": wanted | {"ExcludeCharacters": punctuation}}
    secret: str = make_secret(properties)
    return secret


def find_secret(arn: str) -> str | None:
    """Why a secret cannot be imported."""
    return None if secretsmanager._resolve(arn)[1] else f"Secret {arn} was not found."


def record(type_: str) -> Json:
    """Handlers that accept a resource and do nothing but say so."""

    def create(logical_id: str, _properties: Json, stack: str) -> Resource:
        print(f"Only recorded: {type_} {logical_id}", flush=True)
        return f"{stack}-{logical_id}", {"Arn": f"arn:aws:::{stack}-{logical_id}"}

    def update(physical_id: str, *_: Any, **__: Any) -> Resource:
        return physical_id, {"Arn": f"arn:aws:::{physical_id}"}

    return {"create": create, "update": update, "delete": lambda *_: None}


def complete() -> None:
    if version("ministack") != TESTED:
        raise SystemExit(f"rehearsal/launcher.py replaces parts of MiniStack {TESTED}. Compare them with this version.")
    handlers = provisioners._RESOURCE_HANDLERS
    handlers |= {type_: record(type_) for type_ in ONLY_RECORDED if type_ not in handlers}
    handlers["AWS::ApiGateway::RestApi"] |= {"create": create_api_with_refusals, "update": update_api_in_place}
    for type_, change in (
        ("AWS::ApiGateway::Stage", refuse_access_log_without_role),
        ("AWS::CloudWatch::Alarm", drop_expression),
        ("AWS::IAM::Role", bind_role),
    ):
        handlers[type_] |= {name: partial(change, handlers[type_][name]) for name in ("create", "update")}
    table, log_group = handlers["AWS::DynamoDB::Table"], handlers["AWS::Logs::LogGroup"]
    table["delete"] = partial(refuse_protected_table, table["delete"])
    log_group["create"] = partial(refuse_second, cloudwatch_logs._log_groups, "LogGroupName", log_group["create"])
    handlers["AWS::SecretsManager::Secret"] = refer_by_arn(handlers["AWS::SecretsManager::Secret"])
    provisioners._sm_secret_string = make_secret_without_punctuation
    changesets._IMPORT_LOOKUPS["AWS::SecretsManager::Secret"] = ("Id",), find_secret
    gateway._invoke_authorizer_lambda, gateway._check_api_key = note_usage_key, check_key_of_authorizer
    gateway._update_usage_plan = bind_usage_plan
    lambda_runtime.zipfile = SimpleNamespace(ZipFile=SharedZipFile, BadZipFile=BadZipFile, LargeFileError=LargeZipFile)
    iam_actions.dynamodb_service_context = add_leading_keys
    # The account has no TLS, without which the queues' policies refuse everybody.
    iam_evaluator.EvalContext = partial(iam_evaluator.EvalContext, secure_transport=True)


if __name__ == "__main__":
    complete()
    main()

"""Puts what outlived a deleted stack into a new one, which `sam deploy` can then complete.

Table, secrets and log groups have fixed names, so a stack that creates them anew would fail.
"""

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from admin import aws
from admin.errors import NothingToAdopt, StackExists, StackNotAdopted
from admin.target import stage, table_suffix

type Resource = dict[str, Any]

_TEMPLATE = Path(__file__).parents[1] / "template.yaml"
_CHANGE_SET = "adopt"
_DELETED = "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"


def adopt() -> list[str]:
    """Returns the logical ids of the resources.

    The table is that of the option --table, if there is one. Raises InvalidValue, StackExists, NothingToAdopt,
    StackNotAdopted.
    """
    name, suffix = f"contacts-{stage()}", table_suffix()
    client = aws.client("cloudformation")
    if _exists(name):
        raise StackExists(name)
    kept = {
        logical_id: (resource, identifier)
        for logical_id, resource in _outliving(stage(), suffix).items()
        if (identifier := _find(resource))
    }
    if not kept:
        raise NothingToAdopt(name)
    client.create_change_set(
        StackName=name,
        ChangeSetName=_CHANGE_SET,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": {logical_id: resource for logical_id, (resource, _) in kept.items()}}),
        ResourcesToImport=[
            {"ResourceType": resource["Type"], "LogicalResourceId": logical_id, "ResourceIdentifier": identifier}
            for logical_id, (resource, identifier) in kept.items()
        ],
    )
    try:
        client.get_waiter("change_set_create_complete").wait(StackName=name, ChangeSetName=_CHANGE_SET)
        client.execute_change_set(StackName=name, ChangeSetName=_CHANGE_SET)
        client.get_waiter("stack_import_complete").wait(StackName=name)
    except WaiterError as error:
        raise StackNotAdopted(name) from error
    return list(kept)


def _exists(name: str) -> bool:
    try:
        [stack] = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    return stack["StackStatus"] not in _DELETED


@cache
def _outliving(stage: str, suffix: str) -> dict[str, Resource]:
    """The resources that the deletion of a stage's stack leaves, by logical id, with all their properties.

    With fewer properties, the next deployment would add them, and for a secret that means: generate another value.
    """
    # Importing SAM CLI takes more than a second. Other commands should not wait for it.
    from samcli.lib.providers.sam_stack_provider import (  # type: ignore[import-untyped]  # noqa: PLC0415
        SamLocalStackProvider,
    )

    with warnings.catch_warnings(action="ignore"):  # SAM CLI's own deprecations
        [stack, *_], _ = SamLocalStackProvider.get_stacks(
            str(_TEMPLATE),
            parameter_overrides={"Stage": stage, "TableSuffix": suffix},
            language_extensions_enabled=True,
        )
        resources = stack.resources  # SAM CLI translates the template here
    return {
        logical_id: {"Type": resource["Type"], "DeletionPolicy": "Retain", "Properties": resource["Properties"]}
        for logical_id, resource in resources.items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }


def _find(resource: Resource) -> dict[str, str] | None:
    """What CloudFormation identifies the resource by, or None if it does not exist."""
    properties = resource["Properties"]
    try:
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                name = properties["TableName"]
                aws.client("dynamodb").describe_table(TableName=name)
                return {"TableName": name}
            case "AWS::SecretsManager::Secret":
                return {"Id": aws.client("secretsmanager").describe_secret(SecretId=properties["Name"])["ARN"]}
            case "AWS::Logs::LogGroup":
                name = properties["LogGroupName"]
                groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
                return {"LogGroupName": name} if any(each["logGroupName"] == name for each in groups) else None
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    raise NotImplementedError(resource["Type"])

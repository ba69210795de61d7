"""The policy of a deployer has what CloudFormation needs for our types of resources, by their schemas, and no more."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from tests.deployed import deployed_resources

SCHEMAS = Path(str(distribution("cfn-lint").locate_file("cfnlint/data/schemas")))
SECTION = (ROOT / "docs" / "operations.md").read_text().partition("## What a deployer may do\n")[2]
POLICY = json.loads(SECTION.partition("```json\n")[2].partition("```")[0])

# Of features that the template does not use: keys of our own, Kinesis, imports of tables, resource policies, replicas,
# VPCs, file systems, other targets of web ACLs, servers of our own.
NOT_USED = re.compile(
    "(amplify|apprunner|appsync|bedrock-agentcore|cognito-idp|ec2|elasticfilesystem|elasticloadbalancing|firehose|kinesis"
    "|kms|payments|s3|s3files):.*"
    "|apigateway:UpdateRestApiPolicy|wafv2:.*PermissionPolicy|iam:(Attach|Detach)(Group|User)Policy"
    "|iam:CreateServiceLinkedRole|codedeploy:RegisterOnPremisesInstance"
    "|dynamodb:(.*Item|Query|Scan|.*Replica|ImportTable|DescribeImport|(Put|Delete)ResourcePolicy"
    "|(Enable|Disable|Update)KinesisStreamingDestination|UpdateContributorInsights)"
    "|secretsmanager:(RemoveRegionsFromReplication|ReplicateSecretToRegions|GetSecretValue)"
)


@cache
def needed(type_: str) -> set[str]:
    """The actions that CloudFormation takes to create, read, change and delete a resource of the type."""
    names = json.loads((SCHEMAS / "providers" / "eu-central-1.json").read_text())
    handlers: dict[str, Any] = json.loads((SCHEMAS / "resources" / f"{names[type_]}.json").read_text())["handlers"]
    wanted = (handlers[each]["permissions"] for each in ("create", "read", "update", "delete") if each in handlers)
    return {action for actions in wanted for action in actions if not NOT_USED.fullmatch(action)}


TYPES = sorted({each["Type"] for each in deployed_resources("prod").values()})


def granted() -> list[str]:
    actions = (each["Action"] for each in POLICY["Statement"])
    return [action for each in actions for action in ([each] if isinstance(each, str) else each)]


@pytest.mark.parametrize("type_", TYPES)
def test_a_deployer_may_do_what_cloudformation_does_with_a_resource(type_: str) -> None:
    assert [each for each in needed(type_) if not any(fnmatchcase(each, pattern) for pattern in granted())] == []


def test_a_deployer_may_do_nothing_else() -> None:
    used = {each for type_ in TYPES for each in needed(type_)}
    of_sam = {f"cloudformation:{each}" for each in ("*", "DescribeStacks", "GetTemplateSummary", "ValidateTemplate")}
    of_sam.add("s3:*")
    assert [each for each in granted() if not any(fnmatchcase(action, each) for action in used | of_sam)] == []


def test_a_deployer_reaches_no_items_and_no_secrets() -> None:
    reading = ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "secretsmanager:GetSecretValue")
    assert [each for each in reading if any(fnmatchcase(each, pattern) for pattern in granted())] == []


def test_a_deployer_of_prod_changes_prod_alone() -> None:
    resources = [each["Resource"] for each in POLICY["Statement"]]
    named = [each for resource in resources for each in ([resource] if isinstance(resource, str) else resource)]
    shared = (
        r"\*|arn:aws:(apigateway|s3):.*|arn:aws:cloudformation:.*(aws-sam-cli-managed-default/\*|aws:transform/\*)"
        r"|arn:aws:codedeploy:\*:\*:deploymentconfig:CodeDeployDefault\.\*"
    )
    assert [
        each for each in named if not re.fullmatch(shared, each) and not re.search(r"contacts[-/]prod\b", each)
    ] == []

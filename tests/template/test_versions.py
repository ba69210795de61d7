"""Callers reach a function through its alias, and a deployment moves the alias to a new version if anything changed."""

import json
import re
from typing import Any

import pytest

from tests.deployed import ACCOUNT, REGION, TEMPLATE, deployed_resources
from tests.handlers import FUNCTIONS, logical_id
from tests.template.conftest import ENDPOINTS

NAMES = [*map(logical_id, FUNCTIONS)]
ALARMS = "ServerErrorsAlarm", "BugsAlarm", "AuthorizerFaultsAlarm"


def versions(**deployment: str) -> dict[str, tuple[str, str]]:
    """Of each function, the logical id and the description of its version. Another one of either is another version."""
    resources = deployed_resources("prod", **deployment)
    found = {name: each for name, each in resources.items() if each["Type"] == "AWS::Lambda::Version"}
    return {
        each["Properties"]["FunctionName"]["Ref"]: (name, each["Properties"]["Description"])
        for name, each in found.items()
    }


def changed(**deployment: str) -> list[str]:
    before, after = versions(), versions(**deployment)
    assert before.keys() == after.keys()
    return sorted(name for name in before if before[name] != after[name])


@pytest.mark.parametrize(
    "deployment",
    [
        {"layer": "another"},
        {"text": TEMPLATE.replace("POWERTOOLS_LOG_LEVEL: INFO", "POWERTOOLS_LOG_LEVEL: DEBUG")},
        {"text": re.sub(r"MemorySize: \d+", "MemorySize: 2048", TEMPLATE)},
        {"Architecture": "arm64"},
        {"Tracing": "Active"},
    ],
    ids=["code of the layer", "variable", "memory", "architecture", "tracing"],
)
def test_a_change_makes_a_new_version_of_every_function(deployment: dict[str, str]) -> None:
    assert changed(**deployment) == sorted(NAMES)


def test_a_change_of_one_function_makes_a_new_version_of_it_alone() -> None:
    text = TEMPLATE.replace("KEY_PEPPER_SECRET: !Ref KeyPepper", "KEY_PEPPER_SECRET: !GetAtt KeyPepper.Id")
    assert changed(text=text) == ["Authorizer"]


def test_what_functions_do_not_depend_on_makes_no_versions() -> None:
    """Lambda refuses a version that is the same as the last one, and the deployment would fail."""
    assert changed(QueueConcurrency="5", MaxReadUnits="5000", LogRetentionDays="90", TrafficShift="AtOnce") == []


def test_a_version_for_other_reserved_executions_differs_from_the_last_one() -> None:
    """They are no part of a version, but SAM can make one for them."""
    deployments: list[dict[str, str]] = [{}, {"AuthorizerConcurrency": "50"}]
    described = [deployed_resources("prod", **each)["Authorizer"]["Properties"]["Description"] for each in deployments]
    assert described == ["Reserved executions: 0", "Reserved executions: 50"]


def test_a_version_depends_on_every_parameter_that_its_function_refers_to() -> None:
    """SAM makes versions for changes of the template alone, not of a parameter. A stack never changes its stage."""
    resources = deployed_resources("prod")
    referred = {
        name
        for each in NAMES
        for name in re.findall(r'"Ref": "(\w+)"', json.dumps(resources[each]["Properties"]))
        if name not in resources
    }
    assert referred == {"Stage", "Architecture", "Tracing"}
    assert {description for _, description in versions().values()} == {"x86_64, tracing PassThrough"}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_has_an_alias_that_codedeploy_moves_after_a_check(name: str) -> None:
    alias = deployed_resources("prod")[f"{name}Aliaslive"]
    assert alias["Properties"] == {
        "Name": "live",
        "FunctionName": {"Ref": name},
        "FunctionVersion": {"Fn::GetAtt": [versions()[name][0], "Version"]},
    }
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] == {
        "ApplicationName": {"Ref": "ServerlessDeploymentApplication"},
        "DeploymentGroupName": {"Ref": f"{name}DeploymentGroup"},
        "BeforeAllowTrafficHook": {"Ref": "CheckVersions"},
    }


def test_whoever_calls_a_function_calls_its_alias() -> None:
    """The gateway, its right to do so, queues and the stream."""
    resources = deployed_resources("prod")
    callers = "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"
    called = [each["Properties"]["FunctionName"]["Ref"] for each in resources.values() if each["Type"] in callers]
    assert set(called) == {f"{name}Aliaslive" for name in NAMES}
    body = resources["Api"]["Properties"]["Body"]
    called = re.findall(r"functions/\$\{(\w+)\}/invocations", json.dumps(body["paths"]))
    assert set(called) == {f"{logical_id(each)}Aliaslive" for each in ENDPOINTS}
    [scheme] = (each for each in body["components"]["securitySchemes"].values() if "Authorizer" in json.dumps(each))
    _, references = scheme["x-amazon-apigateway-authorizer"]["authorizerUri"]["Fn::Sub"]
    assert references == {"__FunctionArn__": {"Ref": "AuthorizerAliaslive"}}


def test_versions_outlive_a_deployment_so_that_the_alias_can_go_back() -> None:
    resources = deployed_resources("prod")
    assert {resources[version]["DeletionPolicy"] for version, _ in versions().values()} == {"Retain"}


def test_all_new_versions_are_checked() -> None:
    variables = deployed_resources("prod")["CheckVersions"]["Properties"]["Environment"]["Variables"]
    assert variables == {f"VERSION_{name}": {"Ref": version} for name, (version, _) in versions().items()}


def test_the_check_does_not_depend_on_what_it_checks() -> None:
    """With a broken layer it could not report, and CodeDeploy would wait for an hour."""
    assert "Layers" not in deployed_resources("prod")["CheckVersions"]["Properties"]


def condition(template: dict[str, Any], stage: str, shift: str) -> bool:
    both = [{"Fn::Not": [{"Condition": "IsDisposable"}]}, {"Fn::Equals": [{"Ref": "TrafficShift"}, "Gradual"]}]
    assert template["Conditions"]["ShiftsGradually"] == {"Fn::And": both}
    return stage not in {"local", "dev"} and shift == "Gradual"


@pytest.mark.parametrize(
    ("stage", "shift", "expected"),
    [
        ("dev", "Gradual", "AllAtOnce"),
        ("staging", "Gradual", "Canary10Percent5Minutes"),
        ("prod", "Gradual", "Canary10Percent5Minutes"),
        ("prod", "AtOnce", "AllAtOnce"),
    ],
)
def test_traffic_moves_gradually_outside_dev_and_then_alarms_stop_it(
    template: dict[str, Any], stage: str, shift: str, expected: str
) -> None:
    branch = 1 if condition(template, stage, shift) else 2
    alarms: Any = {"Enabled": True, "Alarms": [{"Name": {"Ref": each}} for each in ALARMS]}
    for name in NAMES:
        group = deployed_resources(stage)[f"{name}DeploymentGroup"]["Properties"]
        type_, watched = (group[each]["Fn::If"] for each in ("DeploymentConfigName", "AlarmConfiguration"))
        assert type_[branch]["Fn::Sub"][1] == {"ConfigName": expected}
        assert watched[branch] == (alarms if expected != "AllAtOnce" else {})
        assert type_[0] == watched[0] == "ShiftsGradually"


def test_codedeploy_gets_alarms_that_it_can_read() -> None:
    """Ten at most, and no composite alarms."""
    assert {deployed_resources("prod")[each]["Type"] for each in ALARMS} == {"AWS::CloudWatch::Alarm"}


def statements(role: str, service: str) -> list[tuple[object, object]]:
    properties = deployed_resources("prod")[role]["Properties"]
    assert properties["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    ]
    assert "ManagedPolicyArns" not in properties
    [policy] = properties["Policies"]
    return [(each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]]


def test_the_check_may_invoke_versions_of_this_stage_and_report() -> None:
    groups = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:${{ServerlessDeploymentApplication}}/*"
    assert statements("CheckVersionsRole", "lambda.amazonaws.com") == [
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:contacts-prod-*:*"),
        ("codedeploy:PutLifecycleEventHookExecutionStatus", groups),
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["CheckVersionsLogGroup", "Arn"]}),
    ]


def test_codedeploy_may_move_aliases_of_this_stage_and_call_the_check() -> None:
    assert statements("CodeDeployRole", "codedeploy.amazonaws.com") == [
        (
            ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:contacts-prod-*",
        ),
        ("lambda:InvokeFunction", [{"Fn::GetAtt": ["CheckVersions", "Arn"]}, "${CheckVersions.Arn}:*"]),
        ("cloudwatch:DescribeAlarms", "*"),
    ]

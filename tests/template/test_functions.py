"""Each function has all that belongs to it, and may do nothing else."""

import json
from typing import Any

import pytest

from local import ROOT
from tests.deployed import deployed_resources
from tests.document import OPERATIONS, Operation
from tests.events import sample_event
from tests.handlers import FUNCTIONS, logical_id
from tests.template.conftest import ENDPOINTS, STREAM_CONSUMER

TABLE = {"Fn::GetAtt": ["Table", "Arn"]}
QUEUES = {"apply_tag_command": "TagCommands", "record_inbound_message": "InboundMessages"}

EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS)
EVERY_ENDPOINT = pytest.mark.parametrize("function", ENDPOINTS)
EVERY_WORKER = pytest.mark.parametrize(("function", "queue"), list(QUEUES.items()))


def test_every_folder_of_a_function_is_a_function_of_the_template(template: dict[str, Any]) -> None:
    resources = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]
    assert sorted(resources) == sorted(logical_id(each) for each in FUNCTIONS)


@EVERY_FUNCTION
def test_a_function_is_one_file(function: str) -> None:
    files = (each for each in (ROOT / "functions" / function).iterdir() if each.name != "__pycache__")
    assert [each.name for each in files] == ["app.py"]


@EVERY_FUNCTION
def test_a_function_is_its_folder_and_nothing_of_its_own_but_that(
    resources: dict[str, Any], template: dict[str, Any], function: str
) -> None:
    properties = template["Resources"][logical_id(function)]["Properties"]
    assert properties["CodeUri"] == f"functions/{function}/"
    own = {"CodeUri", "VersionDescription", "Policies", "LoggingConfig", "Events", "Environment", "PermissionsBoundary"}
    assert properties.keys() - {"Description", "MemorySize", "ReservedConcurrentExecutions", "Timeout"} <= own
    assert ("ReservedConcurrentExecutions" in properties) is ("Description" in properties) is (function == "authorizer")
    assert ("Timeout" in properties) is (function == STREAM_CONSUMER)
    resolved = resources[logical_id(function)]["Properties"]
    assert (resolved["Runtime"], resolved["Handler"], resolved["Timeout"], resolved["Tracing"]) == (
        "python3.13",
        "app.handler",
        60 if function == STREAM_CONSUMER else 20,
        "PassThrough",
    )
    assert resolved["Layers"] == [{"Ref": "CommonLayer"}]


def test_a_function_has_the_memory_size_that_the_page_of_performance_decided(template: dict[str, Any]) -> None:
    """One that was not measured yet has the usual size."""
    usual = template["Globals"]["Function"]["MemorySize"]
    sizes = {name: template["Resources"][logical_id(name)]["Properties"].get("MemorySize", usual) for name in FUNCTIONS}
    measured = read_memory_table()
    decided = {name: int(row["MemorySize"].replace(",", "")) for name, row in measured.items()}
    assert sizes == dict.fromkeys(FUNCTIONS, usual) | decided
    assert [name for name, row in measured.items() if 2 * float(row["peak, MB"]) > sizes[name]] == []


def read_memory_table() -> dict[str, dict[str, str]]:
    """What was measured of each function."""
    section = (ROOT / "docs" / "performance.md").read_text().partition("\n## Memory size\n")[2]
    table = section[section.index("\n| ") :].strip().partition("\n\n")[0]
    columns, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_an_endpoint_is_granted_actions_on_the_table_and_what_it_shares(
    template: dict[str, Any], operation: Operation
) -> None:
    """Which actions: as many as its requests need, says tests/engine/test_permissions.py."""
    properties = template["Resources"][logical_id(operation.function)]["Properties"]
    shared = [each for each in properties["Policies"] if "Ref" in each]
    own = [statement for each in properties["Policies"] for statement in each.get("Statement", [])]
    assert shared == [
        {"Ref": "VerifySignatures"},
        *([{"Ref": "KeepIdempotencyRecords"}] if operation.takes_idempotency_key else []),
    ]
    assert [each | {"Action": "any"} for each in own] in (
        [],
        [{"Effect": "Allow", "Action": "any", "Resource": TABLE}],
    )


@EVERY_WORKER
def test_a_consumer_is_granted_actions_on_the_table_and_its_dead_letter_queue(
    template: dict[str, Any], function: str, queue: str
) -> None:
    [policy] = template["Resources"][logical_id(function)]["Properties"]["Policies"]
    on_table, on_dead_letters = policy["Statement"]
    assert on_table | {"Action": "any"} == {"Effect": "Allow", "Action": "any", "Resource": TABLE}
    assert on_dead_letters == {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": [f"{queue}DeadLetters", "Arn"]},
    }


@EVERY_FUNCTION
def test_a_function_has_the_boundary_of_its_kind(function: str) -> None:
    boundaries = {"authorizer": "AuthorizerPermissions", STREAM_CONSUMER: "PublishChangesPermissions"}
    boundaries |= {name: f"{queue}Boundary" for name, queue in QUEUES.items()}
    role = deployed_resources()[f"{logical_id(function)}Role"]["Properties"]
    assert role["PermissionsBoundary"] == {"Ref": boundaries.get(function, "EndpointBoundary")}


def test_what_endpoints_share_is_the_signing_root_and_their_idempotency_records(template: dict[str, Any]) -> None:
    statements = {
        name: template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
        for name in ("VerifySignatures", "KeepIdempotencyRecords")
    }
    assert statements == {
        "VerifySignatures": [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "SigningRoot"}}
        ],
        "KeepIdempotencyRecords": [
            {
                "Effect": "Allow",
                "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                "Resource": TABLE,
                "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["*#IDEMPOTENCY"]}},
            }
        ],
    }


@EVERY_WORKER
def test_a_worker_reads_its_queue_in_batches_of_which_a_part_may_fail(
    template: dict[str, Any], function: str, queue: str
) -> None:
    properties = template["Resources"][logical_id(function)]["Properties"]
    assert properties["Events"] == {
        "Queue": {
            "Type": "SQS",
            "Properties": {
                "Queue": {"Fn::GetAtt": [queue, "Arn"]},
                "BatchSize": 10,
                "ScalingConfig": {
                    "Fn::If": [
                        "HasQueueConcurrency",
                        {"MaximumConcurrency": {"Ref": "QueueConcurrency"}},
                        {"Ref": "AWS::NoValue"},
                    ]
                },
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        }
    }
    assert properties["Environment"] == {"Variables": {"DEAD_LETTER_QUEUE_URL": {"Ref": f"{queue}DeadLetters"}}}


@pytest.mark.parametrize("name", ["Authorizer", "PublishChanges"])
def test_a_function_of_its_own_kind_has_nothing_but_its_own_permissions(template: dict[str, Any], name: str) -> None:
    assert template["Resources"][name]["Properties"]["Policies"] == [{"Ref": f"{name}Permissions"}]


def test_every_write_of_a_contact_reaches_the_consumer_of_the_stream(template: dict[str, Any]) -> None:
    assert template["Resources"]["PublishChanges"]["Properties"]["Events"] == {
        "Stream": {
            "Type": "DynamoDB",
            "Properties": {
                "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": 1000,
                "MaximumBatchingWindowInSeconds": 1,
                "ParallelizationFactor": 1,
                "FilterCriteria": {"Filters": [{"Pattern": '{"dynamodb": {"Keys": {"sk": {"S": ["CONTACT"]}}}}'}]},
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "MaximumRetryAttempts": -1,
                "MaximumRecordAgeInSeconds": 23 * 60 * 60,
                "DestinationConfig": {
                    "OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["LostChanges", "Arn"]}}
                },
            },
        }
    }


def test_no_cursor_is_given_before_the_stream_has_its_consumer() -> None:
    resources = deployed_resources()
    assert resources["ListChanges"]["DependsOn"] == "PublishChangesStream"
    assert resources["PublishChangesStream"]["Type"] == "AWS::Lambda::EventSourceMapping"


def test_only_the_authorizer_reads_the_pepper(template: dict[str, Any]) -> None:
    environments = {
        function: template["Resources"][logical_id(function)]["Properties"].get("Environment") for function in FUNCTIONS
    }
    assert {function: each for function, each in environments.items() if each and function not in QUEUES} == {
        "authorizer": {"Variables": {"KEY_PEPPER_SECRET": {"Ref": "KeyPepper"}}}
    }
    resources = template["Resources"].items()
    assert {name for name, resource in resources if "KeyPepper" in json.dumps(resource)} == {
        "Authorizer",
        "AuthorizerPermissions",
    }
    assert {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": {"Ref": "KeyPepper"},
    } in template["Resources"]["AuthorizerPermissions"]["Properties"]["PolicyDocument"]["Statement"]


def test_no_secret_is_in_an_environment(template: dict[str, Any]) -> None:
    assert "{{resolve:" not in json.dumps(template)


@EVERY_FUNCTION
def test_a_function_has_its_log_group_with_a_retention(template: dict[str, Any], function: str) -> None:
    name = logical_id(function)
    assert template["Resources"][name]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}LogGroup"}}
    group = template["Resources"][f"{name}LogGroup"]
    assert (group["Type"], group["Properties"]) == (
        "AWS::Logs::LogGroup",
        {
            "LogGroupName": {"Fn::Sub": f"/contacts/${{Stage}}/{name}"},
            "RetentionInDays": {"Ref": "LogRetentionDays"},
        },
    )


@EVERY_ENDPOINT
def test_an_endpoint_has_a_sample_event_of_its_route(resources: dict[str, Any], function: str) -> None:
    [event] = resources[logical_id(function)]["Properties"]["Events"].values()
    sample = sample_event(function)
    assert (sample["httpMethod"], sample["resource"]) == (event["Properties"]["Method"], event["Properties"]["Path"])
    assert sample["path"] == sample["resource"].format(**sample["pathParameters"] or {})
    assert sample["requestContext"]["resourcePath"] == sample["resource"]


def test_the_authorizer_has_a_sample_event() -> None:
    sample = sample_event("authorizer")
    assert (sample["type"], sample["methodArn"].split("/", 2)[2]) == ("REQUEST", "GET/v1/contacts/by-phone")


def test_no_sample_event_is_without_its_function() -> None:
    assert sorted(each.stem for each in (ROOT / "events").iterdir()) == FUNCTIONS

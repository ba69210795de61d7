"""What a function could do if an attacker ran code in it, with its role's credentials."""

from functools import cache

import pytest
from botocore.session import get_session

from local import ROOT
from tests.deployed import arn, arn_of, deployed_resources
from tests.handlers import FUNCTIONS, logical_id
from tests.policies import STREAM, Policies, Statement
from tests.template.conftest import STREAM_CONSUMER

RESOURCES = deployed_resources()
TABLE = arn_of(RESOURCES["Table"])
CONTACT = "cacmetenant#491512345678"
LOG = "cacmetenant#CHANGES"
KEY, TENANTS, KEYS_OF_A_TENANT, AUDIT = "KEY#00ff", "TENANTS", "cacmetenant#KEYS", "AUDIT#cacmetenant"
CONSUMED = {"record_inbound_message": "InboundMessages", "apply_tag_command": "TagCommands"}
QUEUES = ["InboundMessages", "InboundMessagesDeadLetters", "TagCommands", "TagCommandsDeadLetters", "LostChanges"]

EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS)
ALL_BUT_THE_AUTHORIZER = pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != "authorizer"])


@cache
def every_action(service: str) -> list[str]:
    """All operations that botocore knows of a service. Cached, because botocore reads a large file for them."""
    return [f"{service}:{name}" for name in get_session().get_service_model(service).operation_names]


@pytest.fixture(params=["as deployed", "with a policy that allows everything"])
def policies(request: pytest.FixtureRequest) -> Policies:
    """The second is what SAM, AWS or a careless change could add."""
    policies = Policies(RESOURCES)
    if request.param != "as deployed":
        for statements in policies.granted.values():
            statements.append(Statement("Allow", ["*"], ["*"], "ForAllValues:StringLike", ["*"]))
    return policies


@pytest.mark.parametrize("partition", [KEY, TENANTS, KEYS_OF_A_TENANT, AUDIT])
@ALL_BUT_THE_AUTHORIZER
def test_no_function_reaches_keys_tenants_and_the_audit_trail(
    policies: Policies, function: str, partition: str
) -> None:
    for leading_keys in {partition}, {partition, CONTACT}:
        allowed = [
            action
            for action in every_action("dynamodb")
            if policies.allow(logical_id(function), action, TABLE, frozenset(leading_keys))
        ]
        assert allowed == []


@pytest.mark.parametrize("partitions", [{CONTACT}, {TENANTS}, {KEYS_OF_A_TENANT}, {KEY, CONTACT}])
def test_the_authorizer_reaches_nothing_but_keys(policies: Policies, partitions: set[str]) -> None:
    actions = every_action("dynamodb")
    assert [each for each in actions if policies.allow("Authorizer", each, TABLE, frozenset(partitions))] == []
    assert [each for each in actions if policies.allow("Authorizer", each, TABLE, frozenset({KEY}))] == [
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
    ]


@EVERY_FUNCTION
def test_no_function_reaches_the_table_as_a_whole(policies: Policies, function: str) -> None:
    whole = {"Scan", "ExecuteStatement", "DeleteTable", "UpdateTable", "CreateBackup", "ExportTableToPointInTime"}
    assert [each for each in whole if policies.allow(logical_id(function), f"dynamodb:{each}", TABLE)] == []


@EVERY_FUNCTION
def test_no_function_reaches_another_table(policies: Policies, function: str) -> None:
    for stage in "prod", "local-2":
        other = arn("dynamodb", f"table/contacts-{stage}")
        actions = every_action("dynamodb")
        assert [
            each for each in actions if policies.allow(logical_id(function), each, other, frozenset({CONTACT}))
        ] == []


@EVERY_FUNCTION
def test_a_function_reads_no_queue_but_its_own(policies: Policies, function: str) -> None:
    queues = {name: arn_of(RESOURCES[name]) for name in QUEUES} | {"another": arn("sqs", "payments")}
    reached = {
        (name, action.partition(":")[2])
        for name, queue in queues.items()
        for action in every_action("sqs")
        if policies.allow(logical_id(function), action, queue)
    }
    own = CONSUMED.get(function)
    reading = {(own, action) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    if function == STREAM_CONSUMER:
        assert reached == {("LostChanges", "SendMessage")}  # Lambda reports there what it gives up
    else:
        assert reached == (reading | {(f"{own}DeadLetters", "SendMessage")} if own else set())


@EVERY_FUNCTION
def test_only_its_consumer_reads_the_stream(policies: Policies, function: str) -> None:
    """Its records have phones and names."""
    own, other = (arn("dynamodb", f"table/contacts-{stage}/stream/2026-11-24") for stage in ("local", "prod"))
    actions = [f"dynamodb:{name}" for name in get_session().get_service_model("dynamodbstreams").operation_names]
    reading = {f"dynamodb:{each}" for each in STREAM} if function == STREAM_CONSUMER else set()
    assert {each for each in actions if policies.allow(logical_id(function), each, own)} == reading
    assert {each for each in actions if policies.allow(logical_id(function), each, other)} == set()


def test_the_consumer_of_the_stream_reaches_nothing_but_change_logs(policies: Policies) -> None:
    actions = every_action("dynamodb")
    for partitions in {CONTACT}, {CONTACT, LOG}, {TENANTS}, {KEY}:
        assert [each for each in actions if policies.allow("PublishChanges", each, TABLE, frozenset(partitions))] == []
    assert [each for each in actions if policies.allow("PublishChanges", each, TABLE, frozenset({LOG}))] == [
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ]


@EVERY_FUNCTION
def test_only_what_verifies_signatures_reads_the_signing_root(function: str) -> None:
    verifies = "contacts.web.endpoint" in (ROOT / "functions" / function / "app.py").read_text()
    policies, root, actions = Policies(RESOURCES), arn_of(RESOURCES["SigningRoot"]), every_action("secretsmanager")
    allowed = [each for each in actions if policies.allow(logical_id(function), each, root)]
    assert allowed == (["secretsmanager:GetSecretValue"] if verifies else [])


@EVERY_FUNCTION
def test_no_function_reads_another_secret(policies: Policies, function: str) -> None:
    pepper, actions = arn_of(RESOURCES["KeyPepper"]), every_action("secretsmanager")
    for secret in pepper, arn("secretsmanager", "secret:payments"):
        its_own = ["secretsmanager:GetSecretValue"] if (function, secret) == ("authorizer", pepper) else []
        assert [each for each in actions if policies.allow(logical_id(function), each, secret)] == its_own


@EVERY_FUNCTION
def test_a_function_writes_logs_of_its_stage_alone(policies: Policies, function: str) -> None:
    def actions_on(log_group: str) -> list[str]:
        group = arn("logs", f"log-group:{log_group}:log-stream:1")
        return [each for each in every_action("logs") if policies.allow(logical_id(function), each, group)]

    assert actions_on(f"/contacts/local/{logical_id(function)}") == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert actions_on("/contacts/prod/GetContact") == actions_on("/aws/lambda/payments") == []


@EVERY_FUNCTION
@pytest.mark.parametrize("service", ["iam", "kms", "lambda", "s3", "sts"])
def test_no_function_reaches_another_service(policies: Policies, function: str, service: str) -> None:
    assert [each for each in every_action(service) if policies.allow(logical_id(function), each, "*")] == []

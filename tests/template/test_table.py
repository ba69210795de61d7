"""What is kept, and how well."""

from typing import Any

import pytest

from tests.conftest import template_resources
from tests.deployed import deployed_resources
from tests.handlers import FUNCTIONS, logical_id

KEPT = ["Table", "KeyPepper", "SigningRoot"]


@pytest.mark.parametrize("stage", ["local", "dev", "staging", "prod"])
def test_the_table_is_on_demand_encrypted_and_restorable(stage: str) -> None:
    properties = template_resources(stage)["Table"]["Properties"]
    assert properties == {
        "TableName": f"contacts-{stage}",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "DeletionProtectionEnabled": stage in {"staging", "prod"},
    }


@pytest.mark.parametrize("resource", KEPT)
@pytest.mark.parametrize(
    ("stage", "on_deletion", "on_replacement"),
    [
        ("local", "Delete", "Delete"),
        ("dev", "Delete", "Delete"),
        ("staging", "RetainExceptOnCreate", "Retain"),
        ("prod", "RetainExceptOnCreate", "Retain"),
    ],
)
def test_data_survives_its_stack_outside_dev_unless_the_first_deployment_fails(
    resource: str, stage: str, on_deletion: str, on_replacement: str
) -> None:
    kept = template_resources(stage)[resource]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == (on_deletion, on_replacement)


@pytest.mark.parametrize(
    ("secret", "name"), [("KeyPepper", "contacts/local/key-pepper"), ("SigningRoot", "contacts/local/signing-root")]
)
def test_a_secret_is_made_by_secrets_manager_and_written_nowhere(
    resources: dict[str, Any], secret: str, name: str
) -> None:
    properties = resources[secret]["Properties"]
    assert properties["Name"] == name
    assert properties["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert "SecretString" not in properties


@pytest.mark.parametrize(("queue", "is_fifo"), [("InboundMessages", False), ("TagCommands", True)])
def test_a_queue_gives_up_after_five_tries_and_keeps_what_it_gave_up_longer(
    resources: dict[str, Any], template: dict[str, Any], queue: str, *, is_fifo: bool
) -> None:
    properties, dead = resources[queue]["Properties"], resources[f"{queue}DeadLetters"]["Properties"]
    assert template["Resources"][queue]["Properties"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"{queue}DeadLetters", "Arn"]},
        "maxReceiveCount": 5,
    }
    assert (properties.get("FifoQueue", False), dead.get("FifoQueue", False)) == (is_fifo, is_fifo)
    assert properties["VisibilityTimeout"] == 6 * template["Globals"]["Function"]["Timeout"]
    days = properties["MessageRetentionPeriod"] / 86_400, dead["MessageRetentionPeriod"] / 86_400
    assert days == (4, 14)
    assert properties["SqsManagedSseEnabled"] is dead["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(
    "queue", ["InboundMessages", "InboundMessagesDeadLetters", "TagCommands", "TagCommandsDeadLetters", "LostChanges"]
)
def test_a_queue_refuses_requests_without_tls(queue: str) -> None:
    assert deployed_resources()[f"{queue}Policy"]["Properties"] == {
        "Queues": [{"Fn::GetAtt": [queue, "QueueUrl"]}],
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyOverTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": {"Fn::GetAtt": [queue, "Arn"]},
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    }


def test_tag_commands_are_in_order_for_each_contact_alone(resources: dict[str, Any]) -> None:
    properties = resources["TagCommands"]["Properties"]
    assert properties["QueueName"].endswith(".fifo")
    assert properties["ContentBasedDeduplication"] is True
    assert (properties["DeduplicationScope"], properties["FifoThroughputLimit"]) == (
        "messageGroup",
        "perMessageGroupId",
    )


def test_a_report_of_lost_changes_is_kept_for_two_weeks(resources: dict[str, Any]) -> None:
    queue = resources["LostChanges"]["Properties"]
    assert (queue["MessageRetentionPeriod"] / 86_400, queue["SqsManagedSseEnabled"]) == (14, True)


def test_an_unknown_stage_is_refused(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Stage"]["AllowedValues"] == ["local", "dev", "staging", "prod"]
    assert "Default" not in template["Parameters"]["Stage"]
    assert template["Parameters"]["Architecture"]["Default"] == "arm64"


@pytest.mark.parametrize("name", ["Access", "CheckVersions", *map(logical_id, FUNCTIONS)])
@pytest.mark.parametrize(
    ("stage", "policies"),
    [("dev", ("Delete", "Delete")), ("staging", ("Delete", "Delete")), ("prod", ("RetainExceptOnCreate", "Retain"))],
)
def test_the_logs_of_prod_survive_its_stack(stage: str, policies: tuple[str, str], name: str) -> None:
    resource = template_resources(stage)[f"{name}LogGroup"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == policies


def test_prod_needs_a_topic_for_its_alarms(template: dict[str, Any]) -> None:
    """That CloudFormation enforces it, shows `make rehearse`."""
    rule = template["Rules"]["ProdNeedsAlarms"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}

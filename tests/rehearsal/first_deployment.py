"""What docs/operations.md tells an operator to do when something failed. `make rehearse` runs it before the cycle."""

from rehearsal.account import Account
from tests.rehearsal.conftest import Shell, deploying, documented


def test_prod_is_refused_without_a_topic_for_alarms(account: Account, deployer: Shell) -> None:
    deployment = deployer.try_(deploying("deploy"))
    assert deployment.exit_code == 1
    assert "Stage prod needs AlarmTopicArn, the SNS topic that receives the alarms." in deployment.output
    assert account.client("dynamodb").list_tables()["TableNames"] == []


def test_without_a_region_nothing_is_deployed(deployer: Shell) -> None:
    deployment = deployer.try_(f"unset AWS_DEFAULT_REGION\n{deploying('deploy')}")
    assert deployment.exit_code == 1
    assert "Please provide a region" in deployment.output


def test_a_first_deployment_that_fails_says_why_and_can_be_undone(account: Account, deployer_with_topic: Shell) -> None:
    """Without the account's role for access logs. Then the cycle deploys the same stage."""
    deployer = deployer_with_topic
    assert "cloudwatchRoleArn" not in account.client("apigateway").get_account()
    deployment = deployer.try_(deploying("deploy"))
    assert deployment.exit_code == 1
    assert "ROLLBACK_FAILED" in deployment.output
    show_events, undo = documented("docs/operations.md", "When a deployment fails")
    events = deployer.run(show_events)
    assert "CloudWatch Logs role ARN must be set in account settings to enable logging" in events
    assert "Table contacts-prod is currently protected against deletion" in events

    for command in undo.splitlines():
        finished = deployer.try_(command)
        assert finished.exit_code == 0 or "ResourceNotFoundException" in finished.output
    assert account.client("dynamodb").list_tables()["TableNames"] == []
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []
    assert account.client("logs").describe_log_groups()["logGroups"] == []
    [stack] = account.client("cloudformation").list_stacks(StackStatusFilter=["ROLLBACK_FAILED", "DELETE_COMPLETE"])[
        "StackSummaries"
    ]
    assert (stack["StackName"], stack["StackStatus"]) == ("contacts-prod", "DELETE_COMPLETE")

"""What docs/operations.md tells an operator to do after the deletion of prod. It comes after the cycle."""

from dataclasses import replace

import pytest

from rehearsal import smoke
from rehearsal.account import ROOT_USER, Account
from tests.rehearsal.conftest import Prod, Shell, documented, edit


@pytest.fixture(scope="session")
def deleted(deployer: Shell, prod: Prod) -> Prod:
    deployer.run("sam delete --config-env prod --no-prompts")
    return prod


def test_a_stack_that_exists_adopts_nothing(account: Account, deployer: Shell) -> None:
    account.client("cloudformation").create_stack(
        StackName="contacts-staging", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    )
    finished = replace(deployer, identity=ROOT_USER).try_("python -m admin --stage staging stack adopt")
    assert finished.exit_code == 1
    assert finished.output.startswith("Error: The stack 'contacts-staging' exists.")


def test_where_nothing_is_left_nothing_is_adopted(deployer: Shell) -> None:
    finished = replace(deployer, identity=ROOT_USER).try_("python -m admin --stage dev stack adopt")
    assert finished.exit_code == 1
    assert finished.output.startswith("Error: Nothing is left of a stack 'contacts-dev' in this account and region.")


def test_a_new_stack_adopts_what_is_left_and_the_old_keys_work(
    account: Account, deployer: Shell, deleted: Prod
) -> None:
    [commands] = documented("docs/operations.md", "After the deletion of a stack")
    *adopt_and_deploy, restore_keys = commands.splitlines()
    deployer.run("\n".join(adopt_and_deploy))
    deleted.operator.run(restore_keys)
    [api] = account.client("apigateway").get_rest_apis()["items"]
    url = f"{account.url}/_aws/execute-api/{api['id']}/prod"
    assert url != deleted.url
    assert [each for each in smoke.run(url, deleted.key, emulated=True) if each.fault] == []
    stack = account.client("cloudformation").describe_stack_resources(StackName="contacts-prod")["StackResources"]
    table, pepper = (
        next(each for each in stack if each["LogicalResourceId"] == name) for name in ("Table", "KeyPepper")
    )
    assert table["PhysicalResourceId"] == "contacts-prod"
    assert ":secret:contacts/prod/key-pepper-" in pepper["PhysicalResourceId"]


def copy_table(account: Account, source: str, target: str) -> None:
    """Stands for the restore, which the emulator does not have."""
    dynamodb = account.client("dynamodb")
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    dynamodb.create_table(
        TableName=target,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )
    for page in dynamodb.get_paginator("scan").paginate(TableName=source):
        for item in page["Items"]:
            dynamodb.put_item(TableName=target, Item=item)


def test_a_new_stack_works_on_the_restored_table(account: Account, deployer: Shell, deleted: Prod) -> None:
    [_, _, settings, exchange, before_callers] = documented("docs/operations.md", "Restoring the table")
    copy_table(account, "contacts-prod", "contacts-prod-20261127")
    restorer = replace(deployer, identity=ROOT_USER)
    restorer.run(settings)
    edit(deployer.checkout / "samconfig.toml", '"Stage=prod",', '"Stage=prod", "TableSuffix=-20261127",')
    for command in exchange.splitlines():  # each with its own answers to its questions
        restorer.run(command)
    restorer.run(before_callers)
    [api] = account.client("apigateway").get_rest_apis()["items"]
    url = f"{account.url}/_aws/execute-api/{api['id']}/prod"
    assert [each for each in smoke.run(url, deleted.key, emulated=True) if each.fault] == []
    function = account.client("cloudformation").describe_stack_resource(
        StackName="contacts-prod", LogicalResourceId="GetContact"
    )["StackResourceDetail"]["PhysicalResourceId"]
    configuration = account.client("lambda").get_function_configuration(FunctionName=function)
    assert configuration["Environment"]["Variables"]["TABLE_NAME"] == "contacts-prod-20261127"

"""Prod from its deployment to its deletion, as README.md and docs/operations.md describe it. The order matters."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import cache_from_source
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from rehearsal import smoke
from rehearsal.account import NUMBER, Account
from rehearsal.smoke import Outcome, Smoke
from tests import secrecy
from tests.document import OPERATIONS, document
from tests.handlers import FUNCTIONS, load_app, logical_id
from tests.rehearsal.conftest import Prod, Shell, deploying, documented, edit
from tests.system import new_phone

PATIENCE_SECONDS = 60

type Answer = tuple[str, int, str | None]
"""Route, status and release."""


@pytest.fixture
def api(prod: Prod) -> Iterator[Smoke]:
    with httpx.Client(base_url=prod.url, timeout=60, trust_env=False) as client:
        yield Smoke(client, prod.key)


def eventually[Value](look: Callable[[], Value | None]) -> Value:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if value := look():
            return value
        time.sleep(0.2)
    raise TimeoutError


def faults(outcomes: list[Outcome]) -> list[Outcome]:
    return [each for each in outcomes if each.fault]


def test_the_account_listens_on_this_machine_alone(account: Account) -> None:
    port = urlsplit(account.url).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_every_endpoint_answers_as_the_contract_says(prod: Prod) -> None:
    outcomes = smoke.run(prod.url, prod.key, emulated=True)
    assert faults(outcomes) == []
    successful = (each.route.partition(" ") for each in outcomes if each.status < httpx.codes.BAD_REQUEST)
    called = (document().find_operation_by_path(method, target.partition("?")[0]) for method, _, target in successful)
    assert {each.label for each in called} == {each.route for each in OPERATIONS}


def test_the_emulator_knows_all_types_of_resources_but_composite_alarms_and_codedeploy(
    account: Account, prod: Prod
) -> None:
    recorded = re.findall(r"^Only recorded: (\S+)", account.log.read_text(), re.MULTILINE)
    assert set(recorded) == {
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
    }


def test_the_dashboard_is_json_without_references(account: Account, prod: Prod) -> None:
    body = account.client("cloudwatch").get_dashboard(DashboardName="contacts-prod")["DashboardBody"]
    assert json.loads(body)["widgets"][0]["properties"]["title"] == "Incidents"
    assert "Fn::" not in body
    assert "${" not in body


def test_the_operator_reaches_no_other_stage(prod: Prod) -> None:
    finished = prod.operator.try_("python -m admin --stage dev tenant list")
    assert finished.exit_code == 1
    assert "dynamodb:Query" in finished.output


def test_an_inbound_message_becomes_a_contact(prod: Prod, api: Smoke) -> None:
    phone = new_phone()
    prod.operator.administer(f"--stage prod message send TENANT_ID {phone} --display-name Grace")

    def look() -> Any:
        answer = api.send(f"GET /v1/contacts/by-phone?phone={phone}")
        return answer.json() if answer.is_success else None

    assert eventually(look)["displayName"] == "Grace"


def test_a_tag_command_assigns_a_tag(prod: Prod, api: Smoke) -> None:
    contact_id = api.send("POST /v1/contacts", {"phone": new_phone()}).json()["id"]
    command = f"tag-command send TENANT_ID {contact_id} {prod.tag_id} ASSIGN --source AI_TOOL"
    prod.operator.administer(f"--stage prod {command}")
    [assignment] = eventually(lambda: api.send(f"GET /v1/contacts/{contact_id}").json()["tagAssignments"])
    assert (assignment["tagId"], assignment["source"]) == (prod.tag_id, "AI_TOOL")


@pytest.mark.parametrize(
    ("queue", "group"), [("inbound-messages", {}), ("tag-commands", {"MessageGroupId": "a contact"})]
)
def test_a_malformed_message_becomes_a_dead_letter_and_can_be_returned(
    account: Account, prod: Prod, queue: str, group: dict[str, str]
) -> None:
    sqs, end = account.client("sqs"), ".fifo" if group else ""
    url = f"{account.url}/{NUMBER}/contacts-prod-{queue}{end}"
    sent = sqs.send_message(QueueUrl=url, MessageBody='{"malformed": true}', **group)["MessageId"]

    def dead_letters() -> Any:
        return prod.operator.administer(f"--stage prod queue show {queue} --bodies")

    [dead] = eventually(dead_letters)
    assert (dead["original_message_id"], dead["body"]) == (sent, '{"malformed": true}')
    assert dead["cause"] == "tenantId: Field required."
    assert prod.operator.administer(f"--stage prod queue redrive {queue}")["redriven"] == 1
    [again] = eventually(dead_letters)  # it is as malformed as before
    assert again["original_message_id"] not in {sent, dead["message_id"]}


@contextmanager
def without_action(account: Account, function: str, action: str) -> Iterator[None]:
    """Takes an action away from the function's own policy."""
    iam = account.client("iam")
    [role] = (each["RoleName"] for each in iam.list_roles()["Roles"] if f"-{function}Role-" in each["RoleName"])
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    [statement] = policy["Statement"]
    reduced = policy | {"Statement": [statement | {"Action": [each for each in statement["Action"] if each != action]}]}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(reduced))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def test_a_missing_permission_is_a_500_and_a_bug_in_the_metrics(account: Account, prod: Prod, api: Smoke) -> None:
    phone = new_phone()
    with without_action(account, "UpsertContact", "dynamodb:PutItem"):
        answer = api.send("POST /v1/contacts", {"phone": phone})
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "Internal error")
    assert api.send("POST /v1/contacts", {"phone": phone}).status_code == httpx.codes.CREATED
    metrics = [json.loads(line) for line in log_of(account, "UpsertContact") if '"_aws"' in line]
    assert [each["Bug"] for each in metrics if "Bug" in each] == [[1.0]]


def log_of(account: Account, function: str) -> list[str]:
    pages = (
        account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/contacts/prod/{function}")
    )
    return [event["message"] for page in pages for event in page["events"]]


@contextmanager
def load(api: Smoke) -> Iterator[list[Answer]]:
    """Reads and writes all the time. The list grows."""
    answers: list[Answer] = []
    stopped = Event()

    def call() -> None:
        while not stopped.is_set():
            for route, body in ("GET /v1/whoami", None), ("POST /v1/contacts", {"phone": api.phone}):
                answer = api.send(route, body)
                answers.append((route, answer.status_code, answer.headers.get("X-Release")))

    with ThreadPoolExecutor(1) as executor:
        running: Future[None] = executor.submit(call)
        try:
            yield answers
        finally:
            stopped.set()
            running.result()


def test_an_update_under_load_answers_every_request(deployer: Shell, prod: Prod, api: Smoke) -> None:
    """The new release changes the layer alone. It is made in the folder of `sam build`, which takes too long again."""
    package = deployer.checkout / ".aws-sam" / "build" / "CommonLayer" / "python" / "contacts"
    endpoint, header = package / "web" / "endpoint.py", '"X-Request-Id": request.id'
    edit(endpoint, header, f'{header}, "X-Release": "2"')
    Path(cache_from_source(endpoint)).unlink()
    with load(api) as answers:
        eventually(lambda: answers)
        deployer.run(deploying("deploy"))
        eventually(lambda: ("GET /v1/whoami", 200, "2") in answers)
    assert answers[0] == ("GET /v1/whoami", 200, None)
    assert {status for _, status, _ in answers} <= {200, 201}


def test_an_update_of_the_layer_moves_every_alias_to_a_version_that_passes_the_check(
    account: Account, prod: Prod
) -> None:
    """The emulator has no CodeDeploy, so nobody calls the check there."""
    client = account.client("lambda")
    functions = {each["FunctionName"].split("-")[2]: each for each in client.list_functions()["Functions"]}
    variables = functions.pop("CheckVersions")["Environment"]["Variables"]
    live = {name: client.get_alias(FunctionName=each["FunctionName"], Name="live") for name, each in functions.items()}
    assert {name: each["FunctionVersion"] for name, each in live.items()} == dict.fromkeys(
        map(logical_id, FUNCTIONS), "2"
    )
    assert variables == {
        f"VERSION_{name}": f"{each['AliasArn'].removesuffix('live')}{each['FunctionVersion']}"
        for name, each in live.items()
    }
    try_version = load_app("hooks/check_versions").try_version
    assert [name for name, version in variables.items() if not try_version(client, version)] == []


def test_a_function_goes_back_to_the_version_before(account: Account, deployer: Shell, prod: Prod, api: Smoke) -> None:
    assert api.send("GET /v1/whoami").headers["X-Release"] == "2"
    names = [each["FunctionName"] for each in account.client("lambda").list_functions()["Functions"]]
    [whoami] = (each for each in names if "-Whoami-" in each)
    [commands] = documented("docs/operations.md", "Going back after a deployment")
    output = replace(deployer, replacements={"FUNCTION": whoami, "VERSION": "1"}).run(commands)
    assert re.findall(r"^(\d|\$LATEST)\t", output, re.MULTILINE) == ["$LATEST", "1", "2"]
    assert "X-Release" not in api.send("GET /v1/whoami").headers


def test_no_log_holds_a_phone_a_name_or_a_key(account: Account, prod: Prod, tmp_path: Path) -> None:
    secrecy.note(prod.key)
    log = tmp_path / "functions.log"
    log.write_text("\n".join(line for each in FUNCTIONS for line in log_of(account, logical_id(each))))
    assert '"service":"contacts"' in log.read_text()
    assert secrecy.find(log) == set()


def test_after_the_deletion_of_prod_the_data_is_still_there(deployer: Shell, prod: Prod, account: Account) -> None:
    deployer.run("sam delete --config-env prod --no-prompts")
    assert account.client("dynamodb").list_tables()["TableNames"] == ["contacts-prod"]
    secrets = account.client("secretsmanager").list_secrets()["SecretList"]
    assert {each["Name"] for each in secrets} == {"contacts/prod/key-pepper", "contacts/prod/signing-root"}
    groups = {each["logGroupName"] for each in account.client("logs").describe_log_groups()["logGroups"]}
    assert groups == {f"/contacts/prod/{each}" for each in ["access", "CheckVersions", *map(logical_id, FUNCTIONS)]}
    assert account.client("apigateway").get_rest_apis()["items"] == []
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("sqs").list_queues().get("QueueUrls", []) == []

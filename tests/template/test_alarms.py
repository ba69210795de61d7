"""Each alarm watches metrics that exist, goes off on bad data and on no other, and has its runbook."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from local import ROOT
from tests.alarms import Data, Search, alarmed_minutes, alarms_of, is_alarmed, metrics_of, resources_of, shown
from tests.handlers import FUNCTIONS, logical_id
from tests.template.conftest import expanded_template

STAGE, API = "prod", "contacts-prod"
ALARMS = resources_of(expanded_template(), "Alarm", STAGE)
INCIDENTS = resources_of(expanded_template(), "CompositeAlarm", STAGE)
DASHBOARD = resources_of(expanded_template(), "Dashboard", STAGE)["Dashboard"]

DOCUMENTATION = "https://docs.aws.amazon.com/"
AWS_METRICS: dict[str, dict[str, dict[tuple[str, ...], str]]] = {
    "apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html": {
        "AWS/ApiGateway": {("ApiName",): "4XXError 5XXError Count Latency"},
    },
    "lambda/latest/dg/monitoring-metrics-types.html": {
        "AWS/Lambda": {("FunctionName",): "ConcurrentExecutions Duration Invocations IteratorAge Throttles"},
    },
    "amazondynamodb/latest/developerguide/metrics-dimensions.html": {
        "AWS/DynamoDB": {
            (
                "TableName",
            ): "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents WriteThrottleEvents",
            ("TableName", "Operation"): "SuccessfulRequestLatency SystemErrors",
        },
    },
    "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html": {
        "AWS/SQS": {
            ("QueueName",): "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible NumberOfEmptyReceives"
        },
    },
    "AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html": {
        "AWS/Logs": {("LogGroupName",): "IncomingBytes"},
    },
}
"""The metrics of AWS's services that we use: by page of the documentation, namespace and names of the dimensions."""

SENT_BY_AWS = {
    (namespace, name, frozenset(dimensions))
    for namespaces in AWS_METRICS.values()
    for namespace, metrics in namespaces.items()
    for dimensions, names in metrics.items()
    for name in names.split()
}

# What alarms watch exists. For metrics of the code see tests/functions/test_metrics.py.


def test_every_metric_of_aws_is_sent_under_that_name_and_with_these_dimensions() -> None:
    alarmed = {metric for alarm in ALARMS.values() for metric in metrics_of(alarm)}
    used = {
        (each.namespace, each.name, frozenset(name for name, _ in each.dimensions))
        for each in alarmed | {each for each in shown(DASHBOARD) if not isinstance(each, Search)}
    } | {
        (each.namespace, re.findall(r'MetricName="(\w+)"', each.terms)[0], each.dimension_names)
        for each in shown(DASHBOARD)
        if isinstance(each, Search) and each.namespace != "Contacts"
    }
    assert {each for each in used if each[0] != "Contacts"} == SENT_BY_AWS


def test_alarms_name_resources_of_the_stage(template: dict[str, Any]) -> None:
    names = {
        value
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm)
        for name, value in metric.dimensions
        if name in {"FunctionName", "QueueName", "TableName"}
    }
    functions = {logical_id(each) for each in FUNCTIONS}
    queues = {name for name, each in template["Resources"].items() if each["Type"] == "AWS::SQS::Queue"}
    assert names == functions | queues | {"Table"}
    assert template["Resources"]["Api"]["Properties"]["Name"] == {"Fn::Sub": "contacts-${Stage}"}


def test_the_operations_whose_errors_are_watched_are_those_that_functions_may_do(template: dict[str, Any]) -> None:
    """A transaction needs the permissions of its parts."""
    allowed = set(re.findall(r"dynamodb:(\w*Item|Query)'", str(template["Resources"])))
    watched = {name.removesuffix("ErrorsAlarm") for name in ALARMS if name.endswith("ErrorsAlarm")} - {"Server"}
    assert watched == allowed | {"TransactWriteItems"}


# CloudWatch's rule


@pytest.mark.parametrize(
    ("points", "needed", "expected"),
    [
        ("0-X-X", 3, False),
        ("----0", 3, False),
        ("-----", 3, False),
        ("0XX-X", 3, True),
        ("--X--", 3, False),
        ("0-X-X", 2, True),
        ("00X0X", 2, True),
        ("0-X--", 2, False),
        ("----0", 2, False),
        ("----X", 2, False),
    ],
)
def test_missing_data_count_as_in_the_tables_of_the_documentation(points: str, needed: int, *, expected: bool) -> None:
    """AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: X is over the threshold, - is missing."""
    assert is_alarmed([{"X": True, "0": False, "-": None}[each] for each in points], needed, 3) is expected


# Alarms and synthetic data

MINUTES = 120
HOUR = range(MINUTES)
TROUBLE = range(30, 50)
MOMENT = range(30, 31)


def healthy() -> Data:
    """Two hours with what is normal: retries, cold starts, single faults, clients with an old or a wrong key."""
    data = Data()
    answered = [40.0] * 28 + [700.0, 1900.0]
    data.put("AWS/ApiGateway", "Count", HOUR, *[1] * 30, ApiName=API)
    data.put("AWS/ApiGateway", "5XXError", HOUR, *[0] * 30, ApiName=API)
    data.put("AWS/ApiGateway", "5XXError", range(10, 100, 7), 1, *[0] * 29, ApiName=API)
    data.put("AWS/ApiGateway", "Latency", HOUR, *answered, ApiName=API)
    for kind, usual in ("Read", 8.0), ("Write", 20.0), ("Bulk", 900.0):
        data.put("Contacts", "Latency", HOUR, *[usual] * 40, Stage=STAGE, Kind=kind)
        data.put("Contacts", "Latency", range(0, 120, 5), *[usual] * 39, 6000.0, Stage=STAGE, Kind=kind)
    data.put("Contacts", "KeyRefused", HOUR, *[1] * 60, Stage=STAGE)  # a client that asks every second
    data.put("Contacts", "OldKeyRefused", HOUR, *[1] * 600, Stage=STAGE)
    data.put("Contacts", "SignatureRejected", HOUR, *[1] * 60, Stage=STAGE)
    data.put("Contacts", "AuthorizerFault", MOMENT, 1, Stage=STAGE)
    data.put("Contacts", "CREATED", range(4, 120, 30), 1, Stage=STAGE)  # the last minute of a period
    data.put("Contacts", "PUBLISHED", range(4, 120, 60), 1, Stage=STAGE)
    data.put("Contacts", "PUBLISHED", range(35, 120, 60), 1, Stage=STAGE)  # two seconds later is the next period
    data.put("AWS/DynamoDB", "ReadThrottleEvents", MOMENT, *[1] * 50, TableName="Table")
    data.put("AWS/DynamoDB", "WriteThrottleEvents", HOUR, *[1] * 3, TableName="Table")
    data.put("AWS/DynamoDB", "SystemErrors", MOMENT, 1, TableName="Table", Operation="GetItem")
    for function in FUNCTIONS:
        data.put("AWS/Lambda", "Throttles", HOUR, 0, FunctionName=logical_id(function))
    data.put("AWS/Lambda", "Throttles", MOMENT, 9, FunctionName="GetContact")
    data.put("AWS/Lambda", "IteratorAge", HOUR, 900, FunctionName="PublishChanges")
    for queue in "InboundMessages", "TagCommands":
        data.put("AWS/SQS", "ApproximateAgeOfOldestMessage", HOUR, 0, 2, QueueName=queue)
        data.put("AWS/SQS", "ApproximateAgeOfOldestMessage", MOMENT, 250, QueueName=queue)  # retried twice
        data.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", HOUR, 0, QueueName=f"{queue}DeadLetters")
    data.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", HOUR, 0, QueueName="LostChanges")
    return data


def every_call_of_five_fails(data: Data) -> None:
    data.put("AWS/ApiGateway", "Count", TROUBLE, *[1] * 5, ApiName=API)
    data.put("AWS/ApiGateway", "5XXError", TROUBLE, *[1] * 5, ApiName=API)


def a_fifth_of_the_answers_is_late(data: Data) -> None:
    data.put("AWS/ApiGateway", "Latency", TROUBLE, *[40.0] * 24, *[2500.0] * 6, ApiName=API)


def nobody_takes_messages_from(queue: str) -> Callable[[Data], None]:
    def spoil(data: Data) -> None:
        for minute in TROUBLE:
            age = 60 * (minute - TROUBLE.start)
            data.put("AWS/SQS", "ApproximateAgeOfOldestMessage", range(minute, minute + 1), age, QueueName=queue)

    return spoil


def nothing_is_published(data: Data) -> None:
    data.put("Contacts", "CREATED", TROUBLE, 1, 1, Stage=STAGE)
    data.put("Contacts", "PUBLISHED", TROUBLE, Stage=STAGE)


def put(namespace: str, name: str, minutes: range, *samples: float, **dimensions: str) -> Callable[[Data], None]:
    return lambda data: data.put(namespace, name, minutes, *samples, **dimensions)


WAITING = "AWS/SQS", "ApproximateNumberOfMessagesVisible", TROUBLE, 1
OPERATIONS = "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"

BAD: dict[str, tuple[Callable[[Data], None], int]] = {
    "ServerErrorsAlarm": (every_call_of_five_fails, 3),
    "BugsAlarm": (put("Contacts", "Bug", MOMENT, 1, Stage=STAGE), 1),
    "AuthorizerFaultsAlarm": (put("Contacts", "AuthorizerFault", TROUBLE, 1, Stage=STAGE), 2),
    **{
        f"{name}ThrottlesAlarm": (put("AWS/Lambda", "Throttles", TROUBLE, 1, FunctionName=name), 3)
        for name in map(logical_id, FUNCTIONS)
    },
    "DatabaseThrottlesAlarm": (put("AWS/DynamoDB", "WriteThrottleEvents", TROUBLE, *[1] * 11, TableName="Table"), 3),
    **{
        f"{name}ErrorsAlarm": (
            put("AWS/DynamoDB", "SystemErrors", TROUBLE, 1, TableName="Table", Operation=name),
            3,
        )
        for name in OPERATIONS
    },
    "SlowReadsAlarm": (put("Contacts", "Latency", TROUBLE, *[8.0] * 39, 501.0, Stage=STAGE, Kind="Read"), 15),
    "SlowWritesAlarm": (put("Contacts", "Latency", TROUBLE, *[20.0] * 39, 1001.0, Stage=STAGE, Kind="Write"), 15),
    "SlowBulksAlarm": (put("Contacts", "Latency", TROUBLE, *[900.0] * 39, 5001.0, Stage=STAGE, Kind="Bulk"), 15),
    "SlowAnswersAlarm": (a_fifth_of_the_answers_is_late, 15),
    "LateInboundMessagesAlarm": (nobody_takes_messages_from("InboundMessages"), 7),
    "LateTagCommandsAlarm": (nobody_takes_messages_from("TagCommands"), 7),
    "InboundMessagesDeadLettersAlarm": (put(*WAITING, QueueName="InboundMessagesDeadLetters"), 1),
    "TagCommandsDeadLettersAlarm": (put(*WAITING, QueueName="TagCommandsDeadLetters"), 1),
    "LostChangesAlarm": (put(*WAITING, QueueName="LostChanges"), 1),
    "LateChangesAlarm": (put("AWS/Lambda", "IteratorAge", TROUBLE, 300_000, FunctionName="PublishChanges"), 1),
    "StoppedChangesAlarm": (nothing_is_published, 15),
    "RefusedKeysAlarm": (put("Contacts", "KeyRefused", TROUBLE, *[1] * 201, Stage=STAGE), 15),
    "RefusedCallersAlarm": (put("Contacts", "AddressNotAllowed", TROUBLE, *[1] * 201, Stage=STAGE), 15),
}
"""What sets an alarm off, and after how many minutes."""


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_quiet_on_healthy_data_and_without_data(name: str) -> None:
    assert alarmed_minutes(ALARMS[name], healthy(), MINUTES) == []
    assert alarmed_minutes(ALARMS[name], Data(), MINUTES) == []


@pytest.mark.parametrize("name", ALARMS)
@pytest.mark.parametrize("background", [healthy, Data])
def test_an_alarm_goes_off_on_bad_data_and_ends(name: str, background: Callable[[], Data]) -> None:
    data = background()
    spoil, delay = BAD[name]
    spoil(data)
    alarmed = alarmed_minutes(ALARMS[name], data, MINUTES)
    assert alarmed[0] == TROUBLE.start + delay
    period = alarmed[1] - alarmed[0]
    assert alarmed == [*range(alarmed[0], alarmed[-1] + 1, period)]
    assert alarmed[-1] <= TROUBLE.stop + period * (ALARMS[name]["EvaluationPeriods"] + 2)


# Incidents, runbooks, the dashboard


def test_every_alarm_belongs_to_one_incident() -> None:
    assert sorted(name for each in INCIDENTS.values() for name in alarms_of(each)) == sorted(ALARMS)


def test_incidents_notify_and_alarms_do_not(template: dict[str, Any]) -> None:
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for name in INCIDENTS:
        properties = template["Resources"][name]["Properties"]
        assert (properties["AlarmActions"], properties["OKActions"]) == (topic, topic)
    assert [name for name, each in ALARMS.items() if each.keys() & {"AlarmActions", "OKActions"}] == []


def test_only_slowness_is_not_notified_while_calls_fail() -> None:
    suppressors = {name: each.get("ActionsSuppressor") for name, each in INCIDENTS.items()}
    assert {name: each for name, each in suppressors.items() if each} == {"SlownessIncident": "FailuresIncident"}


def sections() -> dict[str, str]:
    """The sections of docs/operations.md by GitHub's anchors."""
    _, *parts = re.split(r"^#+ ", (ROOT / "docs" / "operations.md").read_text(), flags=re.MULTILINE)
    titles = (part.partition("\n")[0].lower() for part in parts)
    return dict(zip((re.sub(r"[^\w -]", "", each).replace(" ", "-") for each in titles), parts, strict=True))


@pytest.mark.parametrize("name", [*ALARMS, *INCIDENTS])
def test_the_description_of_an_alarm_links_a_runbook(name: str) -> None:
    description = (ALARMS | INCIDENTS)[name]["AlarmDescription"]
    anchor = re.fullmatch(r"[A-Z].*\. Runbook#([\w-]+)", description)
    assert anchor
    section = sections()[anchor[1]]
    assert re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE) == ["It means", "Look at", "Do"]


def test_the_runbook_links_are_of_the_documents_place(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Runbook"]["Default"] == "docs/operations.md"


def test_the_dashboard_shows_the_incidents_first() -> None:
    first = DASHBOARD["DashboardBody"]["widgets"][0]
    assert (first["type"], first["properties"]["alarms"]) == ("alarm", [*INCIDENTS])


def test_the_dashboard_shows_every_metric_that_an_alarm_watches() -> None:
    found = [*shown(DASHBOARD)]
    searched = {(each.namespace, each.dimension_names) for each in found if isinstance(each, Search)}
    alarmed = {metric for alarm in ALARMS.values() for metric in metrics_of(alarm)}
    assert {
        each
        for each in alarmed - set(found)
        if (each.namespace, frozenset(name for name, _ in each.dimensions)) not in searched
    } == set()

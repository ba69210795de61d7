"""Functions print the metrics that alarms and the dashboard read, in CloudWatch's embedded metric format."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import repeat
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access.authorizer import Unauthorized
from contacts.domain.errors import DatabaseUnavailable
from tests.alarms import Metric, Search, metrics_of, resources_of, shown
from tests.document import OPERATIONS, Operation
from tests.events import ACME, Tenant, sample_event
from tests.faults import refuse
from tests.functions.conftest import KEY, Stream, Wire, create_queue
from tests.handlers import call, deliver, invoke
from tests.template.conftest import expanded_template

PHONE = "491512345678"
INBOUND = {"tenantId": ACME.id, "phone": PHONE, "receivedAt": "2026-01-01T00:00:00Z"}

type Counts = dict[str, float]
type Log = Callable[[], str]


def lines(written: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, written.splitlines()) if "_aws" in line]


def printed(line: dict[str, Any]) -> Iterator[tuple[Metric, float]]:
    """The metrics that CloudWatch takes from a line, and their sums."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    for metric in directive["Metrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, line[name]) for name in names)
            yield Metric(directive["Namespace"], metric["Name"], dimensions), sum(line[metric["Name"]])


def counts(written: str, kind: str) -> list[Counts]:
    """Of each line of the kind, its metrics but for the latency."""
    dimensions = frozenset({("Stage", "local"), ("Kind", kind)})
    found = [
        {metric.name: value for metric, value in printed(line) if metric.dimensions == dimensions}
        for line in lines(written)
    ]
    return [{name: value for name, value in each.items() if name != "Latency"} for each in found if each]


def authorize(key: str) -> None:
    with suppress(Unauthorized, DatabaseUnavailable):
        invoke("authorizer", sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {key}"}})


@pytest.fixture(autouse=True)
def dead_letters(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("InboundMessagesDeadLetters").url)


def test_functions_print_every_metric_that_alarms_and_the_dashboard_read(
    acme: Tenant, wire: Wire, stream: Stream, store_key: Callable[..., None], log: Log
) -> None:
    wire.fail("GetItem", [refuse("ValidationException")])
    call("get_contact", acme, contactId="c1234567")
    call("upsert_contact", acme, json_body={"phone": PHONE})
    call("list_tags", acme)
    call("whoami", acme, key={"ipAllowlist": "203.0.113.1/32"}, source_ip="198.51.100.1")
    call("whoami", acme, key={"requireSignature": "true"})
    deliver("record_inbound_message", INBOUND)
    deliver("apply_tag_command", {})
    stream.publish()
    authorize(KEY)
    store_key(status="REVOKED")
    authorize(KEY)
    wire.fail("GetItem", repeat(refuse("ThrottlingException")))
    authorize(KEY)
    found = {metric for line in lines(log()) for metric, _ in printed(line)}

    template = expanded_template()
    alarms = resources_of(template, "Alarm", "local").values()
    [dashboard] = resources_of(template, "Dashboard", "local").values()
    read = {metric for alarm in alarms for metric in metrics_of(alarm)} | {
        each for each in shown(dashboard) if isinstance(each, Metric)
    }
    ours = {each for each in read if each.namespace == "Contacts"}
    assert {each.name for each in ours} >= {"Bug", "Latency", "KeyRefused", "AuthorizerFault"}
    assert ours - found == set()

    searched = [each for each in shown(dashboard) if isinstance(each, Search) and each.namespace == "Contacts"]
    kinds = {value for each in found for name, value in each.dimensions if name == "Kind"}
    assert {frozenset(name for name, _ in each.dimensions) for each in found} >= {
        each.dimension_names for each in searched
    }
    assert {kind for kind in kinds if any(f'"{kind}"' in each.terms for each in searched)} == kinds - {"Authorizer"}


def kind_of(operation: Operation) -> str:
    if operation.function.startswith("list_") or operation.function == "upsert_contacts":
        return "Bulk"
    return "Read" if operation.method == "GET" else "Write"


def test_an_endpoint_counts_its_outcome_and_latency_for_the_stage_and_its_kind(table: Table, log: Log) -> None:
    for operation in OPERATIONS:
        kind = kind_of(operation)
        answer = invoke(operation.function, sample_event(operation.function))
        [line] = lines(log())
        found = dict(printed(line))
        stage = frozenset({("Stage", "local")})
        outcomes = {name for _, name, _ in found} - {"Latency"}
        assert found.keys() == {
            Metric("Contacts", name, dimensions)
            for name in (*outcomes, "Latency")
            for dimensions in (stage, stage | {("Kind", kind)})
        }
        assert [found[Metric("Contacts", name, stage)] for name in outcomes] == [1.0]
        assert 0 < found[Metric("Contacts", "Latency", stage)] < 10_000
        assert answer["statusCode"] < 500


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        (None, "KeyRefused"),
        ({"status": "REVOKED"}, "OldKeyRefused"),
        ({"valid_until": "2026-01-01T00:00:00.000Z"}, "OldKeyRefused"),
    ],
)
def test_a_refused_key_is_counted_apart_if_it_was_valid_once(
    store_key: Callable[..., None], log: Log, fields: dict[str, str] | None, outcome: str
) -> None:
    if fields is not None:
        store_key(**fields)
    authorize(KEY)
    assert counts(log(), "Authorizer") == [{outcome: 1}]


def test_a_malformed_key_is_counted_as_refused(log: Log) -> None:
    authorize("nonsense")
    assert counts(log(), "Authorizer") == [{"KeyRefused": 1}]


def test_a_valid_key_is_not_counted(store_key: Callable[..., None], log: Log) -> None:
    store_key()
    authorize(KEY)
    assert counts(log(), "Authorizer") == []


def test_a_fault_of_the_authorizer_is_no_refused_key(wire: Wire, log: Log) -> None:
    wire.fail("GetItem", repeat(refuse("ThrottlingException")))
    authorize(KEY)
    assert counts(log(), "Authorizer") == [{"AuthorizerFault": 1}]


def test_a_batch_of_messages_is_counted_by_outcome(acme: Tenant, log: Log) -> None:
    deliver("record_inbound_message", INBOUND, INBOUND, {**INBOUND, "phone": "4915100000"}, {"phone": 1}, "{")
    assert counts(log(), "InboundMessage") == [{"RECORDED": 2, "WITHIN_COOLDOWN": 1, "MalformedMessage": 2}]


def test_a_tag_command_is_counted_by_outcome(acme: Tenant, log: Log) -> None:
    command = {"tenantId": acme.id, "contactId": "c1234567", "tagId": acme.tag_ids[0], "action": "ASSIGN"}
    deliver("apply_tag_command", {**command, "source": "AI_TOOL", "issuedAt": "2026-01-01T00:00:00Z"})
    assert counts(log(), "TagCommand") == [{"ContactNotFound": 1}]


@pytest.mark.parametrize(
    ("code", "outcome"), [("ThrottlingException", "DatabaseUnavailable"), ("ValidationException", "Bug")]
)
def test_messages_that_fail_are_counted_although_the_batch_raises(
    acme: Tenant, wire: Wire, log: Log, code: str, outcome: str
) -> None:
    wire.fail("GetItem", repeat(refuse(code)))
    with pytest.raises(BatchProcessingError):
        deliver("record_inbound_message", INBOUND)
    assert counts(log(), "InboundMessage") == [{outcome: 1}]


def test_published_changes_are_counted(acme: Tenant, stream: Stream, log: Log) -> None:
    call("upsert_contact", acme, json_body={"phone": PHONE})
    call("upsert_contact", acme, json_body={"phone": "4915100000"})
    stream.publish()
    assert counts(log(), "Change") == [{"PUBLISHED": 2}]


@pytest.mark.parametrize(
    ("code", "outcome"), [("ThrottlingException", "DatabaseUnavailable"), ("ValidationException", "Bug")]
)
def test_changes_that_are_not_published_are_counted(
    acme: Tenant, wire: Wire, stream: Stream, log: Log, code: str, outcome: str
) -> None:
    call("upsert_contact", acme, json_body={"phone": PHONE})
    wire.fail("Query", repeat(refuse(code)))
    with suppress(AssertionError):
        stream.publish()
    assert counts(log(), "Change") == [{outcome: 1}]


def test_a_record_of_the_stream_that_cannot_be_read_is_a_bug(table: Table, log: Log) -> None:
    invoke("publish_changes", {"Records": [{"dynamodb": {"SequenceNumber": "1"}}]})
    assert counts(log(), "Change") == [{"Bug": 1}]

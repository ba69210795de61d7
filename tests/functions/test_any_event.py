"""Functions get arbitrary events: they answer as the contract says, and raise only what AWS understands."""

import json
import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access.authorizer import Unauthorized
from tests.document import check_answer, document
from tests.events import ACME, Event, sample_event
from tests.functions.conftest import KEY, create_queue
from tests.handlers import deliver, invoke
from tests.template.conftest import ENDPOINTS, STREAM_CONSUMER

QUEUES = {"record_inbound_message": "InboundMessagesDeadLetters", "apply_tag_command": "TagCommandsDeadLetters"}

texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\ud800", "\0", "true", "9" * 5000, "é" * 3000, "a\r\nb", "#", "null", "[]", "{}", "Ynl0ZXM="]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
anything = st.recursive(
    scalars, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3), max_leaves=6
)


def places(node: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths to all parts of a JSON value."""
    match node:
        case dict():
            inside = list(node.items())
        case list():
            inside = list(enumerate(node))
        case _:
            return
    for name, child in inside:
        yield (*path, name)
        yield from places(child, *path, name)


@st.composite
def damaged(draw: st.DrawFn, event: Event) -> Event:
    """The event with up to four parts removed or replaced."""
    event = deepcopy(event)
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from([*places(event), ("something",)]))
        parent: Any = event
        for name in path:
            parent = parent[name]
        parent[last] = draw(anything)
        if draw(st.booleans()):
            del parent[last]
    return event


def any_event(*samples: Event) -> st.SearchStrategy[Any]:
    return st.one_of(*(damaged(sample) for sample in samples), anything)


def with_key(function: str, **key: str) -> Event:
    """The sample with these settings of the API key and with all headers that the API reads."""
    event = deepcopy(sample_event(function))
    event["headers"] |= {
        "X-Request-Id": "mine",
        "Idempotency-Key": "once",
        "X-SigFollow-Timestamp": "1756427025",
        "X-SigFollow-Signature": "sha256=00",
    }
    event["requestContext"]["authorizer"] |= key
    return event


MINUTES = float(os.environ.get("MINUTES") or 0)
"""The length of a soak, of which these tests take about a twentieth. Without a soak they try the same few events."""

ENDURE = settings(
    max_examples=max(15, round(8 * MINUTES)),
    derandomize=not MINUTES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("function", ENDPOINTS)
def test_an_endpoint_answers_any_event_as_documented(table: Table, function: str) -> None:
    sample = sample_event(function)
    operation = document().find_operation_by_path(sample["httpMethod"], sample["path"])
    samples = sample, with_key(function, ipAllowlist="10.0.0.0/8", requireSignature="true")

    @ENDURE
    @given(any_event(*samples, with_key(function)))
    def check(event: Any) -> None:
        answer = invoke(function, event)
        assert answer.keys() == {"statusCode", "headers", "body"}
        assert all(re.fullmatch("[ -~]+", value) for value in answer["headers"].values())
        response = httpx.Response(
            answer["statusCode"],
            headers=answer["headers"] | {"x-amzn-RequestId": "the gateway's"},
            content=answer["body"].encode(),
            request=httpx.Request(operation.method, "https://api.example.com"),
        )
        response.elapsed = timedelta()
        if response.is_error:
            check_answer(operation, response)
            assert response.json()["error"]["fbtrace_id"] == answer["headers"]["X-Request-Id"]

    check()


def test_the_authorizer_answers_any_event_with_a_policy_or_unauthorized(
    table: Table, store_key: Callable[..., None]
) -> None:
    store_key()
    event = deepcopy(sample_event("authorizer"))
    event["headers"]["Authorization"] = f"Bearer {KEY}"

    @ENDURE
    @given(any_event(event))
    def check(event: Any) -> None:
        try:
            answer = invoke("authorizer", event)
        except Unauthorized as refusal:
            assert str(refusal) == "Unauthorized"  # noqa: PT017 - whether there is one is not the question
        else:
            assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
            assert answer["context"]["tenantId"] == ACME.id

    check()


@pytest.fixture(params=QUEUES)
def consumer(table: Table, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue(QUEUES[request.param]).url)
    return str(request.param)


def test_a_consumer_finishes_any_message(consumer: str) -> None:
    message = json.loads(sample_event(consumer)["Records"][0]["body"])

    @ENDURE
    @given(damaged(message).map(json.dumps) | st.text(st.characters(categories=["L", "P", "Zs"]), min_size=1))
    def check(body: str) -> None:
        assert deliver(consumer, body) == []

    check()


def test_the_stream_consumer_answers_any_event_with_the_record_to_retry(table: Table) -> None:
    @ENDURE
    @given(any_event(sample_event(STREAM_CONSUMER)))
    def check(event: Any) -> None:
        try:
            failures = invoke(STREAM_CONSUMER, event)["batchItemFailures"]
        except Exception:  # noqa: BLE001 - Lambda sends the whole batch again, whatever is raised
            assert not is_batch(event, is_placed)
            return
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        assert all(failure["itemIdentifier"] in numbers for failure in failures)

    check()


def is_batch(event: object, is_record: Callable[[object], bool]) -> bool:
    """Whether a consumer can read it as a batch of such records."""
    match event:
        case {"Records": list(records)}:
            return all(is_record(record) for record in records)
    return False


def is_placed(record: object) -> bool:
    """Whether it has its place in a shard of the stream, whatever else it has."""
    match record:
        case {"dynamodb": {"SequenceNumber": str()}}:
            return True
    return False


def is_message(record: object) -> bool:
    """Whether it is one of SQS."""
    match record:
        case {"messageId": str(), "body": str(), "attributes": dict(attributes)}:
            return all(isinstance(value, str) for value in attributes.values())
    return False


def test_a_consumer_answers_any_event_with_the_messages_to_retry(consumer: str) -> None:
    @ENDURE
    @given(any_event(sample_event(consumer)))
    def check(event: Any) -> None:
        try:
            failures = invoke(consumer, event)["batchItemFailures"]
        except BatchProcessingError:
            return  # SQS retries all of them
        except Exception:  # noqa: BLE001 - SQS sends the whole batch again, whatever is raised
            assert not is_batch(event, is_message)
            return
        messages = [record["messageId"] for record in event["Records"]]
        assert all(failure["itemIdentifier"] in messages for failure in failures)

    check()

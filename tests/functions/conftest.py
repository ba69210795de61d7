"""The wire between handlers and DynamoDB with its faults, a contact, API keys and queues."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import Context
from functools import cache
from io import BytesIO
from itertools import chain, count
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from mypy_boto3_dynamodb.service_resource import Table
from mypy_boto3_sqs.service_resource import Message, Queue, SQSServiceResource
from urllib3 import HTTPResponse

from contacts.access.keys import hash_key
from contacts.runtime.settings import table_name
from contacts.storage.table import connection
from tests.api_keys import build_api_key
from tests.conftest import template_resources, use_endpoint
from tests.events import ACME, Tenant
from tests.faults import Reply
from tests.handlers import PEPPER, call, invoke
from tests.streams import Item, build_record, build_stream_event

KEY = "sflo_live_" + "aB3-_" * 8 + "xyz"
HASH = hash_key(KEY, PEPPER)


type Fault = Reply | Exception


class Wire:
    """Records the requests to DynamoDB, retries included, and injects faults."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._faults: dict[str, Iterator[Fault]] = {}
        self._interruptions: dict[str, Callable[[], object]] = {}

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    @property
    def actions(self) -> set[str]:
        """The IAM actions of the requests. A transaction needs the permissions of its parts."""
        actions = set[str]()
        for operation, request in self.requests:
            parts = [part for item in request.get("TransactItems", ()) for part in item]
            actions |= {f"dynamodb:{part}Item" for part in parts} or {f"dynamodb:{operation}"}
        return actions

    def fail(self, operation: str, faults: Iterable[Fault]) -> None:
        """Each of the next requests of the operation meets one of these faults."""
        self._faults[operation] = chain(self._faults.get(operation, ()), faults)

    def interrupt(self, operation: str, action: Callable[[], object]) -> None:
        """Does this before the next request of the operation arrives, as if another process did it."""
        self._interruptions[operation] = action

    def send(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.requests.append((operation, json.loads(cast("bytes", request.body))))
        Context().run(self._interruptions.pop(operation, lambda: None))  # without the role of a function
        match next(self._faults.get(operation, iter(())), None):
            case Exception() as error:
                raise error
            case Reply() as reply:
                if not reply.after_the_effect:
                    request.url = "https://nowhere.invalid"  # moto must not execute the request
                raw = HTTPResponse(BytesIO(reply.body), preload_content=False)
                return AWSResponse(request.url, reply.status, HeadersDict(reply.headers), raw)  # type: ignore[arg-type]
        return None


@pytest.fixture
def wire(table: Table) -> Iterator[Wire]:
    wire, events = Wire(), connection().client.meta.events
    events.register_first("before-send.dynamodb", wire.send)  # type: ignore[arg-type]
    yield wire
    events.unregister("before-send.dynamodb", wire.send)  # type: ignore[arg-type]


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB is unreachable, so a call that sends it a request is a 503."""
    use_endpoint(monkeypatch, "http://127.0.0.1:9")


@pytest.fixture
def contact(acme: Tenant) -> dict[str, Any]:
    """A contact of acme, as upsert_contact has answered it."""
    status, contact = call("upsert_contact", acme, json_body={"phone": "+49 151 2345678", "display_name": "Ada"})
    assert status == 201
    return cast("dict[str, Any]", contact)


class Stream:
    """Does for moto what DynamoDB and Lambda do: hands the writes of contacts to publish_changes, at most one per item
    and call."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._seen = self._contacts()

    @staticmethod
    def _contacts() -> dict[str, Item]:
        items = boto3.client("dynamodb").scan(TableName=table_name())["Items"]
        return {item["pk"]["S"]: cast("Item", item) for item in items if item["sk"]["S"] == "CONTACT"}

    def records(self) -> list[dict[str, Any]]:
        """Of the writes since the last time."""
        before, self._seen = self._seen, self._contacts()
        return [
            build_record(before.get(key), self._seen.get(key), next(self._numbers))
            for key in sorted(before.keys() | self._seen.keys())
            if before.get(key) != self._seen.get(key)
        ]

    def publish(self) -> None:
        assert invoke("publish_changes", build_stream_event(*self.records())) == {"batchItemFailures": []}


@pytest.fixture
def stream(table: Table) -> Stream:
    return Stream()


def assign_tags(tenant: Tenant, contact: dict[str, Any], tag_ids: Sequence[str]) -> None:
    """In one request, because one per tag takes seconds in moto."""
    item = {"phone": contact["phone"], "tags": [{"tag_id": tag_id} for tag_id in tag_ids]}
    assert call("upsert_contacts", tenant, json_body={"contacts": [item]})[0] == 200


@pytest.fixture
def store_key(table: Table) -> Callable[..., None]:
    """Stores the API key, active and with all scopes, except for the given fields."""

    def store(*, secret: str = KEY, pepper: str = PEPPER, **fields: Any) -> None:
        build_api_key(secret, ACME, pepper=pepper, **fields).save()

    return store


@cache
def _sqs() -> SQSServiceResource:
    return boto3.resource("sqs")


def create_queue(name: str) -> Queue:
    """A queue of the template, in moto."""
    properties: dict[str, Any] = template_resources()[name]["Properties"]
    attributes = {"FifoQueue": "true"} if properties.get("FifoQueue") else {}
    return _sqs().create_queue(QueueName=properties["QueueName"], Attributes=attributes)  # type: ignore[arg-type]


def take(queue: Queue) -> list[Message]:
    return queue.receive_messages(MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"])


def bodies(queue: Queue) -> list[str]:
    return [message.body for message in take(queue)]

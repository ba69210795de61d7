"""What functions meet and leave behind: the wire to DynamoDB with its faults, contacts, the log."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from functools import cache
from io import BytesIO, StringIO
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from mypy_boto3_dynamodb.service_resource import Table
from mypy_boto3_sqs.service_resource import Message, Queue, SQSServiceResource
from urllib3 import HTTPResponse

from contacts.access.keys import hash_key
from contacts.runtime.observability import logger
from contacts.storage.table import connection
from tests.api_keys import build_api_key
from tests.conftest import template_resources, use_endpoint
from tests.events import ACME, Tenant
from tests.faults import Reply
from tests.handlers import PEPPER, call

if TYPE_CHECKING:
    from logging import StreamHandler

KEY = "sflo_live_" + "aB3-_" * 8 + "xyz"
HASH = hash_key(KEY, PEPPER)


type Fault = Reply | Exception


class Wire:
    """What goes over the wire to DynamoDB: the requests that were sent, repeated ones too, and the faults they met."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._faults: dict[str, Iterator[Fault]] = {}
        self._interruptions: dict[str, Callable[[], object]] = {}

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    @property
    def actions(self) -> set[str]:
        """What IAM calls the requests: a transaction needs the permissions of its parts."""
        actions = set[str]()
        for operation, request in self.requests:
            parts = [part for item in request.get("TransactItems", ()) for part in item]
            actions |= {f"dynamodb:{part}Item" for part in parts} or {f"dynamodb:{operation}"}
        return actions

    def fail(self, operation: str, faults: Iterable[Fault]) -> None:
        """The next requests of the operation meet these faults, one each; the ones after them meet none."""
        self._faults[operation] = chain(self._faults.get(operation, ()), faults)

    def interrupt(self, operation: str, action: Callable[[], object]) -> None:
        """Somebody else does this just before the next request of the operation arrives."""
        self._interruptions[operation] = action

    def send(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.requests.append((operation, json.loads(cast("bytes", request.body))))
        Context().run(self._interruptions.pop(operation, lambda: None))  # with the rights of nobody's function
        match next(self._faults.get(operation, iter(())), None):
            case Exception() as error:
                raise error
            case Reply() as reply:
                if not reply.after_the_effect:
                    request.url = "https://nowhere.invalid"  # botocore asks moto all the same, and takes our reply
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
    """A call that makes a request to DynamoDB is answered with a 503."""
    use_endpoint(monkeypatch, "http://127.0.0.1:9")


@pytest.fixture
def contact(acme: Tenant) -> dict[str, Any]:
    """A contact of acme, as the call that made it was answered."""
    status, contact = call("upsert_contact", acme, json_body={"phone": "+49 151 2345678", "display_name": "Ada"})
    assert status == 201
    return cast("dict[str, Any]", contact)


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Returns all that functions have written to standard output: log lines, then metrics."""
    handler = cast("StreamHandler[Any]", logger.registered_handler)
    written = StringIO()
    former = handler.setStream(written)
    yield lambda: written.getvalue() + capsys.readouterr().out
    handler.setStream(former)


@pytest.fixture
def store_key(table: Table) -> Callable[..., None]:
    """Puts the key into the table, active and with all scopes unless told."""

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
    return queue.receive_messages(MaxNumberOfMessages=10, AttributeNames=["All"])


def bodies(queue: Queue) -> list[str]:
    return [message.body for message in take(queue)]

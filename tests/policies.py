"""IAM: what the template's policies say to every request that a function makes while the tests run."""

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple, Self, cast

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.credentials import Credentials
from urllib3 import HTTPResponse

from local.emulator.template import named_by

running = ContextVar("running", default="")
"""The function, by its logical id, that is played just now where one process plays them all."""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


_SERVICES = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "secretsmanager": "secretsmanager"}
_NAMES = "TableName", "QueueName", "Name"


@dataclass(frozen=True)
class Seen:
    """A request as IAM judges it: a transaction by its parts, each by the partition keys that it names."""

    caller: str
    """The name of its credentials: a function has its own, as on Lambda."""
    operation: str
    actions: frozenset[str]
    resources: frozenset[str]
    """Names of tables, a queue, a secret."""
    leading_keys: frozenset[str]

    @classmethod
    def read(cls, headers: Mapping[str, str | bytes], body: bytes) -> Self:
        target, authorization = (_text(headers.get(name, "")) for name in ("X-Amz-Target", "Authorization"))
        service, _, operation = target.partition(".")
        request = json.loads(body)
        transacted = [(name, part) for item in request.get("TransactItems", ()) for name, part in item.items()]
        keyed = [request, *(part for _, part in transacted)]
        batches = request.get("RequestItems", {})
        keys = [key for batch in batches.values() for key in batch["Keys"]] if operation == "BatchGetItem" else []
        keys += [each.get("Key") or each.get("Item") or {} for each in keyed]
        queue = str(request.get("QueueUrl", "")).rpartition("/")[2]
        named = *(each.get("TableName") for each in keyed), *batches, queue, request.get("SecretId")
        return cls(
            authorization.partition("Credential=")[2].partition("/")[0],
            operation,
            frozenset({f"dynamodb:{name}Item" for name, _ in transacted} or {f"{_SERVICES[service]}:{operation}"}),
            frozenset(filter(None, named)),
            frozenset(key["pk"]["S"] for key in keys if "pk" in key),
        )

    def __str__(self) -> str:
        """Without what a key says of a person."""
        keys = ("#".join(part if part.isupper() else "…" for part in key.split("#")) for key in self.leading_keys)
        return f"{self.caller}: {', '.join(sorted(self.actions))} on {', '.join(sorted({*keys} or self.resources))}"


class Statement(NamedTuple):
    effect: str
    actions: list[str]
    resource: str
    operator: str
    patterns: list[str]

    def covers(self, action: str, resources: frozenset[str], leading_keys: frozenset[str]) -> bool:
        quantifier = any if self.operator.startswith("ForAnyValue") else all
        return (
            any(fnmatchcase(action, pattern) for pattern in self.actions)
            and resources == {self.resource}
            and quantifier(any(fnmatchcase(key, pattern) for pattern in self.patterns) for key in leading_keys)
        )


class Policies:
    """Of all functions. What they refuse they remember."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self._resources = resources
        functions = [name for name, each in resources.items() if each["Type"] == "AWS::Serverless::Function"]
        self.statements = {function: list(self._read(function)) for function in functions}
        self.refused: set[str] = set()

    def _read(self, function: str) -> Iterator[Statement]:
        for policy in self._resources[function]["Properties"].get("Policies", []):
            document = self._resources[policy]["Properties"]["PolicyDocument"] if isinstance(policy, str) else policy
            for each in document["Statement"]:
                actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
                resource = self._resources[named_by(each["Resource"])]["Properties"]
                [(operator, condition)] = each.get("Condition", {"ForAllValues:StringLike": {}}).items()
                yield Statement(
                    each["Effect"],
                    actions,
                    next(resource[name] for name in _NAMES if name in resource),
                    operator,
                    condition.get("dynamodb:LeadingKeys", ["*"]),
                )

    def allow(self, function: str, action: str, resources: frozenset[str], leading_keys: frozenset[str]) -> bool:
        met = {each.effect for each in self.statements[function] if each.covers(action, resources, leading_keys)}
        return met == {"Allow"}

    def refuse(self, seen: Seen) -> bool:
        """Only functions are judged: operators, and tests that prepare and look, may do all they like."""
        is_refused = seen.caller in self.statements and not all(
            self.allow(seen.caller, action, seen.resources, seen.leading_keys) for action in seen.actions
        )
        if is_refused:
            self.refused.add(str(seen))
        return is_refused


ACCESS_DENIED = b'{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not authorized"}'


def give_credentials(client: BaseClient) -> None:
    """To each function its own, though one client serves all that a process plays."""

    def sign(request: AWSRequest, **_: object) -> None:
        if function := running.get():
            request.context.setdefault("signing", {})["request_credentials"] = Credentials(function, "secret")

    client.meta.events.register("before-sign", sign, unique_id="credentials")


def enforce(policies: Policies, client: BaseClient) -> None:
    """Where no proxy stands between the client and AWS."""

    def judge(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if not policies.refuse(Seen.read(dict(request.headers.items()), cast("bytes", request.body))):
            return None
        raw = HTTPResponse(BytesIO(ACCESS_DENIED), preload_content=False)
        return AWSResponse(request.url, HTTPStatus.BAD_REQUEST, HeadersDict(), raw)  # type: ignore[arg-type]

    give_credentials(client)
    client.meta.events.register("before-send", judge, unique_id="policies")  # type: ignore[arg-type]

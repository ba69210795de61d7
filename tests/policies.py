"""IAM: every request that a function makes in a test is judged by the policies of its role."""

import json
import re
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

from tests.deployed import arn, arn_of

running = ContextVar("running", default="")
"""The logical id of the function that runs now in this process, in which all of them run."""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _queried(request: Mapping[str, Any]) -> frozenset[str]:
    """The partition key of a Query."""
    names = request.get("ExpressionAttributeNames", {})
    conditions = re.findall(r"(#\w+) = (:\w+)", request.get("KeyConditionExpression", ""))
    return frozenset(
        request["ExpressionAttributeValues"][value]["S"] for name, value in conditions if names[name] == "pk"
    )


_SERVICES = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "secretsmanager": "secretsmanager"}


@dataclass(frozen=True)
class Seen:
    """A request as IAM judges it: a transaction by its parts, each by the partition keys that it names."""

    caller: str
    """The name of its credentials. Each function has its own, as on Lambda."""
    operation: str
    actions: frozenset[str]
    resources: frozenset[str]
    """ARNs of tables, a queue, a secret."""
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
        tables = {each.get("TableName") for each in keyed} | batches.keys()
        resources = {arn("dynamodb", f"table/{each}") for each in tables if each}
        if "QueueUrl" in request:
            resources.add(arn("sqs", request["QueueUrl"].rpartition("/")[2]))
        if "SecretId" in request:
            resources.add(arn("secretsmanager", f"secret:{request['SecretId']}"))
        return cls(
            authorization.partition("Credential=")[2].partition("/")[0],
            operation,
            frozenset({f"dynamodb:{name}Item" for name, _ in transacted} or {f"{_SERVICES[service]}:{operation}"}),
            frozenset(resources),
            frozenset(key["pk"]["S"] for key in keys if "pk" in key) | _queried(request),
        )

    def __str__(self) -> str:
        """Without the parts of keys that can be personal."""
        keys = ("#".join(part if part.isupper() else "…" for part in key.split("#")) for key in self.leading_keys)
        return f"{self.caller}: {', '.join(sorted(self.actions))} on {', '.join(sorted({*keys} or self.resources))}"


class Statement(NamedTuple):
    effect: str
    actions: list[str]
    resources: list[str]
    """ARNs. `*` and `?` are wildcards."""
    operator: str
    leading_keys: list[str]

    def covers(self, action: str, resource: str, leading_keys: frozenset[str]) -> bool:
        quantifier = any if self.operator.startswith("ForAnyValue") else all
        return (
            any(fnmatchcase(action, pattern) for pattern in self.actions)
            and any(fnmatchcase(resource, pattern) for pattern in self.resources)
            and quantifier(any(fnmatchcase(key, pattern) for pattern in self.leading_keys) for key in leading_keys)
        )


def _allow_everywhere(*actions: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}


STREAM = "DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"
"""The actions by which Lambda reads a stream, with the role of the function that it calls."""

_LOGS = "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"
_SAMPLING = "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"
_BY_AWS = {
    "service-role/AWSLambdaBasicExecutionRole": _allow_everywhere(*_LOGS),
    "service-role/AWSLambdaSQSQueueExecutionRole": _allow_everywhere(
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS
    ),
    "service-role/AWSLambdaDynamoDBExecutionRole": _allow_everywhere(*(f"dynamodb:{each}" for each in STREAM), *_LOGS),
    "AWSXrayWriteOnlyAccess": _allow_everywhere("xray:PutTraceSegments", "xray:PutTelemetryRecords", *_SAMPLING),
}
"""The managed policies that SAM attaches, as AWS documents them.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""


class Policies:
    """Of all functions, with what SAM adds to them. What they refuse they remember."""

    def __init__(self, resources: dict[str, Any]) -> None:
        """Takes resources as they are deployed."""
        self._resources = resources
        functions = [name for name in resources if f"{name}Aliaslive" in resources]
        roles = {name: resources[f"{name}Role"]["Properties"] for name in functions}
        self.granted = {name: list(self._read_policies(role)) for name, role in roles.items()}
        self.boundaries = {
            name: list(self._read(self._managed(role["PermissionsBoundary"]))) for name, role in roles.items()
        }
        self.refused: set[str] = set()

    def _read_policies(self, role: dict[str, Any]) -> Iterator[Statement]:
        for each in role["ManagedPolicyArns"]:
            yield from self._read(self._managed(each))
        for each in role.get("Policies", []):
            yield from self._read(each["PolicyDocument"])

    def _managed(self, policy: str | dict[str, str]) -> dict[str, Any]:
        if isinstance(policy, str):
            return _BY_AWS[policy.removeprefix("arn:aws:iam::aws:policy/")]
        document: dict[str, Any] = self._resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        return document

    def _read(self, document: dict[str, Any]) -> Iterator[Statement]:
        for each in document["Statement"]:
            [(operator, condition)] = each.get("Condition", {"ForAllValues:StringLike": {}}).items()
            yield Statement(
                each["Effect"],
                _listed(each["Action"]),
                [self._arn(resource) for resource in _listed(each["Resource"])],
                operator,
                condition.get("dynamodb:LeadingKeys", ["*"]),
            )

    def _arn(self, resource: str | dict[str, Any]) -> str:
        """Of a literal ARN, of `!GetAtt …Arn`, or of the `!Ref` of a secret."""
        match resource:
            case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name}:
                return arn_of(self._resources[name])
        return str(resource)

    def allow(self, function: str, action: str, resource: str, leading_keys: frozenset[str] = frozenset()) -> bool:
        """Whether policies and boundary both allow it and neither denies it."""
        return all(
            {each.effect for each in statements if each.covers(action, resource, leading_keys)} == {"Allow"}
            for statements in (self.granted[function], self.boundaries[function])
        )

    def refuse(self, seen: Seen) -> bool:
        """Only functions are judged. Operators, and tests that prepare or check something, are free."""
        is_refused = seen.caller in self.granted and not all(
            self.allow(seen.caller, action, resource, seen.leading_keys)
            for action in seen.actions
            for resource in seen.resources or {"*"}
        )
        if is_refused:
            self.refused.add(str(seen))
        return is_refused


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | dict) else [*value]


ACCESS_DENIED = b'{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not authorized"}'


def give_credentials(client: BaseClient) -> None:
    """Gives each function credentials of its own, though all functions of this process share the client."""

    def sign(request: AWSRequest, **_: object) -> None:
        if function := running.get():
            request.context.setdefault("signing", {})["request_credentials"] = Credentials(function, "secret")

    client.meta.events.register("before-sign", sign, unique_id="credentials")


def enforce(policies: Policies, client: BaseClient) -> None:
    """Judges the client's requests, for tests without a proxy."""

    def judge(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if not policies.refuse(Seen.read(dict(request.headers.items()), cast("bytes", request.body))):
            return None
        raw = HTTPResponse(BytesIO(ACCESS_DENIED), preload_content=False)
        return AWSResponse(request.url, HTTPStatus.BAD_REQUEST, HeadersDict(), raw)  # type: ignore[arg-type]

    give_credentials(client)
    client.meta.events.register("before-send", judge, unique_id="policies")  # type: ignore[arg-type]

"""What stands before a function: events as API Gateway sends them, calls as Lambda makes them."""

import base64
import importlib.util
import json
import time
import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from awslambdaric.lambda_context import LambdaContext  # type: ignore[import-untyped]
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # type: ignore[import-untyped]

from tests.policies import running
from tests.secrecy import note

ROOT = Path(__file__).parent.parent
FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir())
REQUEST_ID = "7b1f4a5e-9c3d-4e2f-8a6b-0d1c2e3f4a5b"
"""The gateway's own, in every sample event."""

type Event = dict[str, Any]


@dataclass(frozen=True)
class Tenant:
    id: str
    key_id: str
    tag_ids: tuple[str, ...]
    deleted_tag_id: str

    @property
    def mark(self) -> str:
        """All its ids begin with it."""
        return self.id.removesuffix("tenant")


ACME = Tenant("cacmetenant", "cacmekey", tuple(f"cacmetag{number:02}" for number in range(21)), "cacmetaggone")
GLOBEX = Tenant("cglobextenant", "cglobexkey", ("cglobextag00",), "cglobextaggone")


@cache
def sample_event(function: str) -> Event:
    event: Event = json.loads((ROOT / "events" / f"{function}.json").read_text())
    return event


def build_event(
    function: str,
    tenant: Tenant,
    *,
    query: Mapping[str, str | list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    json_body: object = None,
    body: str | bytes | None = None,
    key: Mapping[str, str] | None = None,
    source_ip: str | None = None,
    **path: str,
) -> Event:
    """The sample event of the function, with another request in it; bytes come base64-encoded.

    A list in `query` is a parameter that is sent several times.
    `key` is what the authorizer says of the API key where it differs from the sample.
    """
    note([query, [*path.values()], json_body if body is None else body])
    event = deepcopy(sample_event(function))
    event["headers"] |= headers or {}
    event["multiValueHeaders"] |= {name: [value] for name, value in (headers or {}).items()}
    values = {name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()}
    event["queryStringParameters"] = {name: each[-1] for name, each in values.items()} or None
    event["multiValueQueryStringParameters"] = values or None
    event["pathParameters"] = path or None
    event["path"] = event["resource"].format(**{name: quote(value, safe="") for name, value in path.items()})
    event["isBase64Encoded"] = isinstance(body, bytes)
    if isinstance(body, bytes):
        event["body"] = base64.b64encode(body).decode()
    else:
        event["body"] = body if json_body is None else json.dumps(json_body)
    context = event["requestContext"]
    context["path"] = f"/{context['stage']}{event['path']}"
    context["authorizer"] |= {"principalId": tenant.key_id, "tenantId": tenant.id, "keyId": tenant.key_id}
    context["authorizer"] |= key or {}
    context["identity"]["sourceIp"] = source_ip or context["identity"]["sourceIp"]
    return event


def logical_id(function: str) -> str:
    """Its name in the template."""
    return "".join(word.capitalize() for word in function.split("_"))


@cache
def load_handler(function: str) -> Callable[[Event, LambdaContext], Any]:
    """As Lambda does: the folder of the function is no package, app.py is loaded by its path."""
    spec = importlib.util.spec_from_file_location(f"{function}.app", ROOT / "functions" / function / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Event, LambdaContext], Any] = module.handler
    return handler


def invoke(function: str, event: Event) -> Any:
    return run_handler(load_handler(function), function, event)


def run_handler(handler: Callable[[Event, LambdaContext], Any], function: str, event: Event) -> Any:
    """Event and answer cross the runtime's own JSON, so what Lambda could not send fails here too."""
    context = LambdaContext(str(uuid.uuid4()), {}, {}, int((time.time() + 20) * 1000))
    context.function_name = function
    marshaller = LambdaMarshaller()
    received = marshaller.unmarshal_request(json.dumps(event))
    former = running.set(logical_id(function))
    try:
        answer, _ = marshaller.marshal_response(handler(received, context))
    finally:
        running.reset(former)
    return json.loads(answer)


def check_isolation(tenant: Tenant, answer: object) -> None:
    """Nothing of another tenant shows."""
    shown = [other.id for other in (ACME, GLOBEX) if other != tenant and other.mark in json.dumps(answer)]
    assert not shown, f"{tenant.id} was answered with something of {shown}"


def call(function: str, tenant: Tenant, **request: Any) -> tuple[int, Any]:
    """Status and body of the answer to a request, which is written as for build_event."""
    answer = invoke(function, build_event(function, tenant, **request))
    check_isolation(tenant, answer)
    return answer["statusCode"], json.loads(answer["body"])

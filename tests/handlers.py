"""Calls of the handlers in this process, as Lambda makes them."""

import importlib.util
import json
import time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from awslambdaric.lambda_context import LambdaContext  # type: ignore[import-untyped]
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # type: ignore[import-untyped]

from local import ROOT
from tests.events import ACME, GLOBEX, Event, Tenant, build_batch, build_event
from tests.policies import running

FUNCTIONS = sorted(file.parent.name for file in (ROOT / "functions").glob("*/app.py"))

PEPPER = "a pepper for tests"

type Handler = Callable[[Event, LambdaContext], Any]


def logical_id(function: str) -> str:
    """The function's name in the template."""
    return "".join(word.capitalize() for word in function.split("_"))


@cache
def load_app(folder: str) -> ModuleType:
    """Loads app.py by its path, because the folder of a function is not a package."""
    spec = importlib.util.spec_from_file_location(f"{Path(folder).name}.app", ROOT / folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_handler(function: str) -> Handler:
    handler: Handler = load_app(f"functions/{function}").handler
    return handler


def invoke(function: str, event: Event) -> Any:
    return run_handler(load_handler(function), function, event)


def run_handler(handler: Handler, function: str, event: Event) -> Any:
    """Event and answer cross the runtime's own JSON, so an answer that Lambda could not send fails here too."""
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


def call(function: str, tenant: Tenant, **request: Any) -> tuple[int, Any]:
    """Status and body of the answer to a request, which is written as for build_event."""
    answer = invoke(function, build_event(function, tenant, **request))
    check_isolation(tenant, answer)
    return answer["statusCode"], json.loads(answer["body"])


def check_isolation(tenant: Tenant, answer: object) -> None:
    """Fails if the answer shows an id of the other tenant."""
    shown = [other.id for other in (ACME, GLOBEX) if other != tenant and other.mark in json.dumps(answer)]
    assert not shown, f"the answer to {tenant.id} shows ids of {shown}"


def deliver(function: str, *bodies: object, groups: tuple[str, ...] = ()) -> list[int]:
    """The positions of the messages that SQS has to send again."""
    event = build_batch(function, *bodies, groups=groups)
    ids = [record["messageId"] for record in event["Records"]]
    failures: list[dict[str, str]] = invoke(function, event)["batchItemFailures"]
    return [ids.index(failure["itemIdentifier"]) for failure in failures]

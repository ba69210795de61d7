"""HTTP: makes a Lambda handler of a use case, and an answer of what it returns or raises."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, wraps
from http import HTTPStatus
from time import perf_counter
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from contacts.errors import ContactsError
from contacts.observability import logger, metrics
from contacts.requests import Request

type Event = dict[str, Any]
type Answer = dict[str, Any]


@dataclass(frozen=True)
class Response:
    status: HTTPStatus
    resource: object
    headers: Mapping[str, str] = field(default_factory=dict)


def endpoint(use_case: Callable[[Request], Response]) -> Callable[[Event, LambdaContext], Answer]:
    """Whatever the event and whatever happens, the handler answers in the contract's shape and raises nothing."""

    @wraps(use_case)
    def handler(event: Event, context: LambdaContext) -> Answer:
        started = perf_counter()
        request = Request(event)
        with logger.append_context_keys(**request.log_keys):  # of this request alone: the next one may lack some
            outcome, response = _answer(use_case, request)
            logger.info(outcome, status=response.status, duration_ms=round(1000 * (perf_counter() - started), 1))
        metrics.add_dimension("Function", context.function_name)
        metrics.add_metric(outcome, MetricUnit.Count, 1)
        metrics.flush_metrics()
        return {
            "statusCode": response.status,
            "headers": {"Content-Type": "application/json", "X-Request-Id": request.id, **response.headers},
            "body": to_json(response.resource),
        }

    return handler


def _answer(use_case: Callable[[Request], Response], request: Request) -> tuple[str, Response]:
    """The name of the outcome, as logs and metrics count it, and the response."""
    try:
        response = use_case(request)
    except ContactsError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("The request failed")
        return type(error).__name__, _refusal(error, request)
    except Exception:  # noqa: BLE001 - the boundary: whatever it is, the caller gets the contract's 500
        logger.exception("The request met a bug")
        return "Bug", _refusal(ContactsError(), request)
    return response.status.name, response


def _refusal(error: ContactsError, request: Request) -> Response:
    retry = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
    body = {
        "message": error.message,
        "type": error.type,
        "code": error.code,
        "error_data": error.error_data,
        "fbtrace_id": request.id,
    }
    return Response(error.status, {"error": body}, retry)


def to_json(resource: object) -> str:
    """Dataclasses become objects whose keys are the field names in camelCase, in their order."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"), default=_to_object)


def _to_object(resource: Any) -> dict[str, Any]:  # noqa: ANN401 - json's signature
    return {_camel_case(each.name): getattr(resource, each.name) for each in fields(resource)}


@cache
def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)

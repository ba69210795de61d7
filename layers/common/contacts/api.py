"""HTTP: makes a Lambda handler of a use case, and an answer of what it returns or raises."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from contacts import startup
from contacts.errors import ContactsError
from contacts.observability import logger, metrics
from contacts.origin import check_origin
from contacts.requests import Request
from contacts.responses import Response

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

type UseCase = Callable[[Request], Response]
type Event = dict[str, Any]
type Answer = dict[str, Any]
type Handler = Callable[[Event, LambdaContext], Answer]


def endpoint(use_case: UseCase) -> Handler:
    """Whatever the event and whatever happens, the handler answers in the contract's shape and raises nothing."""

    @wraps(use_case)
    def handler(event: Event, context: "LambdaContext") -> Answer:
        started = perf_counter()
        request = Request(event, context.aws_request_id)
        with logger.append_context_keys(**request.log_keys):  # of this request alone: the next one may lack some
            outcome, response = _answer(use_case, request, context)
            logger.info(outcome, status=response.status, duration_ms=round(1000 * (perf_counter() - started), 1))
        metrics.add_dimension("Function", context.function_name)
        metrics.add_metric(outcome, MetricUnit.Count, 1)
        metrics.flush_metrics()
        return {
            "statusCode": response.status,
            "headers": {"Content-Type": "application/json", "X-Request-Id": request.id, **response.headers},
            "body": response.body,
        }

    startup.finish()
    return handler


def _answer(use_case: UseCase, request: Request, context: "LambdaContext") -> tuple[str, Response]:
    """The name of the outcome, as logs and metrics count it, and the response."""
    try:
        response = _perform(use_case, request, context)
        response.body.encode()  # it is made here, and can be sent: else that is a bug like any other
    except ContactsError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("The request failed")
        return type(error).__name__, _refusal(error, request)
    except Exception:  # noqa: BLE001 - the boundary: whatever it is, the caller gets the contract's 500
        logger.exception("The request met a bug")
        return "Bug", _refusal(ContactsError(), request)
    return response.status.name, response


def _perform(use_case: UseCase, request: Request, context: "LambdaContext") -> Response:
    """The checks in the order of contract section 4."""
    check_origin(request)
    if request.idempotency_key is None:
        return use_case(request)
    from contacts.idempotency import perform_once  # noqa: PLC0415 - a request without the header starts without it

    return perform_once(use_case, request, context)


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

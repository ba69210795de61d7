"""Makes a Lambda handler of a use case: a function that takes a request and returns a response or raises."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from contacts.access.origin import check_origin
from contacts.domain.errors import ContactsError, outcome_of
from contacts.runtime.observability import count, logger
from contacts.web.request import Request
from contacts.web.response import Response, error_object

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

type UseCase = Callable[[Request], Response]
type Event = dict[str, Any]
type Answer = dict[str, Any]
type Handler = Callable[[Event, LambdaContext], Answer]


def endpoint(use_case: UseCase) -> Handler:
    """The handler answers every event in the shape of the contract and never raises."""

    @wraps(use_case)
    def handler(event: Event, context: "LambdaContext") -> Answer:
        started = perf_counter()
        request = Request(event, context.aws_request_id)
        with logger.append_context_keys(**request.log_keys):  # for this request only: the next has other keys
            outcome, response = _answer(use_case, request, context)
            duration_ms = round(1000 * (perf_counter() - started), 1)
            logger.info(outcome, extra={"status": response.status, "duration_ms": duration_ms, **response.log_keys})
        count(request.kind, {outcome: 1}, latency_ms=duration_ms)
        return {
            "statusCode": response.status,
            "headers": {"Content-Type": "application/json", "X-Request-Id": request.id, **response.headers},
            "body": response.body,
        }

    return handler


def _answer(use_case: UseCase, request: Request, context: "LambdaContext") -> tuple[str, Response]:
    """The response, and the outcome under which logs and metrics count it."""
    try:
        response = _perform(use_case, request, context)
        response.body.encode()  # renders the body here, so that a failure becomes a 500
    except ContactsError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("The request failed")
        return outcome_of(error), _refusal(error, request)
    except Exception as error:  # noqa: BLE001 - the outermost handler: every bug becomes the contract's 500
        logger.exception("The request met a bug")
        return outcome_of(error), _refusal(ContactsError(), request)
    return response.status.name, response


def _perform(use_case: UseCase, request: Request, context: "LambdaContext") -> Response:
    """The checks in the order of contract section 5."""
    check_origin(request)
    if request.idempotency_key is None:
        return use_case(request)
    from contacts.web.idempotency import perform_once  # noqa: PLC0415 - requests without the header start without it

    return perform_once(use_case, request, context)


def _refusal(error: ContactsError, request: Request) -> Response:
    retry = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
    return Response(error.status, {"error": error_object(error, request.id)}, retry)

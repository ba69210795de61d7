"""Makes a Lambda handler of a use case for one SQS message, contract section 6."""

from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from contacts.domain.errors import ContactsError, InvalidParameter, outcome_of
from contacts.events.dead_letters import bury
from contacts.events.messages import Message
from contacts.parsing.json import parse
from contacts.runtime.observability import count, logger

type UseCase[M: Message] = Callable[[M], str]
type Event = dict[str, Any]
type Handler = Callable[[Event, LambdaContext], Any]


def consumer[M: Message](model: type[M], *, in_order: bool = False) -> Callable[[UseCase[M]], Handler]:
    """Makes the handler of a queue from a use case that returns the name of its outcome.

    An error below 500 (contact gone, outweighed, tag limit reached) is an outcome too. A message that the database
    did not take is retried. A malformed message goes to the dead-letter queue at once, so that nothing waits for it.
    """

    def decorate(use_case: UseCase[M]) -> Handler:
        @wraps(use_case)
        def handler(event: Event, context: LambdaContext) -> Any:  # noqa: ANN401 - Powertools' own
            outcomes = Counter[str]()
            record_handler = partial(_handle, use_case, model, outcomes)
            try:
                return process_partial_response(event, record_handler, _processor(in_order=in_order), context)
            finally:
                count(model.__name__, outcomes)

        return handler

    return decorate


def _processor(*, in_order: bool) -> BatchProcessor:
    """Failed messages are retried alone; in order, later messages of the same group are retried with them."""
    if in_order:
        return SqsFifoPartialProcessor(skip_group_on_error=True)
    return BatchProcessor(EventType.SQS)


def _handle[M: Message](use_case: UseCase[M], model: type[M], outcomes: Counter[str], record: SQSRecord) -> None:
    try:
        message = parse(model, record.body.encode("utf-8", "surrogatepass"))
    except InvalidParameter as error:
        logger.error("Malformed message", message_id=record.message_id, cause=str(error))
        outcomes["MalformedMessage"] += 1
        bury(record, str(error))
        return
    log_keys = {"message_id": record.message_id, **message.log_keys}
    try:
        outcome = use_case(message)
    except Exception as error:
        outcome = outcome_of(error)
        if not isinstance(error, ContactsError) or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("Message failed", extra=log_keys)
            outcomes[outcome] += 1
            raise
    logger.info(outcome, extra=log_keys)
    outcomes[outcome] += 1

"""SQS: makes a Lambda handler of a use case for one message, contract section 6."""

from collections.abc import Callable
from functools import cache, partial, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from contacts import settings, startup
from contacts.errors import ContactsError, InvalidParameter
from contacts.models import Message
from contacts.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

type UseCase[M: Message] = Callable[[M], str]
type Event = dict[str, Any]
type Handler = Callable[[Event, LambdaContext], Any]


def consumer[M: Message](model: type[M], *, in_order: bool = False) -> Callable[[UseCase[M]], Handler]:
    """Makes the handler of a queue from a use case that returns the name of its outcome.

    What the use case raises as a fact (gone, outweighed, limit reached) is an outcome as well. A message that the
    database did not take comes again; one that cannot be understood goes to the dead-letter queue at once, so that
    nothing waits behind it.
    """

    def decorate(use_case: UseCase[M]) -> Handler:
        record_handler = partial(_handle, use_case, model)

        @wraps(use_case)
        def handler(event: Event, context: LambdaContext) -> Any:  # noqa: ANN401 - Powertools' own
            return process_partial_response(event, record_handler, _processor(in_order=in_order), context)

        startup.finish()
        return handler

    return decorate


def _processor(*, in_order: bool) -> BatchProcessor:
    """One that fails is the only one that fails; in order, those of its group wait for it."""
    if in_order:
        return SqsFifoPartialProcessor(skip_group_on_error=True)
    return BatchProcessor(EventType.SQS)


def _handle[M: Message](use_case: UseCase[M], model: type[M], record: SQSRecord) -> None:
    try:
        message = model.parse(record.body.encode("utf-8", "surrogatepass"))
    except InvalidParameter as error:
        logger.error("Message not understood", message_id=record.message_id, cause=str(error))
        _bury(record)
        return
    log_keys = {"message_id": record.message_id, **message.log_keys}
    try:
        outcome = use_case(message)
    except Exception as error:
        if not isinstance(error, ContactsError) or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("Message not handled", extra=log_keys)
            raise
        outcome = type(error).__name__
    logger.info(outcome, extra=log_keys)


def _bury(record: SQSRecord) -> None:
    group = record.attributes.message_group_id
    in_order: Any = {"MessageGroupId": group, "MessageDeduplicationId": record.message_id} if group else {}
    try:
        _sqs().send_message(QueueUrl=settings.dead_letter_queue_url(), MessageBody=record.body, **in_order)
    except Exception:
        logger.exception("Message not laid aside", message_id=record.message_id)
        raise


@cache
def _sqs() -> "SQSClient":
    import boto3  # noqa: PLC0415 - a message that cannot be understood is rare

    impatient = Config(connect_timeout=0.5, read_timeout=1.5, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client("sqs", config=impatient)

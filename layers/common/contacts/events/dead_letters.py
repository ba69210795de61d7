"""Malformed messages go to the dead-letter queue at once. `python -m admin queue` shows and returns them."""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from contacts.runtime import settings
from contacts.runtime.observability import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

ORIGINAL_ID, CAUSE = "OriginalMessageId", "Cause"
"""Attributes of a message in the dead-letter queue. One that SQS moved there has neither, and still its own id."""


def bury(record: "SQSRecord", cause: str) -> None:
    """Sends the message to the dead-letter queue, where it gets another id."""
    group = record.attributes.message_group_id
    more: Any = {"MessageGroupId": group, "MessageDeduplicationId": record.message_id} if group else {}
    more["MessageAttributes"] = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in ((ORIGINAL_ID, record.message_id), (CAUSE, cause))
    }
    try:
        _sqs().send_message(QueueUrl=settings.dead_letter_queue_url(), MessageBody=record.body, **more)
    except Exception:
        logger.exception("Message not sent to the dead-letter queue", message_id=record.message_id)
        raise


@cache
def _sqs() -> "SQSClient":
    import boto3  # noqa: PLC0415 - malformed messages are rare

    impatient = Config(connect_timeout=0.5, read_timeout=1.5, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client("sqs", config=impatient)

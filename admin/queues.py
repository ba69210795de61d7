"""Sends messages to the queues of contract section 6, as the other services of the SaaS do."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from admin import aws
from admin.errors import InvalidValue, QueueNotFound
from admin.target import stage
from admin.tenants import get_tenant
from contacts.domain.errors import InvalidParameter
from contacts.runtime import timestamps

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def send_inbound_message(
    tenant_id: str, phone: str, *, display_name: str | None = None, received_at: datetime | None = None
) -> str:
    """Returns the message id. `received_at` defaults to now. Raises TenantNotFound, InvalidValue, QueueNotFound."""
    message = {
        "tenantId": get_tenant(tenant_id).id,
        "phone": phone,
        "displayName": display_name,
        "receivedAt": _moment(received_at),
    }
    return _send("inbound-messages", "InboundMessage", message)


def send_tag_command(
    tenant_id: str,
    contact_id: str,
    tag_id: str,
    action: str,
    *,
    source: str,
    reason: str | None = None,
    issued_at: datetime | None = None,
) -> str:
    """Returns the message id. `issued_at` defaults to now. Raises TenantNotFound, InvalidValue, QueueNotFound."""
    command = {
        "tenantId": get_tenant(tenant_id).id,
        "contactId": contact_id,
        "tagId": tag_id,
        "action": action,
        "source": source,
        "reason": reason,
        "issuedAt": _moment(issued_at),
    }
    return _send("tag-commands.fifo", "TagCommand", command, group=f"{tenant_id}#{contact_id}")


def _moment(moment: datetime | None) -> str:
    return timestamps.to_text(moment) if moment else timestamps.now()


def _send(
    queue: str,
    model: Literal["InboundMessage", "TagCommand"],
    message: dict[str, str | None],
    group: str | None = None,
) -> str:
    # pydantic, which other commands do not need
    from contacts.events import messages  # noqa: PLC0415
    from contacts.parsing.json import parse  # noqa: PLC0415

    body = json.dumps(message)
    try:
        parse(getattr(messages, model), body.encode())  # refuses what the consumer would send to the dead-letter queue
    except InvalidParameter as invalid:
        raise InvalidValue(str(invalid)) from None
    in_order: Any = {"MessageGroupId": group} if group else {}
    sent = sqs().send_message(QueueUrl=queue_url(queue), MessageBody=body, **in_order)
    return sent["MessageId"]


def queue_url(queue: str) -> str:
    """Raises QueueNotFound."""
    name = f"contacts-{stage()}-{queue}"
    try:
        return sqs().get_queue_url(QueueName=name)["QueueUrl"]
    except sqs().exceptions.QueueDoesNotExist:
        raise QueueNotFound(name) from None


def sqs() -> "SQSClient":
    client: SQSClient = aws.client("sqs")
    return client

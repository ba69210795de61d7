"""Queue of inbound messages: lazily upserts the sender"""

from contacts.models import InboundMessage
from contacts.queues import consumer
from contacts.repository import ContactRepository


@consumer(InboundMessage)
def handler(message: InboundMessage) -> str:
    is_written = ContactRepository(message.tenant_id).record_inbound_message(
        message.phone, message.display_name, message.received_at
    )
    return "RECORDED" if is_written else "WITHIN_COOLDOWN"

"""Queue of inbound messages: lazily upserts the sender"""

from contacts.events.messages import InboundMessage
from contacts.events.queue import consumer
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect


@consumer(InboundMessage)
def handler(message: InboundMessage) -> str:
    is_written = ContactRepository(message.tenant_id).record_inbound_message(
        message.phone, message.display_name, message.received_at
    )
    return "RECORDED" if is_written else "WITHIN_COOLDOWN"


startup.finish(connect)

"""Queue of tag commands: assigns or removes a tag, as far as its source outweighs what is there"""

from contacts.models import TagCommand
from contacts.queues import consumer
from contacts.repository import ContactRepository


@consumer(TagCommand, in_order=True)
def handler(command: TagCommand) -> str:
    contacts = ContactRepository(command.tenant_id)
    if command.action == "REMOVE":
        contacts.remove_tag(command.contact_id, command.tag_id, command.source)
        return "REMOVED"
    contacts.assign_tag(
        command.contact_id, command.tag_id, command.source, command.reason, at=command.issued_at, fresh_catalog=False
    )
    return "ASSIGNED"

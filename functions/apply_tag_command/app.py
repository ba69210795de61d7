"""Queue of tag commands: assigns or removes a tag, unless an assignment of a higher weight is there"""

from contacts.domain.errors import ContactNotFound
from contacts.events.messages import TagCommand
from contacts.events.queue import consumer
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect


@consumer(TagCommand, in_order=True)
def handler(command: TagCommand) -> str:
    contacts = ContactRepository(command.tenant_id)
    if command.action == "REMOVE":
        is_found = contacts.remove_tag(command.contact_id, command.tag_id, command.source)
        return "REMOVED" if is_found else ContactNotFound.__name__
    contacts.assign_tag(
        command.contact_id, command.tag_id, command.source, command.reason, at=command.issued_at, fresh_catalog=False
    )
    return "ASSIGNED"


startup.finish(connect)

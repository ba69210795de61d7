"""POST /v1/contacts/batch"""

from contacts.domain.phone import no_alias, parse_match
from contacts.runtime import startup
from contacts.storage.batches import upsert_all
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.batches import batch_response, read_wishes
from contacts.web.bodies.upsert_contacts import ContactBatch
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    find_alias = request.optional_query("match", parse_match, no_alias)
    wishes = read_wishes(request.body(ContactBatch), find_alias)
    contacts = ContactRepository(request.tenant_id, request.deadline)
    return batch_response(upsert_all(contacts, wishes, request.last_begin), request.id)


startup.finish(connect)

"""POST /v1/contacts"""

from http import HTTPStatus

from contacts.domain.phone import no_alias, parse_match
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.bodies.upsert_contact import ContactUpsert
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(ContactUpsert)
    find_alias = request.optional_query("match", parse_match, no_alias)
    contacts = ContactRepository(request.tenant_id, request.deadline)
    contact, is_new = contacts.upsert(wanted.phone, wanted.display_name, alias=find_alias(wanted.phone))
    return Response(HTTPStatus.CREATED if is_new else HTTPStatus.OK, contact)


startup.finish(connect)

"""GET /v1/contacts/by-phone"""

from http import HTTPStatus

from contacts.domain.phone import no_alias, normalize_phone, parse_match
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    phone = request.query("phone", normalize_phone)
    find_alias = request.optional_query("match", parse_match, no_alias)
    contact = ContactRepository(request.tenant_id, request.deadline).get_by_phone(phone, find_alias(phone))
    return Response(HTTPStatus.OK, contact)


startup.finish(connect)

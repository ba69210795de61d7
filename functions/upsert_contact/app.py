"""POST /v1/contacts"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.models import ContactUpsert
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(ContactUpsert)
    contact, is_new = ContactRepository(request.tenant_id).upsert(wanted.phone, wanted.display_name)
    return Response(HTTPStatus.CREATED if is_new else HTTPStatus.OK, contact)

"""PATCH /v1/contacts/{contactId}"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.models import ContactUpdate
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(ContactUpdate)
    contact = ContactRepository(request.tenant_id).update(request.path("contactId"), wanted.changes)
    return Response(HTTPStatus.OK, contact)

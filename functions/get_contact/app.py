"""GET /v1/contacts/{contactId}"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    return Response(HTTPStatus.OK, ContactRepository(request.tenant_id).get(request.path("contactId")))

"""DELETE /v1/contacts/{contactId}"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    ContactRepository(request.tenant_id).delete(request.path("contactId"))
    return Response(HTTPStatus.OK, {"ok": True})

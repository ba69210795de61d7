"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

from http import HTTPStatus

from contacts.api import Response, endpoint
from contacts.repository import ContactRepository
from contacts.requests import Request


@endpoint
def handler(request: Request) -> Response:
    ContactRepository(request.tenant_id).remove_tag(request.path("contactId"), request.path("tagId"))
    return Response(HTTPStatus.OK, {"ok": True})

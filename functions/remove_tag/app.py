"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

from http import HTTPStatus

from contacts.domain.source import Source
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    contacts = ContactRepository(request.tenant_id, request.deadline)
    contacts.remove_tag(request.path("contactId"), request.path("tagId"), Source.API)
    return Response(HTTPStatus.OK, {"ok": True})


startup.finish(connect)

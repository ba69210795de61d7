"""DELETE /v1/contacts/{contactId}"""

from http import HTTPStatus

from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    ContactRepository(request.tenant_id, request.deadline).delete(request.path("contactId"))
    return Response(HTTPStatus.OK, {"ok": True})


startup.finish(connect)

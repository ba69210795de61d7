"""PATCH /v1/contacts/{contactId}"""

from http import HTTPStatus

from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.bodies.update_contact import ContactUpdate
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(ContactUpdate)
    contact = ContactRepository(request.tenant_id, request.deadline).update(request.path("contactId"), wanted.changes)
    return Response(HTTPStatus.OK, contact)


startup.finish(connect)

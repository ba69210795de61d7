"""DELETE /v1/contacts/{contactId}/tags/{tagId}"""

from contextlib import suppress
from http import HTTPStatus

from contacts.api import endpoint
from contacts.errors import ContactNotFound
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.resources import Source
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    with suppress(ContactNotFound):  # whatever is missing, the pair is gone
        ContactRepository(request.tenant_id).remove_tag(request.path("contactId"), request.path("tagId"), Source.API)
    return Response(HTTPStatus.OK, {"ok": True})

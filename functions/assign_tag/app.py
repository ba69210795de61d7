"""POST /v1/contacts/{contactId}/tags"""

from http import HTTPStatus

from contacts.domain.source import Source
from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.bodies.assign_tag import TagAssign
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(TagAssign)
    assigned = ContactRepository(request.tenant_id, request.deadline).assign_tag(
        request.path("contactId"), wanted.tag_id, Source.API, wanted.reason
    )
    status = HTTPStatus.CREATED if assigned.is_new else HTTPStatus.OK
    return Response(status, assigned.assignment, {"X-Tags-Remaining": str(assigned.remaining)})


startup.finish(connect)

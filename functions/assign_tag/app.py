"""POST /v1/contacts/{contactId}/tags"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.models import TagAssign
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.resources import Source
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    wanted = request.body(TagAssign)
    assigned = ContactRepository(request.tenant_id).assign_tag(
        request.path("contactId"), wanted.tag_id, Source.API, wanted.reason
    )
    status = HTTPStatus.CREATED if assigned.is_new else HTTPStatus.OK
    return Response(status, assigned.assignment, {"X-Tags-Remaining": str(assigned.remaining)})

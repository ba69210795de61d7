"""GET /v1/contacts/by-phone"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.phone import normalize_phone
from contacts.repository import ContactRepository
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    phone = normalize_phone(request.query("phone"))
    return Response(HTTPStatus.OK, ContactRepository(request.tenant_id).get_by_phone(phone))

"""GET /v1/whoami"""

from http import HTTPStatus

from contacts.api import endpoint
from contacts.requests import Request
from contacts.responses import Response


@endpoint
def handler(request: Request) -> Response:
    return Response(HTTPStatus.OK, request.identity)

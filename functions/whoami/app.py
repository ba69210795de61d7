"""GET /v1/whoami"""

from http import HTTPStatus

from contacts.runtime import startup
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    return Response(HTTPStatus.OK, request.identity)


startup.finish()

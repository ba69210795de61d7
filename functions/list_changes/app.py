"""GET /v1/changes"""

from contacts.runtime import startup
from contacts.storage.changes import ChangeLog
from contacts.storage.table import connect
from contacts.web.changes import changes_response, parse_position
from contacts.web.endpoint import endpoint
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    cursor = request.optional_query("cursor", parse_position, None)
    return changes_response(ChangeLog(request.tenant_id, request.deadline).page(cursor))


startup.finish(connect)

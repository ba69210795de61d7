"""GET /v1/tags"""

from contacts.runtime import startup
from contacts.storage.table import connect
from contacts.storage.tags import TagCatalog
from contacts.web.endpoint import endpoint
from contacts.web.pages import MOST_ITEMS, page_response, parse_cursor, parse_limit
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    name = request.optional_query("name", str, None)
    cursor = request.optional_query("cursor", parse_cursor, None)
    limit = request.optional_query("limit", parse_limit, MOST_ITEMS)
    tags, next_cursor = TagCatalog(request.tenant_id, request.deadline).page(name, cursor, limit)
    return page_response(tags, next_cursor)


startup.finish(connect)

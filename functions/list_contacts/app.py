"""GET /v1/contacts"""

from contacts.runtime import startup
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connect
from contacts.web.endpoint import endpoint
from contacts.web.pages import MOST_ITEMS, page_response, parse_cursor, parse_limit
from contacts.web.request import Request
from contacts.web.response import Response


@endpoint
def handler(request: Request) -> Response:
    limit = request.optional_query("limit", parse_limit, MOST_ITEMS)
    cursor = request.optional_query("cursor", parse_cursor, None)
    page = ContactRepository(request.tenant_id, request.deadline).page(cursor, limit)
    return page_response(page.contacts, page.next_cursor)


startup.finish(connect)

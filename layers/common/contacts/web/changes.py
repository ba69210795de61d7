"""GET /v1/changes, contract section 9: its cursor, and pages that fit into an answer of Lambda."""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from contacts.domain.changes import Change
from contacts.runtime import timestamps
from contacts.storage.changes import ChangesPage
from contacts.web.pages import MOST_BYTES, size_of
from contacts.web.response import Rendered, Response, to_json

_POSITION = re.compile(r"0|[1-9][0-9]{0,15}")


def parse_position(text: str) -> int:
    if not _POSITION.fullmatch(text):
        raise ValueError("must be the nextCursor of an earlier page of changes.")
    return int(text)


def changes_response(page: ChangesPage) -> Response:
    """Ends the page before the entry that would make the answer too large. The first entry always fits."""
    changes: list[str] = []
    contacts: dict[str, str] = {}
    cursor, has_more, size = page.cursor, page.has_more, 0
    for entry in page.entries:
        named = [each.contact_id for each in entry.changes if each.contact_id in page.contacts]
        more_changes = [to_json(_shown(each)) for each in entry.changes]
        more_contacts = {id_: to_json(page.contacts[id_]) for id_ in named if id_ not in contacts}
        size += sum(map(size_of, (*more_changes, *more_contacts.values())))
        if size > MOST_BYTES:
            has_more = True
            break
        changes += more_changes
        contacts |= more_contacts
        cursor = entry.position
    data, shown = ",".join(changes), ",".join(contacts.values())
    end = f'"nextCursor":"{cursor}","hasMore":{json.dumps(has_more)}'
    return Response(HTTPStatus.OK, Rendered(f'{{"data":[{data}],"contacts":[{shown}],{end}}}'))


def _shown(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "type": change.type,
        "contactId": change.contact_id,
        **({} if change.tag_id is None else {"tagId": change.tag_id}),
        "source": change.source,
        "at": timestamps.to_text(datetime.fromtimestamp(change.at, UTC)),
    }

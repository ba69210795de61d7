"""Lists, contract section 7: their parameters, and pages that fit into an answer of Lambda."""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from contacts.web.response import Rendered, Response, to_json

MOST_ITEMS = 100
MOST_BYTES = 5_490_000
"""Of the items, as they stand in the function's answer, which stays below 5.5 MB in all; Lambda takes 6 MB."""

_LIMIT = re.compile(r"[1-9][0-9]?|100")
_CURSOR = re.compile(r"c[a-z0-9]{1,31}")


class Listed(Protocol):
    """Items are listed in an order in which the cursor, an id, has its place."""

    @property
    def id(self) -> str: ...


def parse_limit(text: str) -> int:
    if not _LIMIT.fullmatch(text):
        raise ValueError(f"must be a number from 1 to {MOST_ITEMS}.")
    return int(text)


def parse_cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise ValueError("must be the nextCursor of an earlier page.")
    return text


def size_of(text: str) -> int:
    """In bytes. Lambda escapes the body once more."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def page_response(items: Sequence[Listed], next_cursor: str | None) -> Response:
    """Ends the page before the item that would make the answer too large."""
    texts: list[str] = []
    size = 0
    for number, item in enumerate(items):
        text = to_json(item)
        size += size_of(text)
        if size > MOST_BYTES:
            next_cursor = items[number - 1].id
            break
        texts.append(text)
    return Response(HTTPStatus.OK, Rendered(f'{{"data":[{",".join(texts)}],"nextCursor":{json.dumps(next_cursor)}}}'))

"""The first driver: httpx requests that handlers in this process answer."""

import re
import uuid
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx

from tests.document import OPERATIONS
from tests.events import ACME, GLOBEX, build_event
from tests.handlers import check_isolation, invoke

TENANTS = {f"Bearer {tenant.key_id}": tenant for tenant in (ACME, GLOBEX)}
"""By the header that stands for their API keys, because no authorizer runs here."""


class HandlerTransport(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.extensions["target"].decode().partition("?")
        function, parameters = _find_function(request.method, path)
        tenant = TENANTS[request.headers["Authorization"]]
        event = build_event(
            function,
            tenant,
            query=parse_qs(query, keep_blank_values=True),
            body=_read_body(request),
            **parameters,
        )
        event["headers"] = {name.decode(): value.decode("latin-1") for name, value in request.headers.raw}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        event["requestContext"]["requestId"] = str(uuid.uuid4())
        answer = invoke(function, event)
        check_isolation(tenant, answer)
        return httpx.Response(
            answer["statusCode"],
            headers=answer["headers"] | {"x-amzn-RequestId": event["requestContext"]["requestId"]},
            stream=httpx.ByteStream(answer["body"].encode()),
        )


def _read_body(request: httpx.Request) -> str | bytes | None:
    """A body that is not UTF-8 stays bytes, as the gateway sends it in base64."""
    body = request.read()
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return body


def _find_function(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The function of a route, and the decoded parameters of the path."""
    for route_method, pattern, function in _routes():
        if method == route_method and (match := pattern.fullmatch(path)):
            return function, {name: unquote(value) for name, value in match.groupdict().items()}
    raise AssertionError(f"no function serves {method} {path}")


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and function. A literal path precedes one with parameters."""
    return [
        (each.method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.path)), each.function)
        for each in sorted(OPERATIONS, key=lambda each: each.path.count("{"))
    ]

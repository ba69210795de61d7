"""A request as API Gateway hands it to a function (REST, proxy integration)."""

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from contacts.errors import InvalidParameter
from contacts.identifiers import is_id

if TYPE_CHECKING:
    from contacts.models import RequestBody

_VISIBLE_ASCII = re.compile(r"[!-~]{1,128}")


class Request:
    def __init__(self, event: dict[str, Any]) -> None:
        self._event = event
        self._headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        self._path = event.get("pathParameters") or {}
        self._context = event.get("requestContext") or {}

    @property
    def id(self) -> str:
        """The caller's X-Request-Id where it is usable, else the gateway's."""
        wanted = self._headers.get("x-request-id") or ""
        return wanted if _VISIBLE_ASCII.fullmatch(wanted) else str(self._context.get("requestId", ""))

    @property
    def tenant_id(self) -> str:
        """From the authorizer alone: no path, query, header or body can name a tenant."""
        return str(self._context["authorizer"]["tenantId"])

    @property
    def log_keys(self) -> dict[str, str]:
        """What every log line of this request says: ids only, and of the path only what is one."""
        authorizer = self._context.get("authorizer") or {}
        return {
            "request_id": self.id,
            "route": f"{self._event.get('httpMethod')} {self._event.get('resource')}",
            "tenant_id": authorizer.get("tenantId"),
            "key_id": authorizer.get("keyId"),
            **{name: value for name, value in self._path.items() if is_id(value)},
        }

    def path(self, name: str) -> str:
        return str(self._path[name])

    def query(self, name: str) -> str:
        """Raises InvalidParameter when the query does not have it."""
        value = (self._event.get("queryStringParameters") or {}).get(name)
        if value is None:
            raise InvalidParameter(name, f"{name} is required.")
        return str(value)

    def body[Model: RequestBody](self, model: type[Model]) -> Model:
        """Raises InvalidParameter naming the field that is wrong, `body` when it is no JSON object."""
        try:
            body = json.loads(self._raw_body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):  # no base64, no UTF-8, no JSON, a number or a nesting without end
            body = None
        if not isinstance(body, dict):
            raise InvalidParameter("body", "body: Input should be a JSON object in UTF-8.")
        return model.parse(body)

    @property
    def _raw_body(self) -> str:
        body: str = self._event.get("body") or ""
        return base64.b64decode(body, validate=True).decode() if self._event.get("isBase64Encoded") else body


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(name)

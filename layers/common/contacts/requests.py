"""A request as API Gateway hands it to a function (REST, proxy integration)."""

import base64
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from contacts.errors import InvalidParameter
from contacts.identifiers import is_id
from contacts.resources import Identity

if TYPE_CHECKING:
    from contacts.models import RequestBody

_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_WRITING_METHODS = frozenset({"POST", "PATCH", "DELETE"})


class Request:
    """Of whatever event: what is missing in it, or of another type, shows when it is asked for."""

    def __init__(self, event: object, invocation_id: str) -> None:
        self._invocation_id = invocation_id
        self._event = _object(event)
        self._headers = {name.lower(): value for name, value in _object(self._event.get("headers")).items()}
        self._path = _object(self._event.get("pathParameters"))
        self._context = _object(self._event.get("requestContext"))
        self._key = _object(self._context.get("authorizer"))

    @property
    def id(self) -> str:
        """The caller's X-Request-Id where it is usable, else the gateway's; Lambda's own when no gateway gave one."""
        candidates = self.header("X-Request-Id"), self._context.get("requestId"), self._invocation_id
        return next(text for each in candidates if _REQUEST_ID.fullmatch(text := str(each or "")))

    @cached_property
    def identity(self) -> Identity:
        """From the authorizer alone: no path, query, header or body can name a tenant. The gateway makes all text."""
        key = self._key
        return Identity(
            tenant_id=key["tenantId"],
            key_id=key["keyId"],
            name=key["name"],
            scopes=tuple(key["scopes"].split()),
            rate_limit=int(key["rateLimit"]),
            expires_at=key["expiresAt"] or None,
            require_signature=key["requireSignature"] == "true",
            ip_allowlist=tuple(key["ipAllowlist"].split()),
            source_ip=self._context["identity"]["sourceIp"],
        )

    @property
    def tenant_id(self) -> str:
        return self.identity.tenant_id

    @property
    def idempotency_key(self) -> str | None:
        """None where it has no meaning or is not there. Raises InvalidParameter."""
        key = self.header("Idempotency-Key") if self.method in _WRITING_METHODS else None
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidParameter("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        return key

    @property
    def log_keys(self) -> dict[str, str | None]:
        """What every log line of this request says: ids only, and of the path only what is one."""
        path = {name: str(self._path.get(name)) for name in ("contactId", "tagId")}
        return {
            "request_id": self.id,
            "route": f"{self._event.get('httpMethod')} {self._event.get('resource')}",
            "tenant_id": self._key.get("tenantId"),
            "key_id": self._key.get("keyId"),
            **{name: value for name, value in path.items() if is_id(value)},
        }

    @property
    def method(self) -> str:
        return str(self._event["httpMethod"])

    @property
    def path_text(self) -> str:
        """The whole path, without the stage."""
        return str(self._event["path"])

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        parameters = self._event.get("multiValueQueryStringParameters") or {}
        return [(name, value) for name, values in parameters.items() for value in values]

    @property
    def raw_body(self) -> bytes:
        """Empty also when it is said to be base64 and is not: neither a JSON object nor what was signed."""
        body: str = self._event.get("body") or ""
        if not self._event.get("isBase64Encoded"):
            return body.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except ValueError:
            return b""

    def header(self, name: str) -> str | None:
        value = self._headers.get(name.lower())
        return None if value is None else str(value)

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
        return model.parse(self.raw_body)


def _object(value: object) -> dict[str, Any]:
    """An empty one in place of what is none."""
    return value if isinstance(value, dict) else {}

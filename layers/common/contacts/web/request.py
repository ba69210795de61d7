"""A request as API Gateway hands it to a function (REST API, proxy integration)."""

import base64
import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from contacts.access.identity import Identity
from contacts.access.keys import PREFIX, batch_rate_limit
from contacts.domain.errors import InvalidParameter
from contacts.runtime.identifiers import is_id

if TYPE_CHECKING:
    from pydantic import BaseModel

BEGINNING_SECONDS, WRITING_SECONDS, KEEPING_SECONDS = 10, 14, 16
"""How long after its start a call begins items of a batch, writes, and keeps its answer; docs/decisions/ says why."""

_REQUEST_ID = re.compile(rf"(?!.*{PREFIX})[!-~]{{1,128}}")  # it is logged, so it must not contain an API key
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_WRITING_METHODS = frozenset({"POST", "PATCH", "DELETE"})
_BULK = frozenset({"GET /v1/contacts", "GET /v1/tags", "GET /v1/changes", "POST /v1/contacts/batch"})


class Request:
    """Takes any event without an error: a part that is missing or has another type raises when it is read."""

    def __init__(self, event: object, invocation_id: str) -> None:
        started = time.monotonic()
        self.last_begin = started + BEGINNING_SECONDS
        """No further item of a batch is begun after it, in seconds of time.monotonic(), like those that follow."""
        self.deadline = started + WRITING_SECONDS
        """The use case sends no request to the table after it."""
        self.keeping_deadline = started + KEEPING_SECONDS
        """An answer is not kept after it: what was sent until then ends before the function's timeout of 20 s."""
        self._invocation_id = invocation_id
        self._event = _dict(event)
        self._headers = {name.lower(): value for name, value in _dict(self._event.get("headers")).items()}
        self._path = _dict(self._event.get("pathParameters"))
        self._query = _dict(self._event.get("multiValueQueryStringParameters"))
        self._context = _dict(self._event.get("requestContext"))
        self._key = _dict(self._context.get("authorizer"))

    @property
    def id(self) -> str:
        """The caller's X-Request-Id if it is usable, else the gateway's id, else Lambda's."""
        candidates = self.header("X-Request-Id"), self._context.get("requestId"), self._invocation_id
        return next(text for each in candidates if _REQUEST_ID.fullmatch(text := str(each or "")))

    @cached_property
    def identity(self) -> Identity:
        """From the authorizer alone: no path, query, header or body can name a tenant. All its values are text."""
        key = self._key
        return Identity(
            tenant_id=key["tenantId"],
            key_id=key["keyId"],
            name=key["name"],
            scopes=tuple(key["scopes"].split()),
            rate_limit=(rate_limit := int(key["rateLimit"])),
            batch_rate_limit=batch_rate_limit(rate_limit),
            expires_at=key["expiresAt"] or None,
            require_signature=key["requireSignature"] == "true",
            ip_allowlist=tuple(key["ipAllowlist"].split()),
            source_ip=self._context["identity"]["sourceIp"],
        )

    @property
    def signing_version(self) -> int:
        """The version of the signing root. The authorizer's answers from before versions existed lack it."""
        return int(self._key.get("signingVersion") or 1)

    @property
    def tenant_id(self) -> str:
        return self.identity.tenant_id

    @property
    def idempotency_key(self) -> str | None:
        """None if there is no such header, or for GET, where it has no meaning. Raises InvalidParameter."""
        key = self.header("Idempotency-Key") if self.method in _WRITING_METHODS else None
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidParameter("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        return key

    @property
    def _route(self) -> str:
        return f"{self._event.get('httpMethod')} {self._event.get('resource')}"

    @property
    def kind(self) -> str:
        """For metrics. Lists and batches are a kind of their own, because they may take longer."""
        if self._route in _BULK:
            return "Bulk"
        return "Read" if self._event.get("httpMethod") == "GET" else "Write"

    @property
    def log_keys(self) -> dict[str, str | None]:
        """What every log line of this request says. Path parameters only if they have the shape of an id."""
        path = {name: str(self._path.get(name)) for name in ("contactId", "tagId")}
        return {
            "request_id": self.id,
            "gateway_request_id": self._context.get("requestId"),  # the id in the gateway's access log
            "route": self._route,
            "tenant_id": self._key.get("tenantId"),
            "key_id": self._key.get("keyId"),
            **{name: value for name, value in path.items() if is_id(value)},
        }

    @property
    def method(self) -> str:
        return str(self._event["httpMethod"])

    @property
    def path_text(self) -> str:
        """The whole path as the caller sent it, without the stage."""
        return str(self._event["path"])

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self._query.items() for value in values]

    @cached_property
    def raw_body(self) -> bytes:
        """Empty if it is malformed base64, which is then neither a JSON object nor what was signed."""
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

    def query[Value](self, name: str, parse: Callable[[str], Value]) -> Value:
        """The parsed parameter. `parse` raises ValueError with a text that completes the sentence "{name} …".

        Raises InvalidParameter, also if the parameter is missing or given twice.
        """
        text = self._query_text(name)
        if text is None:
            raise InvalidParameter(name, f"{name} is required.")
        return _parse(name, text, parse)

    def optional_query[Value, Default](
        self, name: str, parse: Callable[[str], Value], default: Default
    ) -> Value | Default:
        """As `query`, but a missing parameter has the default."""
        text = self._query_text(name)
        return default if text is None else _parse(name, text, parse)

    def body[Model: BaseModel](self, model: type[Model]) -> Model:
        """Raises InvalidParameter that names the wrong field, or `body` if it is not a JSON object."""
        from contacts.parsing.json import parse  # noqa: PLC0415 - pydantic; functions that read no body start without

        return parse(model, self.raw_body)

    def _query_text(self, name: str) -> str | None:
        """Raises InvalidParameter if the parameter is given twice, because readers differ in which one they take."""
        values = self._query.get(name) or []
        if len(values) > 1:
            raise InvalidParameter(name, f"{name} must be given once only.")
        return str(values[0]) if values else None


def _parse[Value](name: str, text: str, parse: Callable[[str], Value]) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidParameter(name, f"{name} {error}") from None


def _dict(value: object) -> dict[str, Any]:
    """The value if it is a dict, else an empty one."""
    return value if isinstance(value, dict) else {}

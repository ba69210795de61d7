"""What can go wrong, as the API says it.

ContactsError
├── InvalidParameter      400, 413, 422
├── Unauthorized          401
├── Forbidden             403
├── ContactNotFound       404, a tag too
├── Conflict              409
├── CursorExpired         410
├── RateLimited           429, after all retries
├── ServerError           5xx, a 503 after all retries
└── NoAnswer              no answer, after all retries
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class ContactsError(Exception):
    """`status` is None if there was no answer. The other attributes are those of the error object, or None."""

    def __init__(self, message: str, status: int | None = None, error: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        error = error or {}
        data = error.get("error_data") or {}
        self.status = status
        self.code: int | None = error.get("code")
        self.field: str | None = data.get("field")
        self.reason: str | None = data.get("reason")
        self.limit: int | None = data.get("limit")
        self.fbtrace_id: str | None = error.get("fbtrace_id")


class InvalidParameter(ContactsError):
    """The request is malformed, too large, or reuses an Idempotency-Key. Sending it again changes nothing."""


class Unauthorized(ContactsError):
    """The key is missing, unknown, revoked or expired, or the signature failed; then `reason` says why."""


class Forbidden(ContactsError):
    """The key lacks the scope, or may not be used from this address."""


class ContactNotFound(ContactsError):
    """There is no such contact or tag."""


class Conflict(ContactsError):
    """The contact holds as many tags as it can (`limit`), or the same Idempotency-Key is still in use."""


class CursorExpired(ContactsError):
    """The cursor of the changes is older than what is kept. List all contacts again, then follow a new cursor."""


class RateLimited(ContactsError):
    """The rate limit of the key was exceeded for as long as the client retried."""


class ServerError(ContactsError):
    """The API failed. Its log has the cause under `fbtrace_id`."""


class NoAnswer(ContactsError):
    """No answer came. A write may have been done: repeat it with the same `idempotency_key`."""


_BY_STATUS = {
    401: Unauthorized,
    403: Forbidden,
    404: ContactNotFound,
    409: Conflict,
    410: CursorExpired,
    429: RateLimited,
}


def error_of(status: int, body: object) -> ContactsError:
    """The error for the body of a refusal, or for the error object of one item of a batch."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {}  # whatever answered was not the API
    details = (error.get("error_data") or {}).get("details") or error.get("message") or "no error object in the answer"
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _BY_STATUS.get(status, ServerError if is_server_error else InvalidParameter)
    return kind(f"{status}: {details}", status, error)

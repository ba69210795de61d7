"""The contract's refusals: status and whole body of the answer to a request of tests/events.py."""

from typing import Any

from tests.events import REQUEST_ID

type Refusal = tuple[int, dict[str, Any]]


def _refusal(
    status: int, message: str, code: int, *, type_: str = "GraphMethodException", **error_data: str | int
) -> Refusal:
    error = {
        "message": message,
        "type": type_,
        "code": code,
        "error_data": error_data,
        "fbtrace_id": REQUEST_ID,
    }
    return status, {"error": error}


def invalid(field: str, details: str) -> Refusal:
    return _refusal(400, "Invalid parameter", 100, details=details, field=field)


def signature_rejected(reason: str) -> Refusal:
    details = "The request's signature failed."
    return _refusal(401, "Unauthorized", 190, type_="OAuthException", details=details, reason=reason)


def refused_item(refusal: Refusal, **error_data: str) -> dict[str, Any]:
    """The result of an item of a batch that single calls would refuse like this."""
    status, body = refusal
    return {"status": status, "error": body["error"] | {"error_data": body["error"]["error_data"] | error_data}}


NO_OBJECT = invalid("body", "body: Input should be a JSON object in UTF-8.")
NO_DIGITS = invalid("phone", "phone must contain digits and the usual separators only.")
WRONG_LENGTH = invalid("phone", "phone must have 5 to 32 digits.")
TOO_LONG = invalid("phone", "phone must have at most 100 characters.")

ADDRESS_NOT_ALLOWED = _refusal(
    403, "Forbidden", 200, type_="OAuthException", details="The API key may not be used from this address."
)
CONTACT_NOT_FOUND = _refusal(404, "Not found", 100, details="There is no such contact.")
TAG_NOT_FOUND = _refusal(404, "Not found", 100, details="There is no such tag.")
TAG_LIMIT_REACHED = _refusal(409, "Limit reached", 131000, details="A contact can hold at most 20 tags.", limit=20)
IN_PROGRESS = _refusal(
    409,
    "In progress",
    131000,
    details="A request with this Idempotency-Key is being worked on.",
    field="Idempotency-Key",
)
CURSOR_EXPIRED = _refusal(
    410,
    "Gone",
    100,
    details="The cursor is not in the change log any more. List all contacts again, then follow a new cursor.",
    field="cursor",
    reason="cursor_expired",
)
KEY_REUSED = _refusal(
    422,
    "Idempotency-Key reused",
    100,
    details="This Idempotency-Key belongs to a request with another method, path, query or body.",
    field="Idempotency-Key",
)
INTERNAL_ERROR = _refusal(500, "Internal error", 131000, details="The cause is in our log under fbtrace_id.")
UNAVAILABLE = _refusal(503, "Service unavailable", 131000, details="The request can safely be repeated.")

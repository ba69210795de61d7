"""What can go wrong, named as facts. Each class has the status, type and code of contract section 5.

ContactsError                500
├── InvalidParameter         400
├── SignatureRejected        401
├── AddressNotAllowed        403
├── ContactNotFound          404
├── TagNotFound              404
├── TagLimitReached          409
├── AssignmentOutweighed     409
├── RequestInProgress        409
├── CursorExpired            410
├── IdempotencyKeyReused     422
├── DatabaseUnavailable      503
└── SecretUnavailable        503
"""

from http import HTTPStatus
from typing import ClassVar


class ContactsError(Exception):
    """Our own fault, unless a subclass says otherwise. Callers see where to look for the cause, never the cause."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    type: ClassVar[str] = "GraphMethodException"
    code: ClassVar[int] = 131000
    message: ClassVar[str] = "Internal error"
    retry_after_seconds: ClassVar[int | None] = None

    def __init__(self, details: str = "The cause is in our log under fbtrace_id.", **data: str | int) -> None:
        super().__init__(details)
        self.error_data = {"details": details, **data}


class InvalidParameter(ContactsError):
    status = HTTPStatus.BAD_REQUEST
    code = 100
    message = "Invalid parameter"

    def __init__(self, field: str, details: str) -> None:
        super().__init__(details, field=field)


class SignatureRejected(ContactsError):
    status = HTTPStatus.UNAUTHORIZED
    type = "OAuthException"
    code = 190
    message = "Unauthorized"

    def __init__(self, reason: str) -> None:
        super().__init__("The request's signature failed.", reason=reason)


class AddressNotAllowed(ContactsError):
    status = HTTPStatus.FORBIDDEN
    type = "OAuthException"
    code = 200
    message = "Forbidden"

    def __init__(self) -> None:
        super().__init__("The API key may not be used from this address.")


class ContactNotFound(ContactsError):
    status = HTTPStatus.NOT_FOUND
    code = 100
    message = "Not found"

    def __init__(self) -> None:
        super().__init__("There is no such contact.")


class TagNotFound(ContactsError):
    status = HTTPStatus.NOT_FOUND
    code = 100
    message = "Not found"

    def __init__(self, **place: str) -> None:
        """`field` is the place of the tag within an item of a batch."""
        super().__init__("There is no such tag.", **place)


class TagLimitReached(ContactsError):
    status = HTTPStatus.CONFLICT
    message = "Limit reached"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A contact can hold at most {limit} tags.", limit=limit)


class AssignmentOutweighed(ContactsError):
    status = HTTPStatus.CONFLICT
    message = "Outweighed"

    def __init__(self) -> None:
        super().__init__("The assignment has a source of a higher weight and stays unchanged.")


class RequestInProgress(ContactsError):
    status = HTTPStatus.CONFLICT
    message = "In progress"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being worked on.", field="Idempotency-Key")


class CursorExpired(ContactsError):
    status = HTTPStatus.GONE
    code = 100
    message = "Gone"

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not in the change log any more. List all contacts again, then follow a new cursor.",
            field="cursor",
            reason="cursor_expired",
        )


class IdempotencyKeyReused(ContactsError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = 100
    message = "Idempotency-Key reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key belongs to a request with another method, path, query or body.",
            field="Idempotency-Key",
        )


class DatabaseUnavailable(ContactsError):
    """The database throttles, fails or does not answer in time. The same call may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "Service unavailable"
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("The request can safely be repeated.")


class SecretUnavailable(ContactsError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "Service unavailable"
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("The request can safely be repeated.")


def outcome_of(error: Exception) -> str:
    """The name under which logs and metrics count a failure."""
    return type(error).__name__ if isinstance(error, ContactsError) else "Bug"

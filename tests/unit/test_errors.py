import inspect

import pytest

from contacts.domain import errors
from contacts.domain.errors import (
    AddressNotAllowed,
    ContactNotFound,
    ContactsError,
    DatabaseUnavailable,
    IdempotencyKeyReused,
    InvalidParameter,
    RequestInProgress,
    SecretUnavailable,
    SignatureRejected,
    TagLimitReached,
    TagNotFound,
)

BAD = InvalidParameter("phone", "phone must have 5 to 32 digits.")


def draw(error: type[ContactsError], prefix: str = "", branch: str = "") -> list[str]:
    """The tree below an error as the module's docstring draws it."""
    lines = [f"{prefix}{branch}{error.__name__}".ljust(25) + str(int(error.status))]
    below = error.__subclasses__()
    prefix += {"": "", "├── ": "│   ", "└── ": "    "}[branch]
    for each in below:
        lines += draw(each, prefix, "└── " if each is below[-1] else "├── ")
    return lines


def test_the_docstring_draws_the_tree() -> None:
    drawn = [line.split() for line in inspect.getdoc(errors).splitlines()[2:]]  # type: ignore[union-attr]
    assert drawn == [line.split() for line in draw(ContactsError)]


@pytest.mark.parametrize(
    ("error", "status", "type_", "code", "message", "error_data", "retry_after_seconds"),
    [
        (
            ContactsError(), 500, "GraphMethodException", 131000, "Internal error",
            {"details": "The cause is in our log under fbtrace_id."}, None,
        ),
        (
            BAD, 400, "GraphMethodException", 100, "Invalid parameter",
            {"details": "phone must have 5 to 32 digits.", "field": "phone"}, None,
        ),
        (
            SignatureRejected("clock_skew"), 401, "OAuthException", 190, "Unauthorized",
            {"details": "The request's signature failed.", "reason": "clock_skew"}, None,
        ),
        (
            AddressNotAllowed(), 403, "OAuthException", 200, "Forbidden",
            {"details": "The API key may not be used from this address."}, None,
        ),
        (
            ContactNotFound(), 404, "GraphMethodException", 100, "Not found",
            {"details": "There is no such contact."}, None,
        ),
        (
            TagNotFound(), 404, "GraphMethodException", 100, "Not found",
            {"details": "There is no such tag."}, None,
        ),
        (
            TagLimitReached(20), 409, "GraphMethodException", 131000, "Limit reached",
            {"details": "The contact already holds 20 tags.", "limit": 20}, None,
        ),
        (
            RequestInProgress(), 409, "GraphMethodException", 131000, "In progress",
            {"details": "A request with this Idempotency-Key is being worked on.", "field": "Idempotency-Key"}, None,
        ),
        (
            IdempotencyKeyReused(), 422, "GraphMethodException", 100, "Idempotency-Key reused",
            {
                "details": "This Idempotency-Key belongs to a request with another method, path or body.",
                "field": "Idempotency-Key",
            },
            None,
        ),
        (
            SecretUnavailable(), 503, "GraphMethodException", 131000, "Service unavailable",
            {"details": "The request can safely be repeated."}, 1,
        ),
        (
            DatabaseUnavailable(), 503, "GraphMethodException", 131000, "Service unavailable",
            {"details": "The request can safely be repeated."}, 1,
        ),
    ],
)  # fmt: skip
def test_each_carries_what_the_contract_says_of_it(
    error: ContactsError,
    status: int,
    type_: str,
    code: int,
    message: str,
    error_data: dict[str, str | int],
    retry_after_seconds: int | None,
) -> None:
    assert (error.status, error.type, error.code, error.message, error.error_data, error.retry_after_seconds) == (
        status, type_, code, message, error_data, retry_after_seconds,
    )  # fmt: skip

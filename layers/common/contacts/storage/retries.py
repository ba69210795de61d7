"""When an operation on the table is repeated, and when it is given up. Decision 0004 says why retries are ours."""

import random
import time
from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from pynamodb.exceptions import PynamoDBException, TransactWriteError

from contacts.domain.errors import DatabaseUnavailable

BUDGET_SECONDS = 4.0
"""Retry budget of one operation."""

MOST_FAULTS = 3
"""An operation that was throttled, failed or got no answer this often is given up before its budget ends."""

_LONGEST_PAUSE_SECONDS = 0.4

_CONDITION_CODES = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
_CONFLICT_CODES = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
_TRANSIENT_CODES = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingError",
        "ThrottlingException",
    }
)


class ConditionFailed(Exception):
    """The condition of a write did not hold."""

    def __init__(self, old_item: dict[str, object] | None = None) -> None:
        super().__init__("The condition of a write did not hold.")
        self.old_item = old_item
        """The raw item that failed the condition, if the write asked for it and it exists."""


def attempts(deadline: float | None = None) -> Iterator[None]:
    """Yields once for each attempt, with a pause and jitter between them, until the retry budget is spent.

    Yields nothing after the deadline, which is in seconds of time.monotonic().
    """
    end = time.monotonic() + BUDGET_SECONDS
    if deadline is not None:
        end = min(end, deadline)
    longest_pause = 0.05
    while time.monotonic() < end:
        yield
        time.sleep(random.uniform(0, longest_pause))  # noqa: S311 - jitter, not a secret
        longest_pause = min(2 * longest_pause, _LONGEST_PAUSE_SECONDS)


def retry[Result](operation: Callable[[], Result], deadline: float | None = None) -> Result:
    """Runs one DynamoDB operation, again after a conflict with a transaction or a passing fault.

    Raises ConditionFailed, DatabaseUnavailable, or pynamodb's own error when the request itself was wrong.
    """
    faults = 0
    cause: PynamoDBException | None = None
    for _ in attempts(deadline):
        try:
            return operation()
        except PynamoDBException as error:
            cause = error
            codes = _codes(error)
            if codes & _CONDITION_CODES:
                raise ConditionFailed(_old_item(error)) from error
            if codes & _CONFLICT_CODES:
                continue
            if not (codes & _TRANSIENT_CODES or _is_unanswered(error)):
                raise
            faults += 1
            if faults == MOST_FAULTS:
                break
    raise DatabaseUnavailable from cause


def _codes(error: PynamoDBException) -> set[str]:
    """DynamoDB's error codes. A cancelled transaction has one for each item that cancelled it."""
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    code = error.cause_response_code if isinstance(error.cause, ClientError) else None  # raises after a timeout
    return {reason.code for reason in reasons if reason} or {code or ""}


def _old_item(error: PynamoDBException) -> dict[str, object] | None:
    client_error = error.cause.__cause__ if error.cause else None  # pynamodb's wrapper drops the item
    item: dict[str, object] | None = getattr(client_error, "response", {}).get("Item")
    return item


def _is_unanswered(error: PynamoDBException) -> bool:
    """No connection, no reply in time, an unreadable reply, or a 5xx without a code."""
    cause = error.cause
    if isinstance(cause, ClientError):
        client_error = cause.__cause__
        status = getattr(client_error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500)  # noqa: PLR2004
    return isinstance(cause, BotoCoreError) and not isinstance(cause, ParamValidationError)

"""Explains a failure of AWS or of the network in one line that says what to do."""

import os
from collections.abc import Iterator
from http import HTTPStatus

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name for it
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from pynamodb.exceptions import GetError, QueryError, ScanError, TableError

_SIGN_IN = "Sign in, for example with `aws sso login`, or choose a profile with AWS_PROFILE."
_CHECK_NETWORK = "Check the network. For the local stack, check that `make start` is running."
_FIX_AND_REPEAT = "Fix this and run the command again."
_LOOK_FIRST = "The outcome is unknown: look before you repeat the command, for example with `list` or `show`."
_STALE_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)


def explain(error: BaseException) -> str:
    chain = list(_chain(error))
    cause = next((each for each in reversed(chain) if isinstance(each, BotoCoreError | ClientError)), error)
    is_read = any(isinstance(each, GetError | QueryError | ScanError | TableError) for each in chain)
    text = str(cause).rstrip(".")
    match cause:
        case NoCredentialsError():
            problem, remedy = "There are no AWS credentials", _SIGN_IN
        case NoRegionError():
            problem, remedy = "There is no AWS region", "Set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE."
        case ClientError(response={"Error": {"Code": code}}) if code in _STALE_CREDENTIALS:
            problem, remedy = f"AWS does not accept the credentials ({code})", _SIGN_IN
        case ClientError(response={"Error": {"Code": "ResourceNotFoundException"}}):
            problem = f"There is no table {os.environ['TABLE_NAME']!r} in this account and region"
            remedy = "Deploy the stack, or choose another --stage or --table."
        case ConnectionError():  # the request has not arrived
            problem, remedy = text, _CHECK_NETWORK
        case HTTPClientError():
            problem, remedy = text, _CHECK_NETWORK if is_read else _LOOK_FIRST
        case ClientError() if _status(cause) >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_read:
            problem, remedy = f"AWS failed: {text}", _LOOK_FIRST
        case ClientError(response={"Error": {"Code": code, "Message": message}}):
            problem, remedy = f"AWS answered {code}: {message.rstrip('.')}", _FIX_AND_REPEAT
        case _:
            problem, remedy = text, _FIX_AND_REPEAT
    return f"{problem}. {remedy}"


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps. pynamodb keeps the wrapped one in its own attribute `cause`."""
    wrapped: BaseException | None = error
    while wrapped:
        yield wrapped
        wrapped = getattr(wrapped, "cause", None) or wrapped.__cause__

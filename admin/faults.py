"""Explains a failure of AWS or of the network in one line that says what to do."""

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name for it
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)

_SIGN_IN = "Sign in, for example with `aws sso login`, or choose a profile with AWS_PROFILE."
_FIX_AND_REPEAT = "Fix this and run the command again."
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
    cause = _botocore_error(error)
    match cause:
        case NoCredentialsError():
            problem, remedy = "There are no AWS credentials.", _SIGN_IN
        case NoRegionError():
            problem, remedy = "There is no AWS region.", "Set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE."
        case ClientError(response={"Error": {"Code": code}}) if code in _STALE_CREDENTIALS:
            problem, remedy = f"AWS does not accept the credentials ({code}).", _SIGN_IN
        case ClientError(response={"Error": {"Code": "ResourceNotFoundException"}}):
            problem = f"There is no table {os.environ['TABLE_NAME']!r} in this account and region."
            remedy = "Deploy the stack, or choose another --stage or --table."
        case ConnectionError() | HTTPClientError():
            problem = f"{cause}."
            remedy = "Check the network. For the local stack, check that `make start` is running."
        case ClientError(response={"Error": {"Code": code, "Message": message}}):
            problem, remedy = f"AWS answered {code}: {message.rstrip('.')}.", _FIX_AND_REPEAT
        case _:
            problem, remedy = f"{str(cause).rstrip('.')}.", _FIX_AND_REPEAT
    return f"{problem} {remedy}"


def _botocore_error(error: BaseException) -> BaseException:
    """The innermost botocore error. pynamodb wraps them and keeps the wrapped one in its own attribute `cause`."""
    innermost = error
    while wrapped := getattr(error, "cause", None) or error.__cause__:
        error = wrapped
        if isinstance(error, BotoCoreError | ClientError):
            innermost = error
    return innermost

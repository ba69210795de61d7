"""The secrets of the deployment, in Secrets Manager."""

from functools import cache
from typing import TYPE_CHECKING

import boto3

from admin.errors import SecretNotFound
from admin.target import stage

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def key_pepper() -> str:
    """The key of the HMAC under which API keys are stored. Raises SecretNotFound."""
    return _read("key-pepper")


def signing_root() -> str:
    """The secret from which the signing secrets of API keys are derived. Raises SecretNotFound."""
    return _read("signing-root")


def _read(secret: str) -> str:
    name = f"contacts/{stage()}/{secret}"
    try:
        return _client().get_secret_value(SecretId=name)["SecretString"]
    except _client().exceptions.ResourceNotFoundException:
        raise SecretNotFound(name) from None


@cache
def _client() -> "SecretsManagerClient":
    return boto3.client("secretsmanager")

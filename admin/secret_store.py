"""The secrets of the deployment, in Secrets Manager. access/secrets.py explains their versions."""

import json
import secrets
import uuid
from typing import TYPE_CHECKING, Literal, NamedTuple

from admin import aws
from admin.errors import SecretChanged, SecretNotFound, SecretUnreadable, VersionNotFound
from admin.target import stage
from contacts.access.secrets import Versions, parse_versions

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SecretName = Literal["pepper", "signing-root"]
"""`pepper` keys the HMAC under which API keys are stored. Signing secrets are derived from `signing-root`."""

_NAMES: dict[SecretName, str] = {"pepper": "key-pepper", "signing-root": "signing-root"}


class Version(NamedTuple):
    number: int
    text: str


def current_version(secret: SecretName) -> Version:
    """Raises SecretNotFound, SecretUnreadable."""
    versions, _ = _read(_full_name(secret))
    number, text = next(iter(versions.items()))
    return Version(number, text)


def find_version(secret: SecretName, number: int) -> Version:
    """Raises SecretNotFound, SecretUnreadable, VersionNotFound."""
    name = _full_name(secret)
    versions, _ = _read(name)
    if number not in versions:
        raise VersionNotFound(name, number, sorted(versions))
    return Version(number, versions[number])


def list_versions(secret: SecretName) -> list[int]:
    """Oldest first. Raises SecretNotFound, SecretUnreadable."""
    versions, _ = _read(_full_name(secret))
    return sorted(versions)


def add_version(secret: SecretName) -> int:
    """Returns the number of the new version, which is the current one from now on.

    Raises SecretNotFound, SecretUnreadable, SecretChanged.
    """
    name = _full_name(secret)
    versions, read_id = _read(name)
    number = max(versions) + 1
    value = dict(sorted((versions | {number: secrets.token_hex(32)}).items()))
    # AWS takes one value for each token, so of two rotations that read the same value one fails.
    token = uuid.uuid5(uuid.NAMESPACE_URL, read_id)
    try:
        _client().put_secret_value(SecretId=name, SecretString=json.dumps(value), ClientRequestToken=str(token))
    except _client().exceptions.ResourceExistsException:
        raise SecretChanged(name) from None
    return number


def _read(name: str) -> tuple[Versions, str]:
    """The versions, and AWS's id of the value that has them."""
    try:
        answer = _client().get_secret_value(SecretId=name)
        return parse_versions(answer["SecretString"]), answer["VersionId"]
    except _client().exceptions.ResourceNotFoundException:
        raise SecretNotFound(name) from None
    except ValueError:
        raise SecretUnreadable(name) from None


def _full_name(secret: SecretName) -> str:
    return f"contacts/{stage()}/{_NAMES[secret]}"


def _client() -> "SecretsManagerClient":
    client: SecretsManagerClient = aws.client("secretsmanager")
    return client

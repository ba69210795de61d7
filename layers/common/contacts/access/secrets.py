"""The secrets of the deployment. They have versions, so that they can be rotated (docs/decisions/0034).

CloudFormation generates a secret as plain text: that is version 1. A rotated secret is a JSON object, version → text.
The highest version is the current one. Versions are only added and never change.
"""

import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from contacts.domain.errors import SecretUnavailable
from contacts.runtime.observability import logger

type Versions = dict[int, str]
"""Newest first."""

_KEPT_SECONDS = 300.0
_RECENT_SECONDS = 5.0
"""After a miss the versions may be this old: a rotation takes effect within seconds, a flood of misses costs little."""

_kept: dict[str, tuple[float, Versions]] = {}
"""Name or ARN → when it was read, in Unix seconds, and its versions."""


def parse_versions(text: str) -> Versions:
    """Raises ValueError if the text is neither plain nor what a rotation wrote."""
    if not text.startswith("{"):
        return {1: text}
    versions = json.loads(text)
    if not versions or not all(isinstance(each, str) for each in versions.values()):
        raise ValueError("no versions, or versions that are not text")
    return {number: versions[str(number)] for number in sorted(map(int, versions), reverse=True)}


def readings(secret: str) -> Iterator[Versions]:
    """The versions as they are kept, then, for a caller that did not find its own, as they are now.

    Takes a name or an ARN. If Secrets Manager fails, the versions that were read before are still good.
    Raises SecretUnavailable.
    """
    for max_age in _KEPT_SECONDS, _RECENT_SECONDS:
        yield _read_versions(secret, max_age)


def _read_versions(secret: str, max_age: float) -> Versions:
    read_at, versions = _kept.get(secret, (-max_age, {}))
    now = time.time()
    if versions and now - read_at < max_age:
        return versions
    try:
        versions = parse_versions(_client().get_secret_value(SecretId=secret)["SecretString"])
    except Exception as error:
        if not versions:
            raise SecretUnavailable from error
        logger.exception("The secret was not read again")
    _kept[secret] = now, versions
    return versions


def connect() -> None:
    """Makes the client, which needs no network. The first read would make it otherwise."""
    _client()


@cache
def _client() -> Any:  # noqa: ANN401 - botocore's clients have no static types
    """Shares session and root certificates with the table's client, so that neither is read again.

    whoami has no table: it imports them for the first signed request.
    """
    from botocore.config import Config  # noqa: PLC0415

    from contacts.storage.table import connection  # noqa: PLC0415
    from contacts.storage.tls import load_roots  # noqa: PLC0415

    retries: Any = {"total_max_attempts": 3, "mode": "standard"}
    client = connection().session.create_client(
        "secretsmanager", config=Config(connect_timeout=0.5, read_timeout=1.5, retries=retries)
    )
    load_roots(client)
    return client

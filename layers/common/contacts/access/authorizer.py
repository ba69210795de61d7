"""The custom authorizer of API Gateway, contract section 4: makes a Lambda handler of a function that finds a key."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from pynamodb.exceptions import PynamoDBException

from contacts.access.keys import DEFAULT_RATE_LIMIT, ROUTES, SHAPE, hash_key
from contacts.access.secrets import readings
from contacts.domain.errors import ContactsError
from contacts.runtime import timestamps
from contacts.runtime.observability import count, logger
from contacts.storage.items import ApiKeyItem
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Table

type FindKey = Callable[[str], ApiKeyItem | None]
type Handler = Callable[[dict[str, Any], object], dict[str, Any]]

_BEARER = re.compile(rf"(?i:bearer) +({SHAPE.pattern})")
_LAST_USED_PRECISION = timedelta(minutes=5)


class Unauthorized(Exception):
    """API Gateway answers 401 only when the authorizer raises exactly this text."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorizer(find_key: FindKey) -> Handler:
    """The handler returns the policy and the context of the key that `find_key` finds, or raises Unauthorized."""

    @wraps(find_key)
    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        with logger.append_context_keys(gateway_request_id=_request_id(event)):
            try:
                return _admit(find_key, event)
            except Unauthorized:
                raise
            except Exception:
                count("Authorizer", {"AuthorizerFault": 1})
                raise

    return handler


def _admit(find_key: FindKey, event: dict[str, Any]) -> dict[str, Any]:
    try:
        key, stage = _bearer_key(event), _stage(event)
    except (AttributeError, KeyError, TypeError, ValueError):  # no such header, or an event of another kind
        logger.info("API key missing or malformed")
        count("Authorizer", {"KeyRefused": 1})
        raise Unauthorized from None
    api_key = find_key(key)
    if api_key is None or api_key.status != "ACTIVE" or _is_expired(api_key):
        logger.info("API key refused", key_id=api_key.key_id if api_key else None)
        # Apart, because one client that goes on with its old key is no attack.
        count("Authorizer", {"OldKeyRefused" if api_key else "KeyRefused": 1})
        raise Unauthorized
    _note_use(api_key)
    return {
        "principalId": api_key.key_id,
        "policyDocument": _policy(stage, api_key.scopes),
        "context": _context_of(api_key),
        "usageIdentifierKey": api_key.key_id,  # value of the gateway key whose usage plan counts the request
    }


def find_key(key: str, pepper_secret: str) -> ApiKeyItem | None:
    """One GetItem for each version of the pepper until the key is found, newest first. Raises SecretUnavailable."""
    tried: set[int] = set()
    for versions in readings(pepper_secret):
        for version, pepper in versions.items():
            if version not in tried:
                tried.add(version)
                item = Table().read(ApiKeyItem, ApiKeyItem.key(hash_key(key, pepper)))
                if item:
                    return item
    return None


def _request_id(event: object) -> object:
    """The id in the gateway's access log. None if it is an event of another kind."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    return context.get("requestId") if isinstance(context, dict) else None


def _bearer_key(event: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in event["headers"].items()}
    match = _BEARER.fullmatch(headers["authorization"])
    if match is None:
        raise ValueError
    return match[1]


def _stage(event: dict[str, Any]) -> str:
    """The part with which the ARNs of all routes begin."""
    api, stage, *_ = event["methodArn"].split("/")
    return f"{api}/{stage}"


def _is_expired(api_key: ApiKeyItem) -> bool:
    return api_key.valid_until is not None and api_key.valid_until <= timestamps.now()


def _context_of(api_key: ApiKeyItem) -> dict[str, str]:
    """What the functions learn of the key. API Gateway passes on text only, so lists become words."""
    return {
        "tenantId": api_key.tenant_id,
        "keyId": api_key.key_id,
        "name": api_key.name,
        "scopes": " ".join(api_key.scopes),
        "rateLimit": str(int(api_key.rate_limit or DEFAULT_RATE_LIMIT)),
        "expiresAt": api_key.valid_until or "",
        "requireSignature": "true" if api_key.require_signature else "false",
        "signingVersion": str(int(api_key.signing_version or 1)),
        "ipAllowlist": " ".join(api_key.ip_allowlist),
    }


def _policy(stage: str, scopes: list[str]) -> dict[str, Any]:
    """Names all routes of the scopes, because API Gateway caches the policy and applies it to every route."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "execute-api:Invoke",
                "Resource": [f"{stage}/{route}" for scope in ("any", *scopes) for route in ROUTES[scope]],
            }
        ],
    }


def _note_use(api_key: ApiKeyItem) -> None:
    """Writes the time of use at most once in five minutes. A failure is logged and does not refuse the key."""
    now = datetime.now(UTC)
    long_ago = timestamps.to_text(now - _LAST_USED_PRECISION)
    if (api_key.last_used_at or "") > long_ago:
        return
    exists = ApiKeyItem.pk.exists()
    is_due = ApiKeyItem.last_used_at.does_not_exist() | (ApiKeyItem.last_used_at <= long_ago)
    try:
        Table().update(api_key, [ApiKeyItem.last_used_at.set(timestamps.to_text(now))], exists & is_due)
    except ConditionFailed:
        pass  # another execution environment wrote it, or the key was deleted
    except (ContactsError, PynamoDBException):
        logger.exception("Time of use not written", key_id=api_key.key_id)

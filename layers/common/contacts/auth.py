"""API keys: how they are written, stored and resolved to a tenant and its routes, contract section 4."""

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBException

from contacts import settings, startup, timestamps
from contacts.errors import ContactsError
from contacts.observability import logger
from contacts.tables import ApiKeyItem, ConditionFailed, update

_BEARER = re.compile(r"(?i:bearer) +(sflo_live_[A-Za-z0-9_-]{43})")
_LAST_USED_PRECISION = timedelta(minutes=5)

DEFAULT_RATE_LIMIT = 80
"""Requests per second of a key that has no limit of its own."""

SCOPES = ("contacts:read", "contacts:write")

ROUTES = {
    "any": ("GET/v1/whoami",),
    "contacts:read": ("GET/v1/contacts/*",),
    "contacts:write": (
        "POST/v1/contacts",
        "PATCH/v1/contacts/*",
        "DELETE/v1/contacts/*",
        "POST/v1/contacts/*/tags",
    ),
}
"""Scope → the routes it opens, as a policy names them; `any` is every key's. A `*` spans slashes."""


class Unauthorized(Exception):
    """Its message is the contract with API Gateway: raising exactly this text is the only way to a 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def hash_key(key: str, pepper: str) -> str:
    """What is stored instead of the key."""
    return hmac.digest(pepper.encode(), key.encode(), "sha256").hex()


def authorize(event: dict[str, Any]) -> dict[str, Any]:
    """The policy and context of the key in the Authorization header. Raises Unauthorized."""
    try:
        key, stage = _bearer_key(event), _stage(event)
    except (AttributeError, KeyError, TypeError, ValueError):  # no such header, or no event of API Gateway's at all
        logger.info("API key missing or misshapen")
        raise Unauthorized from None
    api_key = _find_key(key)
    if api_key is None or api_key.status != "ACTIVE" or _is_expired(api_key):
        logger.info("API key refused", key_id=api_key.key_id if api_key else None)
        raise Unauthorized
    _note_use(api_key)
    return {
        "principalId": api_key.key_id,
        "policyDocument": _policy(stage, api_key.scopes),
        "context": _context(api_key),
        "usageIdentifierKey": api_key.key_id,  # what the usage plan counts: the gateway key's value is our key's id
    }


def _bearer_key(event: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in event["headers"].items()}
    match = _BEARER.fullmatch(headers["authorization"])
    if match is None:
        raise ValueError
    return match[1]


def _stage(event: dict[str, Any]) -> str:
    """What the ARNs of all routes begin with."""
    api, stage, *_ = event["methodArn"].split("/")
    return f"{api}/{stage}"


def _find_key(key: str) -> ApiKeyItem | None:
    return ApiKeyItem.read(ApiKeyItem.key(hash_key(key, settings.key_pepper())))


def _is_expired(api_key: ApiKeyItem) -> bool:
    return api_key.valid_until is not None and api_key.valid_until <= timestamps.now()


def _context(api_key: ApiKeyItem) -> dict[str, str]:
    """What the functions get to know. The gateway hands everything on as text, and no lists."""
    return {
        "tenantId": api_key.tenant_id,
        "keyId": api_key.key_id,
        "name": api_key.name,
        "scopes": " ".join(api_key.scopes),
        "rateLimit": str(int(api_key.rate_limit or DEFAULT_RATE_LIMIT)),
        "expiresAt": api_key.valid_until or "",
        "requireSignature": "true" if api_key.require_signature else "false",
        "ipAllowlist": " ".join(api_key.ip_allowlist),
    }


def _policy(stage: str, scopes: list[str]) -> dict[str, Any]:
    """Names every route of the scopes, not the one that was called: the gateway caches the answer for all of them."""
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
    """Writes the time of use at most once in five minutes, and never lets the answer fail over it."""
    now = datetime.now(UTC)
    long_ago = timestamps.to_text(now - _LAST_USED_PRECISION)
    if (api_key.last_used_at or "") > long_ago:
        return
    still_exists = ApiKeyItem.pk.exists()
    not_noted_meanwhile = ApiKeyItem.last_used_at.does_not_exist() | (ApiKeyItem.last_used_at <= long_ago)
    try:
        update(api_key, [ApiKeyItem.last_used_at.set(timestamps.to_text(now))], still_exists & not_noted_meanwhile)
    except ConditionFailed:
        pass  # another environment was faster, or the key is gone
    except (ContactsError, PynamoDBException):
        logger.exception("Time of use not written", key_id=api_key.key_id)


startup.finish()  # this module is the last that the authorizer imports

"""API keys. A key itself is shown once, when it is made: the table has only its hash."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, chain
from typing import Any

import boto3
from pynamodb.transactions import TransactWrite

from admin.errors import InvalidValue, KeyNotFound, PepperNotFound, TenantNotFound
from admin.target import pepper_name
from admin.tenants import get_tenant, require_tenant
from admin.text import clean
from contacts import timestamps
from contacts.auth import SCOPES, hash_key
from contacts.identifiers import is_id, new_id
from contacts.tables import ApiKeyItem, ConditionFailed, TenantApiKey, attempt, batch_read, transact, update

LONGEST_NAME = 64
_SHOWN_LENGTH = 14
_MOST_IN_A_BATCH = 100  # of BatchGetItem


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    key_id: str
    prefix: str
    """The first characters of the key, to tell which one somebody holds."""
    name: str
    scopes: tuple[str, ...]
    status: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None


@dataclass(frozen=True, kw_only=True)
class IssuedKey(ApiKey):
    key: str = field(repr=False)


def create_key(tenant_id: str, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> IssuedKey:
    """The only time that the key can be seen. Raises InvalidValue, TenantNotFound, PepperNotFound."""
    key, key_id = f"sflo_live_{secrets.token_urlsafe(32)}", new_id()
    key_hash = hash_key(key, _pepper())
    item = ApiKeyItem(
        *ApiKeyItem.key(key_hash),
        tenant_id=tenant_id,
        key_id=key_id,
        name=clean("key's name", name, LONGEST_NAME),
        prefix=key[:_SHOWN_LENGTH],
        scopes=_known_scopes(scopes),
        status="ACTIVE",
        created_at=timestamps.now(),
        valid_until=timestamps.to_text(expires_at) if expires_at else None,
    )
    listed = TenantApiKey(*TenantApiKey.key(tenant_id, key_id), key_hash=key_hash)

    def add(transaction: TransactWrite) -> None:
        require_tenant(transaction, tenant_id)
        transaction.save(item, condition=ApiKeyItem.pk.does_not_exist())
        transaction.save(listed, condition=TenantApiKey.pk.does_not_exist())

    try:
        transact(add, token=str(uuid.uuid4()))
    except ConditionFailed:
        raise TenantNotFound(tenant_id) from None
    return IssuedKey(**_fields(item), key=key)


def list_keys(tenant_id: str) -> list[ApiKey]:
    """All of them, revoked and expired ones too, oldest first. Raises TenantNotFound."""
    get_tenant(tenant_id)
    listed = attempt(lambda: list(TenantApiKey.query(TenantApiKey.keys_of(tenant_id), consistent_read=True)))
    keys = (ApiKeyItem.key(each.key_hash) for each in listed)
    found = chain.from_iterable(batch_read(batch).values() for batch in batched(keys, _MOST_IN_A_BATCH, strict=False))
    return sorted((ApiKey(**_fields(ApiKeyItem.from_raw_data(raw))) for raw in found), key=lambda key: key.created_at)


def revoke_key(tenant_id: str, key_id: str) -> ApiKey:
    """For good. Revoking again changes nothing. Raises KeyNotFound."""
    listed = TenantApiKey.read(TenantApiKey.key(tenant_id, key_id)) if is_id(tenant_id) and is_id(key_id) else None
    if listed is None:
        raise KeyNotFound(tenant_id, key_id)
    item = ApiKeyItem(*ApiKeyItem.key(listed.key_hash))
    try:
        return ApiKey(**_fields(update(item, [ApiKeyItem.status.set("REVOKED")], ApiKeyItem.key_id == key_id)))
    except ConditionFailed:
        raise KeyNotFound(tenant_id, key_id) from None


def _known_scopes(scopes: Sequence[str]) -> list[str]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        wrong = f"There is no scope {unknown[0]!r}." if unknown else "A key needs at least one scope."
        raise InvalidValue(f"{wrong} Choose from {', '.join(SCOPES)}.")
    return list(dict.fromkeys(scopes))


def _pepper() -> str:
    client = boto3.client("secretsmanager")
    name = pepper_name()
    try:
        return client.get_secret_value(SecretId=name)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        raise PepperNotFound(name) from None


def _fields(item: ApiKeyItem) -> dict[str, Any]:
    return {
        "key_id": item.key_id,
        "prefix": item.prefix,
        "name": item.name,
        "scopes": tuple(item.scopes),
        "status": item.status,
        "created_at": item.created_at,
        "expires_at": item.valid_until,
        "last_used_at": item.last_used_at,
    }

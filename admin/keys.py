"""API keys. The key itself is shown once, when it is created: the table has only its hash."""

import ipaddress
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.transactions import TransactWrite

from admin import gateway
from admin.audit import audited
from admin.database import table
from admin.errors import InvalidValue, KeyNotFound, KeyRevoked
from admin.secret_store import SecretName, current_version
from admin.tenants import get_active_tenant, get_tenant, is_active, list_tenants
from admin.text import clean
from contacts.access.keys import DEFAULT_RATE_LIMIT, SCOPES, hash_key, new_key
from contacts.access.signatures import signing_secret
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import ApiKeyItem, TenantApiKey, TenantItem
from contacts.storage.retries import ConditionFailed

LONGEST_NAME = 64
HIGHEST_RATE_LIMIT = 10_000  # the default limit of an AWS account
MOST_ADDRESS_BLOCKS = 50  # the authorizer's answer carries all of them to every function
_SHOWN_LENGTH = 14


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    key_id: str
    prefix: str
    """The first characters of the key, to recognise it."""
    name: str
    scopes: tuple[str, ...]
    status: str
    """ACTIVE, EXPIRED, SUSPENDED with its tenant, or REVOKED."""
    rate_limit: int
    """Requests per second."""
    require_signature: bool
    ip_allowlist: tuple[str, ...]
    """Address blocks in CIDR notation. Empty means that every address may call."""
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    """Accurate to about five minutes."""
    pepper_version: int
    signing_version: int | None
    """None unless the key requires signatures."""

    def old_secrets(self, current: Mapping[SecretName, int]) -> tuple[SecretName, ...]:
        """The secrets of which the key needs an older version than the current one."""
        needed: dict[SecretName, int | None] = {"pepper": self.pepper_version, "signing-root": self.signing_version}
        return tuple(secret for secret, version in needed.items() if version and version < current[secret])


@dataclass(frozen=True, kw_only=True)
class IssuedKey(ApiKey):
    key: str = field(repr=False)
    signing_secret: str | None = field(repr=False)
    """Only if the key requires signatures."""


def create_key(
    tenant_id: str,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    rate_limit: int | None = None,
    require_signature: bool = False,
    ip_allowlist: Sequence[str] = (),
) -> IssuedKey:
    """Returns the key itself, which cannot be read again. The rate limit is in requests per second.

    If it raises, no usable key exists. Raises InvalidValue, TenantNotFound, TenantSuspended, SecretNotFound,
    SecretUnreadable, ApiNotFound.
    """
    return _issue(
        ApiKeyItem(
            tenant_id=get_active_tenant(tenant_id).id,
            name=clean("key's name", name, LONGEST_NAME),
            scopes=_known_scopes(scopes),
            valid_until=timestamps.to_text(expires_at) if expires_at else None,
            rate_limit=None if rate_limit is None else _valid_rate_limit(rate_limit),
            require_signature=require_signature,
            ip_allowlist=_address_blocks(ip_allowlist),
        )
    )


def list_keys(tenant_id: str) -> list[ApiKey]:
    """All keys, oldest first, also revoked and expired ones. Raises TenantNotFound."""
    get_tenant(tenant_id)
    listed = table.query(TenantApiKey, TenantApiKey.keys_of(tenant_id))
    found = table.batch_read(ApiKeyItem.key(each.key_hash) for each in listed).values()
    return sorted((ApiKey(**_fields(ApiKeyItem.from_raw_data(raw))) for raw in found), key=lambda key: key.created_at)


def list_live_keys() -> list[ApiKey]:
    """The keys of all tenants that work, or will when their tenant is resumed."""
    tenants = (tenant for tenant in list_tenants() if tenant.status != "DELETING")
    keys = (key for tenant in tenants for key in list_keys(tenant.id))
    return [key for key in keys if key.status in {"ACTIVE", "SUSPENDED"}]


def change_status(tenant_id: str, old: str, new: str) -> int:
    """Of all keys that have the old one. Returns how many. Safe to repeat."""
    changed = 0
    for listed in table.query(TenantApiKey, TenantApiKey.keys_of(tenant_id)):
        item = ApiKeyItem(*ApiKeyItem.key(listed.key_hash))
        with suppress(ConditionFailed):  # it has another one
            table.update(item, [ApiKeyItem.status.set(new)], ApiKeyItem.status == old)
            changed += 1
    return changed


def get_key(tenant_id: str, key_id: str) -> ApiKey:
    """Raises TenantNotFound, KeyNotFound."""
    return ApiKey(**_fields(_read(tenant_id, key_id)))


def rotate_key(
    tenant_id: str, key_id: str, *, keep_old_until: datetime, expires_at: datetime | None = None
) -> tuple[IssuedKey, str]:
    """Creates a key with the settings of the old one, which expires at `keep_old_until` or at its earlier expiry.

    Returns the new key and when the old one expires.

    The new key does not inherit the expiry, which may be the end that an earlier rotation gave the old key.
    Raises TenantNotFound, TenantSuspended, KeyNotFound, KeyRevoked, InvalidValue, SecretNotFound, SecretUnreadable,
    ApiNotFound.
    """
    get_active_tenant(tenant_id)
    old = _read(tenant_id, key_id)
    if old.status != "ACTIVE":
        raise KeyRevoked(key_id)
    if old.valid_until and not expires_at:
        raise InvalidValue(f"The key expires at {old.valid_until}. Say with --expires when the new one expires.")
    end = timestamps.to_text(keep_old_until)
    old_end = min(end, old.valid_until or end)

    def end_old(transaction: TransactWrite) -> None:
        is_active = ApiKeyItem.status == "ACTIVE"
        transaction.update(old, [ApiKeyItem.valid_until.set(old_end)], condition=is_active)

    new = ApiKeyItem(
        tenant_id=tenant_id,
        name=old.name,
        scopes=old.scopes,
        valid_until=timestamps.to_text(expires_at) if expires_at else None,
        rate_limit=old.rate_limit,
        require_signature=old.require_signature,
        ip_allowlist=old.ip_allowlist,
    )
    try:
        return _issue(new, end_old, audited(tenant_id, "key.rotated", key_id)), old_end
    except ConditionFailed:
        raise KeyRevoked(key_id) from None


def revoke_key(tenant_id: str, key_id: str) -> ApiKey:
    """Permanent. Safe to repeat, also to finish an interrupted revocation. Raises TenantNotFound, KeyNotFound."""
    item = _read(tenant_id, key_id)
    is_due = (ApiKeyItem.key_id == key_id) & (ApiKeyItem.status != "REVOKED")
    note = audited(tenant_id, "key.revoked", key_id)

    def revoke(transaction: TransactWrite) -> None:
        transaction.update(item, [ApiKeyItem.status.set("REVOKED")], condition=is_due)
        note(transaction)

    with suppress(ConditionFailed):  # it is revoked already
        table.transact(revoke, token=str(uuid.uuid4()))
    gateway.dismiss(key_id)
    return get_key(tenant_id, key_id)


def _issue(item: ApiKeyItem, *also: Callable[[TransactWrite], None]) -> IssuedKey:
    """Admits the key at the gateway first: a gateway key without an item gives no access (docs/decisions/0013)."""
    key, pepper = new_key(), current_version("pepper")
    key_hash = hash_key(key, pepper.text)
    item.pk, item.sk = ApiKeyItem.key(key_hash)
    item.pepper_version = pepper.number
    item.key_id, item.prefix, item.status, item.created_at = new_id(), key[:_SHOWN_LENGTH], "ACTIVE", timestamps.now()
    secret = None
    if item.require_signature:
        root = current_version("signing-root")
        secret, item.signing_version = signing_secret(root.text, item.key_id), root.number
    listed = TenantApiKey(*TenantApiKey.key(item.tenant_id, item.key_id), key_hash=key_hash)
    also = (*also, audited(item.tenant_id, "key.created", item.key_id))

    def add(transaction: TransactWrite) -> None:
        transaction.save(item, condition=ApiKeyItem.pk.does_not_exist())
        transaction.save(listed, condition=TenantApiKey.pk.does_not_exist())
        transaction.condition_check(TenantItem, *TenantItem.key(item.tenant_id), condition=is_active())
        for write in also:
            write(transaction)

    fields = _fields(item)
    try:
        gateway.admit(item.key_id, fields["rate_limit"])
        table.transact(add, token=str(uuid.uuid4()))
    except BaseException as error:
        with suppress(BotoCoreError, ClientError):
            gateway.dismiss(item.key_id)
        if isinstance(error, ConditionFailed):
            get_active_tenant(item.tenant_id)  # raises if the tenant was suspended at the same moment
        raise
    return IssuedKey(**fields, key=key, signing_secret=secret)


def _read(tenant_id: str, key_id: str) -> ApiKeyItem:
    get_tenant(tenant_id)
    listed = table.read(TenantApiKey, TenantApiKey.key(tenant_id, key_id)) if is_id(key_id) else None
    item = table.read(ApiKeyItem, ApiKeyItem.key(listed.key_hash)) if listed else None
    if item is None:
        raise KeyNotFound(tenant_id, key_id)
    return item


def _known_scopes(scopes: Sequence[str]) -> list[str]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        wrong = f"There is no scope {unknown[0]!r}." if unknown else "A key needs at least one scope."
        raise InvalidValue(f"{wrong} Choose from {', '.join(SCOPES)}.")
    return list(dict.fromkeys(scopes))


def _valid_rate_limit(rate_limit: int) -> int:
    if not 1 <= rate_limit <= HIGHEST_RATE_LIMIT:
        raise InvalidValue(f"The rate limit must be 1 to {HIGHEST_RATE_LIMIT} requests per second, not {rate_limit}.")
    return rate_limit


def _address_blocks(blocks: Sequence[str]) -> list[str]:
    if len(blocks) > MOST_ADDRESS_BLOCKS:
        raise InvalidValue(f"A key can have at most {MOST_ADDRESS_BLOCKS} address blocks, not {len(blocks)}.")
    return list(dict.fromkeys(_address_block(block) for block in blocks))


def _address_block(text: str) -> str:
    try:
        block = ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidValue(f"{error}. Write it as 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.") from None
    if isinstance(block, ipaddress.IPv6Network) and block.network_address.ipv4_mapped:
        raise InvalidValue(
            f"{text!r} contains IPv4 addresses in IPv6 form, which callers never have. Write it as IPv4."
        )
    return str(block)


def _fields(item: ApiKeyItem) -> dict[str, Any]:
    is_expired = item.status == "ACTIVE" and item.valid_until is not None and item.valid_until <= timestamps.now()
    return {
        "key_id": item.key_id,
        "prefix": item.prefix,
        "name": item.name,
        "scopes": tuple(item.scopes),
        "status": "EXPIRED" if is_expired else item.status,
        "rate_limit": int(item.rate_limit or DEFAULT_RATE_LIMIT),
        "require_signature": item.require_signature,
        "ip_allowlist": tuple(item.ip_allowlist),
        "created_at": item.created_at,
        "expires_at": item.valid_until,
        "last_used_at": item.last_used_at,
        "pepper_version": int(item.pepper_version or 1),
        "signing_version": int(item.signing_version or 1) if item.require_signature else None,
    }

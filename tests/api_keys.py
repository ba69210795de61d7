"""API keys as the table stores them."""

from typing import Any

from contacts.access.keys import hash_key
from contacts.storage.items import ApiKeyItem
from tests.events import Tenant
from tests.handlers import PEPPER


def build_api_key(key: str, tenant: Tenant, *, pepper: str = PEPPER, **fields: Any) -> ApiKeyItem:
    """An active key with both scopes, except for the given fields."""
    active: dict[str, Any] = {
        "tenant_id": tenant.id,
        "key_id": tenant.key_id,
        "name": "CRM",
        "prefix": key[:14],
        "scopes": ["contacts:read", "contacts:write"],
        "status": "ACTIVE",
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    return ApiKeyItem(*ApiKeyItem.key(hash_key(key, pepper)), **active | fields)

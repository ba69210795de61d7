"""Two demo tenants with keys and tags, made with the administrators' own functions."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from admin.keys import create_key, revoke_key
from admin.tags import create_tag, delete_tag
from admin.tenants import create_tenant, list_tenants
from local.directory import write_private

TENANTS = "Acme Travel", "Globex Fitness"
TAGS = (
    *("VIP", "New lead", "Returning", "Newsletter", "Wants a call", "Complaint", "Refund", "Invoice sent", "Paid"),
    *("Overdue", "Trial", "Churned", "Partner", "Press", "Beta tester", "Spanish", "German", "Portuguese", "Wholesale"),
    *("Black Friday", "Birthday club", "No calls", "Escalated", "Resolved", "Archived"),
)
_READ, _WRITE = "contacts:read", "contacts:write"


def make_tenant(name: str) -> dict[str, Any]:
    tenant = create_tenant(name)
    keys = {
        "full": create_key(tenant.id, name="Demo, full", scopes=[_READ, _WRITE]),
        "read": create_key(tenant.id, name="Demo, read", scopes=[_READ]),
        "write": create_key(tenant.id, name="Demo, write", scopes=[_WRITE]),
        "revoked": create_key(tenant.id, name="Demo, revoked", scopes=[_READ, _WRITE]),
        "expired": create_key(
            tenant.id, name="Demo, expired", scopes=[_READ, _WRITE], expires_at=datetime(2025, 1, 1, tzinfo=UTC)
        ),
    }
    revoke_key(tenant.id, keys["revoked"].key_id)
    tags = [create_tag(tenant.id, tag) for tag in TAGS]
    deleted = create_tag(tenant.id, "Discontinued")
    delete_tag(tenant.id, deleted.id)
    return {
        "tenant_id": tenant.id,
        "name": tenant.name,
        "keys": {kind: issued.key for kind, issued in keys.items()},
        "tags": [{"id": tag.id, "name": tag.name} for tag in tags],
        "deleted_tag_id": deleted.id,
    }


def kept_tenants(file: Path) -> list[dict[str, Any]]:
    """Those of an earlier start, when they are still in the table."""
    if not file.exists():
        return []
    tenants: list[dict[str, Any]] = json.loads(file.read_text())["tenants"]
    known = {tenant.id for tenant in list_tenants()}
    return tenants if known.issuperset(tenant["tenant_id"] for tenant in tenants) else []


def main(file: Path, base_url: str) -> None:
    tenants = kept_tenants(file) or [make_tenant(name) for name in TENANTS]
    write_private(file, json.dumps({"base_url": base_url, "tenants": tenants}, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

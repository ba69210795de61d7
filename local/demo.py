"""Two demo tenants with keys and tags, created with the functions behind the operators' commands."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from admin.keys import create_key, revoke_key
from admin.tags import create_tag, delete_tag
from admin.tenants import create_tenant, list_tenants
from admin.usage_plans import restore
from local.emulator.processes import write_private

TENANTS = "Acme Travel", "Globex Fitness"
TAGS = (
    *("VIP", "New lead", "Returning", "Newsletter", "Wants a call", "Complaint", "Refund", "Invoice sent", "Paid"),
    *("Overdue", "Trial", "Churned", "Partner", "Press", "Beta tester", "Spanish", "German", "Portuguese", "Wholesale"),
    *("Black Friday", "Birthday club", "No calls", "Escalated", "Resolved", "Archived"),
)
_SCOPES = "contacts:read", "contacts:write"
KEYS: dict[str, dict[str, Any]] = {
    "full": {"scopes": _SCOPES},
    "read": {"scopes": _SCOPES[:1]},
    "write": {"scopes": _SCOPES[1:]},
    "revoked": {"scopes": _SCOPES},
    "expired": {"scopes": _SCOPES, "expires_at": datetime(2025, 1, 1, tzinfo=UTC)},
    "signed": {"scopes": _SCOPES, "require_signature": True},
    "from_here": {"scopes": _SCOPES, "ip_allowlist": ["127.0.0.0/8"]},
    "from_elsewhere": {"scopes": _SCOPES, "ip_allowlist": ["203.0.113.0/24"]},
    "slow": {"scopes": _SCOPES, "rate_limit": 5},
}


def make_tenant(name: str) -> dict[str, Any]:
    tenant = create_tenant(name)
    tags = [create_tag(tenant.id, tag) for tag in TAGS]
    deleted = create_tag(tenant.id, "Discontinued")
    delete_tag(tenant.id, deleted.id)
    return {
        "tenant_id": tenant.id,
        "name": tenant.name,
        "keys": {},
        "tags": [{"id": tag.id, "name": tag.name} for tag in tags],
        "deleted_tag_id": deleted.id,
    }


def make_key(tenant_id: str, kind: str) -> str | dict[str, str | None]:
    issued = create_key(tenant_id, name=f"Demo, {kind}", **KEYS[kind])
    if kind == "revoked":
        revoke_key(tenant_id, issued.key_id)
    return {"key": issued.key, "secret": issued.signing_secret} if issued.require_signature else issued.key


def kept_tenants(file: Path) -> list[dict[str, Any]]:
    """The tenants of an earlier start, if they are still in the table."""
    if not file.exists():
        return []
    tenants: list[dict[str, Any]] = json.loads(file.read_text())["tenants"]
    known = {tenant.id for tenant in list_tenants()}
    return tenants if known.issuperset(tenant["tenant_id"] for tenant in tenants) else []


def main(file: Path, base_url: str, queues: dict[str, str]) -> None:
    tenants = kept_tenants(file) or [make_tenant(name) for name in TENANTS]
    restore()
    for tenant in tenants:
        for kind in (kind for kind in KEYS if kind not in tenant["keys"]):
            tenant["keys"][kind] = make_key(tenant["tenant_id"], kind)
    write_private(file, json.dumps({"base_url": base_url, "tenants": tenants, "queues": queues}, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))

"""What callers see, contract section 2. The order of the fields is the order of the JSON keys."""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Who assigned a tag. An assignment gives way to one of the same or a higher weight."""

    MANUAL_ADMIN = "MANUAL_ADMIN"
    API = "API"
    MANUAL_AGENT = "MANUAL_AGENT"
    AI_TOOL = "AI_TOOL"
    AI_AUTO_CLOSE = "AI_AUTO_CLOSE"

    @property
    def weight(self) -> int:
        return _WEIGHTS[self]


_WEIGHTS = {
    Source.MANUAL_ADMIN: 4,
    Source.API: 4,
    Source.MANUAL_AGENT: 3,
    Source.AI_TOOL: 2,
    Source.AI_AUTO_CLOSE: 1,
}


@dataclass(frozen=True, kw_only=True)
class TagAssignment:
    contact_id: str
    tag_id: str
    source: str
    reason: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True, kw_only=True)
class Contact:
    id: str
    tenant_id: str
    phone: str
    display_name: str | None
    first_seen_at: str
    last_seen_at: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, kw_only=True)
class ContactWithTags(Contact):
    tag_assignments: tuple[TagAssignment, ...]
    """Oldest first, then by tag id."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The API key behind a request, as the authorizer resolved it, and where the request came from."""

    tenant_id: str
    key_id: str
    name: str
    scopes: tuple[str, ...]
    rate_limit: int
    """Requests per second."""
    expires_at: str | None
    require_signature: bool
    ip_allowlist: tuple[str, ...]
    source_ip: str

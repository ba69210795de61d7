"""What callers see, contract section 2. The order of the fields is the order of the JSON keys."""

from dataclasses import dataclass
from enum import StrEnum
from typing import dataclass_transform


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


@dataclass_transform(kw_only_default=True, frozen_default=True)
def resource[Resource](cls: type[Resource]) -> type[Resource]:
    """A frozen dataclass to the type checker; to Python the least of one: each cold start compiles its methods anew."""
    return dataclass(kw_only=True, repr=False, match_args=False)(cls)


@resource
class TagAssignment:
    """A tag on a contact."""

    contact_id: str
    tag_id: str
    source: str
    reason: str | None
    created_at: str
    updated_at: str


@resource
class Contact:
    """Whom a tenant knows by a phone."""

    id: str
    tenant_id: str
    phone: str
    display_name: str | None
    first_seen_at: str
    last_seen_at: str
    created_at: str
    updated_at: str


@resource
class ContactWithTags(Contact):
    """A contact as it is read."""

    tag_assignments: tuple[TagAssignment, ...]
    """Oldest first, then by tag id."""


@resource
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

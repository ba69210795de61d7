"""The objects of the API, contract section 2. Fields that a later version of the API adds are ignored."""

from dataclasses import dataclass, fields
from typing import Any, Self

from contacts_client.errors import ContactsError, error_of


def _snake_case(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


@dataclass(frozen=True)
class _Object:
    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for key, value in body.items() if (name := _snake_case(key)) in known})


@dataclass(frozen=True)
class TagAssignment(_Object):
    contact_id: str
    tag_id: str
    source: str
    reason: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Contact(_Object):
    id: str
    tenant_id: str
    phone: str
    display_name: str | None
    first_seen_at: str
    last_seen_at: str
    created_at: str
    updated_at: str
    tag_assignments: tuple[TagAssignment, ...] | None = None
    """None in the answer to a write, which does not show the tags."""

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        if "tagAssignments" in body:
            body = body | {"tagAssignments": tuple(TagAssignment.parse(each) for each in body["tagAssignments"])}
        return super().parse(body)


@dataclass(frozen=True)
class Tag(_Object):
    id: str
    name: str
    description: str | None
    colour: str | None
    created_at: str


@dataclass(frozen=True)
class Change(_Object):
    id: str
    type: str
    contact_id: str
    tag_id: str | None
    """Of `tag.assigned` and `tag.removed`."""
    source: str
    at: str

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        return super().parse({"tagId": None} | body)


@dataclass(frozen=True)
class ChangePage(_Object):
    data: tuple[Change, ...]
    """Oldest first."""
    contacts: tuple[Contact, ...]
    """Those that the changes name and that exist, as they are now."""
    next_cursor: str
    has_more: bool

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        changes = tuple(Change.parse(each) for each in body["data"])
        return super().parse(body | {"data": changes, "contacts": tuple(map(Contact.parse, body["contacts"]))})


@dataclass(frozen=True)
class Identity(_Object):
    """The key, as whoami shows it."""

    tenant_id: str
    key_id: str
    name: str
    scopes: tuple[str, ...]
    rate_limit: int
    """Requests per second."""
    batch_rate_limit: int
    """Batches per second."""
    expires_at: str | None
    require_signature: bool
    ip_allowlist: tuple[str, ...]
    source_ip: str

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        return super().parse(body | {name: tuple(body[name]) for name in ("scopes", "ipAllowlist")})


@dataclass(frozen=True)
class BatchResult:
    """What became of one contact of a batch: `contact` if it was created (201) or existed (200), else `error`."""

    status: int
    contact: Contact | None
    error: ContactsError | None

    @classmethod
    def parse(cls, result: dict[str, Any]) -> Self:
        status, contact = result["status"], result.get("contact")
        if contact is not None:
            return cls(status, Contact.parse(contact), None)
        return cls(status, None, error_of(status, result["error"]))

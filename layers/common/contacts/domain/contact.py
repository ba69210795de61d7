"""Contacts and their tag assignments as callers see them, contract section 2."""

from contacts.domain.resource import resource

TAG_LIMIT = 20
"""The most tags that one contact can hold."""


@resource
class TagAssignment:
    contact_id: str
    tag_id: str
    source: str
    reason: str | None
    created_at: str
    updated_at: str


@resource
class Contact:
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
    """What the two reads answer."""

    tag_assignments: tuple[TagAssignment, ...]
    """Oldest first, then by tag id."""

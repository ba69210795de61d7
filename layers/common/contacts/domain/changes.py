"""What a write changed about a contact, contract section 9."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from contacts.domain.contact import ContactWithTags, TagAssignment
from contacts.domain.source import Source

_REFRESHED = frozenset({"last_seen_at", "updated_at"})
"""Fields that may differ without a change, so that two systems that mirror each other come to rest."""


class Change(NamedTuple):
    id: str
    """The contact's id, the id of the write, and the place among the changes of the write."""
    type: str
    tag_id: str | None
    """None for a change of the contact itself."""
    source: str
    at: int
    """Unix seconds."""

    @property
    def contact_id(self) -> str:
        return self.id.partition("-")[0]


type Changes = Sequence[Change]


class Write(NamedTuple):
    """One write of a contact."""

    id: str
    """Unique among the writes of the contact."""
    at: int
    """Unix seconds."""
    source: str


def compare(before: ContactWithTags | None, after: ContactWithTags | None, write: Write) -> list[Change]:
    """What makes a read of the contact differ, in the order of the contract. The same write has the same changes."""
    return [
        Change(f"{contact_id}-{write.id}-{place}", type_, tag_id, source, write.at)
        for place, (type_, contact_id, tag_id, source) in enumerate(_differences(before, after, write.source))
    ]


def _differences(
    before: ContactWithTags | None, after: ContactWithTags | None, source: str
) -> Iterator[tuple[str, str, str | None, str]]:
    """Type, contact id, tag id and source of each change."""
    if before and (after is None or after.id != before.id):
        # The last write of a deleted contact was not the deletion. Only the API deletes contacts.
        yield "contact.deleted", before.id, None, Source.API
        before = None
    if after is None:
        return
    if before is None:
        yield "contact.created", after.id, None, source
    elif _own_fields(before) != _own_fields(after):
        yield "contact.renamed", after.id, None, source
    held, holds = _assignments(before), _assignments(after)
    for tag_id in sorted(held.keys() - holds.keys()):
        yield "tag.removed", after.id, tag_id, source
    for tag_id in sorted(holds):
        if tag_id not in held or _own_fields(held[tag_id]) != _own_fields(holds[tag_id]):
            yield "tag.assigned", after.id, tag_id, holds[tag_id].source


def _own_fields(shown: ContactWithTags | TagAssignment) -> dict[str, Any]:
    return {name: value for name, value in vars(shown).items() if name not in _REFRESHED | {"tag_assignments"}}


def _assignments(contact: ContactWithTags | None) -> dict[str, TagAssignment]:
    return {each.tag_id: each for each in contact.tag_assignments} if contact else {}

"""Which differences of a contact are changes, contract section 9."""

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from contacts.domain.changes import Change, Write, compare
from contacts.domain.contact import ContactWithTags, TagAssignment

ID, OTHER_ID = "cada", "cgrace"
WRITE = Write("12", 1_764_000_000, "AI_TOOL")
REFRESHED = {"last_seen_at", "updated_at"}


def assignment(tag_id: str, source: str = "API") -> TagAssignment:
    return TagAssignment(contact_id=ID, tag_id=tag_id, source=source, reason="asked", created_at="1", updated_at="2")


def contact(*tags: TagAssignment) -> ContactWithTags:
    names = {each.name: each.name for each in fields(ContactWithTags)}
    return ContactWithTags(**names | {"id": ID, "tag_assignments": tags})  # type: ignore[arg-type]


def told(before: ContactWithTags | None, after: ContactWithTags | None) -> list[tuple[str, str, str | None, str]]:
    return [(each.type, each.contact_id, each.tag_id, each.source) for each in compare(before, after, WRITE)]


@pytest.mark.parametrize("field", [each.name for each in fields(ContactWithTags)])
def test_a_field_of_a_contact_is_a_change_unless_it_is_refreshed_with_every_write(field: str) -> None:
    other: Any = (assignment("c1"),) if field == "tag_assignments" else "other"
    after = replace(contact(), **{field: other})
    assert (told(contact(), after) == []) is (field in REFRESHED)


@pytest.mark.parametrize("field", [each.name for each in fields(TagAssignment)])
def test_a_field_of_an_assignment_is_a_change_unless_it_is_refreshed_with_every_write(field: str) -> None:
    after = contact(replace(assignment("c1"), **{field: "other"}))
    assert (told(contact(assignment("c1")), after) == []) is (field in REFRESHED)


def test_one_write_makes_its_changes_in_the_order_of_the_contract() -> None:
    before = contact(*map(assignment, ("c4", "c2", "c5")))
    after = replace(contact(*map(assignment, ("c3", "c5", "c1"))), display_name="Grace")
    assert told(before, after) == [
        ("contact.renamed", ID, None, "AI_TOOL"),
        ("tag.removed", ID, "c2", "AI_TOOL"),
        ("tag.removed", ID, "c4", "AI_TOOL"),
        ("tag.assigned", ID, "c1", "API"),
        ("tag.assigned", ID, "c3", "API"),
    ]


def test_a_contact_is_created_with_its_tags_and_deleted_without_a_word_about_them() -> None:
    held = contact(assignment("c2", "MANUAL_AGENT"), assignment("c1"))
    assert told(None, held) == [
        ("contact.created", ID, None, "AI_TOOL"),
        ("tag.assigned", ID, "c1", "API"),
        ("tag.assigned", ID, "c2", "MANUAL_AGENT"),
    ]
    assert told(held, None) == [("contact.deleted", ID, None, "API")]


def test_another_contact_in_the_same_item_is_a_deletion_and_a_creation() -> None:
    after = replace(contact(assignment("c1")), id=OTHER_ID)
    assert told(contact(assignment("c1")), after) == [
        ("contact.deleted", ID, None, "API"),
        ("contact.created", OTHER_ID, None, "AI_TOOL"),
        ("tag.assigned", OTHER_ID, "c1", "API"),
    ]


def test_a_change_is_named_after_contact_write_and_place() -> None:
    assert compare(None, contact(assignment("c1")), WRITE) == [
        Change(f"{ID}-12-0", "contact.created", None, "AI_TOOL", 1_764_000_000),
        Change(f"{ID}-12-1", "tag.assigned", "c1", "API", 1_764_000_000),
    ]


def test_whoever_applies_changes_knows_all_tags_of_the_contact() -> None:
    """All pairs of states of two tags that can be absent or have one of two sources."""
    states = list(product([None, "API", "AI_TOOL"], repeat=2))
    for before, after in product(states, states):
        first, second = (
            contact(*(assignment(tag, source) for tag, source in zip(("c1", "c2"), state, strict=True) if source))
            for state in (before, after)
        )
        mirrored = {each.tag_id: each.source for each in first.tag_assignments}
        for type_, _, tag_id, source in told(first, second):
            if type_ == "tag.removed":
                del mirrored[str(tag_id)]
            else:
                mirrored[str(tag_id)] = source
        assert mirrored == {each.tag_id: each.source for each in second.tag_assignments}

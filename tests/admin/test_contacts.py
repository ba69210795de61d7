import re

import pytest

from contacts.domain.source import Source
from contacts.storage.contacts import ContactRepository
from contacts.storage.tags import TagCatalog
from tests.admin.conftest import Run

NOBODY = "c" + "0" * 24
PHONE = "4915112345678"
ABSENT = 1, "Error: There is no such contact. Check the tenant and the contact's id or phone.\n"


@pytest.fixture
def tag_id(run: Run, tenant_id: str) -> str:
    tag_id: str = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    return tag_id


@pytest.fixture
def contact_id(tenant_id: str, tag_id: str) -> str:
    """The id of a contact that holds the tag."""
    contacts = ContactRepository(tenant_id)
    contact, _ = contacts.upsert(PHONE, "Zoë")
    contacts.assign_tag(contact.id, tag_id, Source.API, "asked for it")
    return contact.id


def test_a_contact_is_found_by_id_and_by_phone(run: Run, tenant_id: str, tag_id: str, contact_id: str) -> None:
    shown = run("contact", "show", tenant_id, contact_id, "--json").records
    (assignment,) = shown["tag_assignments"]
    assert shown == {
        "id": contact_id,
        "tenant_id": tenant_id,
        "phone": PHONE,
        "display_name": "Zoë",
        "first_seen_at": shown["first_seen_at"],
        "last_seen_at": shown["first_seen_at"],
        "created_at": shown["first_seen_at"],
        "updated_at": shown["first_seen_at"],
        "tag_assignments": [
            {
                "tag_name": "VIP",
                "tag_deleted_at": None,
                "contact_id": contact_id,
                "tag_id": tag_id,
                "source": "API",
                "reason": "asked for it",
                "created_at": assignment["created_at"],
                "updated_at": assignment["created_at"],
            }
        ],
    }
    assert run("contact", "show", tenant_id, "+49 (151) 1234-5678", "--json").records == shown


@pytest.mark.parametrize(
    ("phone", "written"),
    [
        (PHONE, "+49 1511 2345678"),
        ("12025550143", "+1 202-555-0143"),
        ("00491511234567", "00491511234567"),  # no country code begins with 0
        ("440151123456", "440151123456"),  # the library would drop the 0 after the country code
        ("99999", "99999"),
    ],
)
def test_the_phone_is_shown_in_the_notation_of_its_country(run: Run, tenant_id: str, phone: str, written: str) -> None:
    ContactRepository(tenant_id).upsert(phone, None)
    line = run("contact", "show", tenant_id, phone).stdout.splitlines()[2]
    assert line.split() == ["Phone", *written.split()]


def test_tags_are_shown_with_their_names(run: Run, tenant_id: str, tag_id: str, contact_id: str) -> None:
    lines = run("contact", "show", tenant_id, contact_id).stdout.splitlines()
    assert lines[8:10] == ["", "Tags"]
    titles, row = (re.split(r"  +", lines[number].strip()) for number in (10, 12))
    assert titles == ["Tag", "Tag id", "Source", "Reason", "Created at (UTC)", "Updated at (UTC)"]
    assert row[:4] == ["VIP", tag_id, "API", "asked for it"]


def test_a_deleted_tag_that_a_contact_still_holds_is_marked(
    run: Run, tenant_id: str, tag_id: str, contact_id: str
) -> None:
    deleted_at = TagCatalog(tenant_id).delete(tag_id).deleted_at
    (assignment,) = run("contact", "show", tenant_id, contact_id, "--json").records["tag_assignments"]
    assert (assignment["tag_name"], assignment["tag_deleted_at"]) == ("VIP", deleted_at)
    row = run("contact", "show", tenant_id, contact_id).stdout.splitlines()[12]
    assert re.split(r"  +", row.strip())[:2] == ["VIP (deleted)", tag_id]


def test_escape_sequences_in_a_name_do_not_reach_the_terminal(run: Run, tenant_id: str) -> None:
    ContactRepository(tenant_id).upsert(PHONE, "\x1b[2J[red]x\x9b31m")
    assert run("contact", "show", tenant_id, PHONE).stdout.splitlines()[3].split() == [
        "Display",
        "name",
        "�[2J[red]x�31m",
    ]


@pytest.mark.parametrize(
    "harmful", ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2028", "\u2029", "\x85", "\n"]
)
def test_bidi_and_invisible_characters_do_not_reach_the_terminal(run: Run, tenant_id: str, harmful: str) -> None:
    ContactRepository(tenant_id).upsert(PHONE, f"a{harmful}b")
    assert run("contact", "show", tenant_id, PHONE).stdout.splitlines()[3].split() == ["Display", "name", "a�b"]


def test_a_contact_without_tags_is_shown_as_such(run: Run, tenant_id: str) -> None:
    ContactRepository(tenant_id).upsert(PHONE, None)
    assert run("contact", "show", tenant_id, PHONE).stdout.endswith("\nTags\nThere are none.\n")


@pytest.mark.parametrize("contact", [NOBODY, "999999"])
def test_an_unknown_contact_is_refused(run: Run, tenant_id: str, contact: str) -> None:
    assert run("contact", "show", tenant_id, contact).refusal == ABSENT
    assert run("contact", "untag", tenant_id, contact, NOBODY).refusal == ABSENT


def test_another_tenants_contact_is_not_found(
    run: Run, other_tenant_id: str, tenant_id: str, tag_id: str, contact_id: str
) -> None:
    for contact in (contact_id, PHONE):
        assert run("contact", "show", other_tenant_id, contact).refusal == ABSENT
        assert run("contact", "untag", other_tenant_id, contact, tag_id).refusal == ABSENT
    assert len(ContactRepository(tenant_id).get(contact_id).tag_assignments) == 1


@pytest.mark.parametrize("command", [("show",), ("untag", NOBODY)])
def test_text_that_is_neither_id_nor_phone_is_refused(run: Run, tenant_id: str, command: tuple[str, ...]) -> None:
    verb, *tag = command
    assert run("contact", verb, tenant_id, "Zoë", *tag).refusal == (
        2,
        "Error: phone must contain digits and the usual separators only. Pass the contact's id or its phone.\n",
    )


def test_an_unknown_tenant_is_refused(run: Run) -> None:
    refusal = 1, f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n"
    assert run("contact", "show", NOBODY, PHONE).refusal == refusal
    assert run("contact", "untag", NOBODY, PHONE, NOBODY).refusal == refusal


def test_a_tag_is_removed_from_one_contact_whatever_source_assigned_it(
    run: Run, tenant_id: str, tag_id: str, contact_id: str
) -> None:
    contacts = ContactRepository(tenant_id)
    contacts.assign_tag(contact_id, tag_id, Source.MANUAL_ADMIN, None)
    neighbour, _ = contacts.upsert("12025550143", None)
    contacts.assign_tag(neighbour.id, tag_id, Source.API, None)
    answer = {"contact_id": contact_id, "tag_id": tag_id}
    assert run("contact", "untag", tenant_id, contact_id, tag_id, "--json").records == answer | {"held_it": True}
    assert contacts.get(contact_id).tag_assignments == ()
    assert len(contacts.get(neighbour.id).tag_assignments) == 1
    assert run("contact", "untag", tenant_id, PHONE, tag_id, "--json").records == answer | {"held_it": False}

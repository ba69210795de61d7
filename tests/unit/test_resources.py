import pytest

from contacts.domain.contact import Contact, ContactWithTags, TagAssignment
from contacts.domain.source import Source
from contacts.web import response
from contacts.web.response import to_json

ASSIGNMENT = TagAssignment(
    contact_id="c1", tag_id="c2", source="API", reason=None, created_at="2026-01-01", updated_at="2026-01-02"
)
CONTACT = Contact(
    updated_at="4", created_at="3", last_seen_at="2", first_seen_at="1", display_name="Zoë 😀", phone="12345",
    tenant_id="t1", id="c1",
)  # fmt: skip


def test_the_keys_of_an_assignment_have_the_order_of_the_contract() -> None:
    assert to_json(ASSIGNMENT) == (
        '{"contactId":"c1","tagId":"c2","source":"API","reason":null,"createdAt":"2026-01-01","updatedAt":"2026-01-02"}'
    )


def test_the_keys_of_a_contact_have_the_order_of_the_contract() -> None:
    assert to_json(CONTACT) == (
        '{"id":"c1","tenantId":"t1","phone":"12345","displayName":"Zoë 😀",'
        '"firstSeenAt":"1","lastSeenAt":"2","createdAt":"3","updatedAt":"4"}'
    )


def test_the_tags_of_a_contact_come_last() -> None:
    contact = ContactWithTags(**vars(CONTACT), tag_assignments=(ASSIGNMENT,))
    assert to_json(contact) == f'{to_json(CONTACT)[:-1]},"tagAssignments":[{to_json(ASSIGNMENT)}]}}'


def test_only_resources_can_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        to_json({"set": {1}})


@pytest.mark.parametrize(
    ("source", "outweighs"),
    [
        (Source.MANUAL_ADMIN, {Source.MANUAL_AGENT, Source.AI_TOOL, Source.AI_AUTO_CLOSE}),
        (Source.API, {Source.MANUAL_AGENT, Source.AI_TOOL, Source.AI_AUTO_CLOSE}),
        (Source.MANUAL_AGENT, {Source.AI_TOOL, Source.AI_AUTO_CLOSE}),
        (Source.AI_TOOL, {Source.AI_AUTO_CLOSE}),
        (Source.AI_AUTO_CLOSE, set()),
    ],
)
def test_the_weights_of_the_sources_follow_the_contract(source: Source, outweighs: set[Source]) -> None:
    assert {each for each in Source if each.weight < source.weight} == outweighs


def test_the_names_of_fields_become_camel_case() -> None:
    response._camel_case.cache_clear()
    assert [response._camel_case(name) for name in ("id", "first_seen_at")] == ["id", "firstSeenAt"]

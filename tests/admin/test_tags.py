import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from admin.text import clean
from contacts.domain.contact import ContactWithTags
from contacts.domain.source import Source
from contacts.runtime import timestamps
from contacts.storage.contacts import ContactRepository
from contacts.storage.items import TagItem
from tests.admin.conftest import Run

NOBODY = "c" + "0" * 24
OTHER_TAG = "c" + "1" * 24
CHANGED = (
    1,
    "Error: Another operator changed the tag at the same moment. Look at `tag list` and run the command again.\n",
)


def create(run: Run, tenant_id: str, name: str) -> str:
    tag_id: str = run("tag", "create", tenant_id, name, "--json").records["id"]
    return tag_id


def names(run: Run, tenant_id: str) -> list[str]:
    return [tag["name"] for tag in run("tag", "list", tenant_id, "--json").records]


def reserved_names(table: Table) -> dict[str, str]:
    items = table.scan()["Items"]
    return {str(item["sk"]): str(item["tag_id"]) for item in items if str(item["sk"]).startswith("NAME#")}


def taken(name: str, holder_name: str, holder_id: str) -> tuple[int, str]:
    difference = "case, spaces and invisible characters make no difference. Choose another name."
    return 1, f"Error: {name!r} is the same name as that of tag {holder_name!r} ({holder_id}): {difference}\n"


def absent(tenant_id: str, tag_id: str) -> tuple[int, str]:
    advice = f"List its tags with `python -m admin tag list {tenant_id}`."
    return 1, f"Error: The tenant has no tag {tag_id!r}. {advice}\n"


def test_a_new_tag_is_listed(run: Run, tenant_id: str) -> None:
    options = "--description", "  Very important  ", "--colour", "#2E7D32"
    created = run("tag", "create", tenant_id, "  VIP  ", *options, "--json").records
    assert created == {
        "id": created["id"],
        "name": "VIP",
        "description": "Very important",
        "colour": "#2e7d32",
        "created_at": created["created_at"],
        "deleted_at": None,
    }
    assert re.fullmatch(r"c[a-z0-9]{24}", created["id"])
    assert run("tag", "list", tenant_id, "--json").records == [created]


def test_a_new_tag_can_be_assigned(run: Run, tenant_id: str) -> None:
    tag_id = create(run, tenant_id, "VIP")
    contacts = ContactRepository(tenant_id)
    contact, _ = contacts.upsert("4915112345678", None)
    assert contacts.assign_tag(contact.id, tag_id, Source.API, None).is_new is True


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("VIP", "VIP"),
        ("VIP", " vip "),
        ("straße", "STRASSE"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "CAFE\u0301"),
        ("VIP", "V\u200bI\u202eP"),
        ("VIP", "ＶＩＰ"),
    ],
)
def test_names_that_look_the_same_are_the_same_name(run: Run, tenant_id: str, name: str, again: str) -> None:
    tag_id = create(run, tenant_id, name)
    assert run("tag", "create", tenant_id, again).refusal == taken(clean("name", again, 50), name, tag_id)
    assert names(run, tenant_id) == [name]


def test_two_tenants_may_have_tags_of_one_name(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    create(run, tenant_id, "VIP")
    create(run, other_tenant_id, "VIP")
    assert names(run, tenant_id) == names(run, other_tenant_id) == ["VIP"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("",), "The tag's name must have 1 to 50 characters, but has 0."),
        (("x" * 51,), "The tag's name must have 1 to 50 characters, but has 51."),
        (("\u200b\u3164",), "The tag's name must have at least one visible character."),
        (
            ("\ufdfa" * 31,),
            "The tag's name is too long: some of its characters stand for many. Choose a shorter name.",
        ),
        (("a\0b",), "The tag's name must be one line of readable text, without control characters."),
        (("VIP", "--description", "x" * 501), "The description must have 1 to 500 characters, but has 501."),
        (("VIP", "--colour", "red"), "'red' is not a colour. Write it as #rrggbb, for example #2e7d32."),
        (("VIP", "--colour", "#12345"), "'#12345' is not a colour. Write it as #rrggbb, for example #2e7d32."),
    ],
)
def test_an_invalid_tag_is_refused(run: Run, tenant_id: str, arguments: tuple[str, ...], problem: str) -> None:
    assert run("tag", "create", tenant_id, *arguments).refusal == (2, f"Error: {problem}\n")
    assert names(run, tenant_id) == []


def test_the_longest_name_and_description_are_stored(run: Run, tenant_id: str) -> None:
    name, description = "👩" * 50, "x" * 500
    created = run("tag", "create", tenant_id, name, "--description", description, "--json").records
    assert (created["name"], created["description"]) == (name, description)


def test_an_unknown_tenant_is_refused(run: Run, table: Table) -> None:
    refusal = 1, f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n"
    assert run("tag", "create", NOBODY, "VIP").refusal == refusal
    assert run("tag", "list", NOBODY).refusal == refusal
    assert table.scan()["Items"] == []


def test_the_list_has_more_tags_than_one_query_returns(run: Run, tenant_id: str) -> None:
    wanted = [f"Tag {number:03}" for number in range(700)]  # with their descriptions more than 1 MB
    with TagItem.batch_write() as tags:
        for name in reversed(wanted):
            tag = TagItem(*TagItem.key(tenant_id, f"c{name[-3:]}0000000"), name=name, description="👩" * 500)
            tag.created_at = "2026-01-01T00:00:00.000Z"
            tags.save(tag)
    assert names(run, tenant_id) == wanted


def test_renaming_changes_only_the_name(run: Run, tenant_id: str, table: Table) -> None:
    created = run("tag", "create", tenant_id, "VIP", "--colour", "#2e7d32", "--json").records
    renamed = run("tag", "rename", tenant_id, created["id"], " Gold ", "--json").records
    assert renamed == created | {"name": "Gold"}
    assert run("tag", "list", tenant_id, "--json").records == [renamed]
    assert reserved_names(table) == {"NAME#gold": created["id"]}


def test_renaming_frees_the_old_name(run: Run, tenant_id: str) -> None:
    tag_id = create(run, tenant_id, "VIP")
    run("tag", "rename", tenant_id, tag_id, "Gold")
    create(run, tenant_id, "VIP")
    assert names(run, tenant_id) == ["Gold", "VIP"]


@pytest.mark.parametrize("name", ["vip", "VIP"])
def test_renaming_may_change_only_the_case_or_nothing(run: Run, tenant_id: str, table: Table, name: str) -> None:
    tag_id = create(run, tenant_id, "VIP")
    assert run("tag", "rename", tenant_id, tag_id, name, "--json").records["name"] == name
    assert names(run, tenant_id) == [name]
    assert reserved_names(table) == {"NAME#vip": tag_id}


def test_renaming_to_a_taken_name_changes_nothing(run: Run, tenant_id: str, table: Table) -> None:
    tag_id, other_id = create(run, tenant_id, "VIP"), create(run, tenant_id, "Gold")
    assert run("tag", "rename", tenant_id, tag_id, "GOLD").refusal == taken("GOLD", "Gold", other_id)
    assert names(run, tenant_id) == ["Gold", "VIP"]
    assert reserved_names(table) == {"NAME#gold": other_id, "NAME#vip": tag_id}


def test_a_tag_whose_name_was_freed_meanwhile_is_not_changed(run: Run, tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    table.delete_item(Key={"pk": f"{tenant_id}#TAGS", "sk": "NAME#vip"})
    assert run("tag", "rename", tenant_id, tag_id, "Gold").refusal == CHANGED
    assert run("tag", "delete", tenant_id, tag_id, "--yes").refusal == CHANGED
    assert names(run, tenant_id) == ["VIP"]


def test_only_live_tags_of_the_tenant_can_be_renamed(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    tag_id, deleted_id = create(run, tenant_id, "VIP"), create(run, tenant_id, "Gone")
    run("tag", "delete", tenant_id, deleted_id, "--wait-seconds", "0", "--yes")
    assert run("tag", "rename", other_tenant_id, tag_id, "Gold").refusal == absent(other_tenant_id, tag_id)
    for unknown in (deleted_id, NOBODY, "", "NAME#vip"):
        assert run("tag", "rename", tenant_id, unknown, "Gold").refusal == absent(tenant_id, unknown)
    assert names(run, tenant_id) == ["VIP"]


def holders(tenant_id: str, tag_id: str, phones: list[str]) -> list[ContactWithTags]:
    """New contacts that hold the tag and one other tag."""
    contacts = ContactRepository(tenant_id)
    other = TagItem(*TagItem.key(tenant_id, OTHER_TAG), name="Other", created_at="2026-01-01T00:00:00.000Z")
    other.save()
    ids = [contacts.upsert(phone, None)[0].id for phone in phones]
    for contact_id in ids:
        contacts.assign_tag(contact_id, tag_id, Source.MANUAL_ADMIN, "VIP")
        contacts.assign_tag(contact_id, OTHER_TAG, Source.API, None)
    return [contacts.get(contact_id) for contact_id in ids]


def test_a_deleted_tag_is_removed_from_every_contact_and_nothing_else_is(run: Run, tenant_id: str) -> None:
    tag = run("tag", "create", tenant_id, "VIP", "--json").records
    before = holders(tenant_id, tag["id"], [f"49151{number:08}" for number in range(60)])
    deleted = run("tag", "delete", tenant_id, tag["id"], "--wait-seconds", "0", "--json", "--yes").records
    assert deleted == tag | {"deleted_at": deleted["deleted_at"], "removed_from_contacts": 60}
    assert deleted["deleted_at"] > deleted["created_at"]
    contacts = ContactRepository(tenant_id)
    assert [contacts.get(each.id) for each in before] == [
        replace(each, tag_assignments=each.tag_assignments[1:]) for each in before
    ]


def test_a_deleted_tag_leaves_no_trace_in_a_contact(run: Run, tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    holders(tenant_id, tag_id, ["4915112345678"])
    run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes")
    item = table.get_item(Key={"pk": f"{tenant_id}#4915112345678", "sk": "CONTACT"})["Item"]
    assert tag_id not in str(item)
    assert item["changed_by"] == "MANUAL_ADMIN"


def test_deleting_frees_the_name_and_deleted_tags_can_be_listed(run: Run, tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes")
    assert reserved_names(table) == {}
    new_id = create(run, tenant_id, "vip")
    assert names(run, tenant_id) == ["vip"]
    shown = run("tag", "list", tenant_id, "--deleted", "--json").records
    assert [(tag["id"], tag["deleted_at"] is None) for tag in shown] == [(tag_id, False), (new_id, True)]


def test_deleting_again_finishes_an_interrupted_deletion(run: Run, tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    first = run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--json", "--yes").records
    assign_late(table, tenant_id, tag_id)
    second = run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--json", "--yes").records
    assert second == first | {"removed_from_contacts": 1}
    assert run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--json", "--yes").records == first


def test_the_search_finds_an_assignment_that_was_in_progress(run: Run, tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    late = threading.Timer(1, assign_late, (table, tenant_id, tag_id))
    late.start()
    deleted = run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "2", "--json", "--yes").records
    late.join()
    assert deleted["removed_from_contacts"] == 1


@pytest.mark.parametrize(("age", "pause"), [(0, 30), (12, 18), (3600, 0), (-3600, 30)])
def test_the_search_begins_30_s_after_the_deletion(
    run: Run, tenant_id: str, table: Table, monkeypatch: pytest.MonkeyPatch, age: int, pause: int
) -> None:
    """A batch sends no write later than 14 s after it has read the tags."""
    tag_id = create(run, tenant_id, "VIP")
    deleted_at = timestamps.to_text(datetime.now(UTC) - timedelta(seconds=age))
    table.update_item(
        Key={"pk": f"{tenant_id}#TAGS", "sk": tag_id},
        UpdateExpression="SET deleted_at = :deleted_at",
        ExpressionAttributeValues={":deleted_at": deleted_at},
    )
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        assign_late(table, tenant_id, tag_id)

    monkeypatch.setattr("admin.commands.tag.sleep", sleep)
    deleted = run("tag", "delete", tenant_id, tag_id, "--json", "--yes").records
    assert pauses == [pytest.approx(pause, abs=5)]
    assert deleted["removed_from_contacts"] == 1


def assign_late(table: Table, tenant_id: str, tag_id: str) -> None:
    """Does what an assignment does that read the tag before its deletion."""
    contact, _ = ContactRepository(tenant_id).upsert("4915112345678", None)
    table.update_item(
        Key={"pk": f"{tenant_id}#{contact.phone}", "sk": "CONTACT"},
        UpdateExpression="SET tags.#tag = :tag, tag_origins.#tag = :origin",
        ExpressionAttributeNames={"#tag": tag_id},
        ExpressionAttributeValues={":tag": {"source": "API"}, ":origin": {"created_at": "2026-01-01T00:00:00.000Z"}},
    )


def test_deleting_does_not_touch_other_tenants(run: Run, tenant_id: str, other_tenant_id: str, table: Table) -> None:
    tag_id = create(run, tenant_id, "VIP")
    TagItem(*TagItem.key(other_tenant_id, tag_id), name="Same id", created_at="2026-01-01T00:00:00.000Z").save()
    before = holders(other_tenant_id, tag_id, ["4915112345678"])
    deleted = run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--json", "--yes").records
    assert deleted["removed_from_contacts"] == 0
    assert [ContactRepository(other_tenant_id).get(before[0].id)] == before


def test_deleting_an_unknown_tag_is_refused(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    foreign = create(run, other_tenant_id, "VIP")
    for unknown in (foreign, NOBODY, "", "NAME#vip"):
        assert run("tag", "delete", tenant_id, unknown, "--yes").refusal == absent(tenant_id, unknown)
    assert names(run, other_tenant_id) == ["VIP"]

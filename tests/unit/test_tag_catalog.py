"""The tag catalog of a tenant, with the template's table in moto. tests/admin has its commands."""

from dataclasses import replace

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.domain.errors import TagNotFound
from contacts.domain.tag import CatalogTag
from contacts.storage.tags import TagCatalog, TagChanged, TagNameTaken

NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def catalog(table: Table) -> TagCatalog:
    return TagCatalog("ctenant0")


@pytest.fixture
def vip(catalog: TagCatalog) -> CatalogTag:
    return catalog.create("VIP", "Very important", "#2e7d32")


def reserved_names(table: Table) -> dict[str, str]:
    items = table.scan()["Items"]
    return {str(item["sk"]): str(item["tag_id"]) for item in items if str(item["sk"]).startswith("NAME#")}


def change(table: Table, tag: CatalogTag, **attributes: str) -> None:
    """Changes the item of the tag alone, as if another process were between two steps."""
    item = table.get_item(Key={"pk": "ctenant0#TAGS", "sk": tag.id})["Item"]
    table.put_item(Item=item | attributes)


def test_a_tag_is_created_with_its_name_reserved(catalog: TagCatalog, vip: CatalogTag, table: Table) -> None:
    assert (vip.name, vip.description, vip.colour, vip.deleted_at) == ("VIP", "Very important", "#2e7d32", None)
    assert catalog.all() == [vip]
    assert catalog.get(vip.id) == vip
    assert reserved_names(table) == {"NAME#vip": vip.id}


def test_tags_are_ordered_by_name_whatever_its_case(catalog: TagCatalog, vip: CatalogTag) -> None:
    others = [catalog.create(name, None, None) for name in ("zebra", "Alpha", "beta")]
    assert catalog.all() == [others[1], others[2], vip, others[0]]


@pytest.mark.parametrize("name", ["VIP", " v\u200bip", "ＶＩＰ"])
def test_a_tag_is_found_by_a_name_that_looks_the_same(catalog: TagCatalog, vip: CatalogTag, name: str) -> None:
    assert catalog.find(name) == vip


@pytest.mark.usefixtures("vip")
@pytest.mark.parametrize("name", ["Gold", "", "\u200b", "x" * 51, "\ufdfa" * 50, "\udcff", "NAME#vip"])
def test_nothing_is_found_under_another_name(catalog: TagCatalog, name: str) -> None:
    assert catalog.find(name) is None


@pytest.mark.usefixtures("vip")
def test_another_tenants_tag_is_not_found(vip: CatalogTag) -> None:
    other = TagCatalog("ctenant1")
    assert (other.find("VIP"), other.all()) == (None, [])
    with pytest.raises(TagNotFound):
        other.get(vip.id)


@pytest.mark.parametrize("changes", [{"deleted_at": NOW}, {"name": "Gold"}])
def test_a_tag_that_changes_between_the_two_reads_is_not_found(
    catalog: TagCatalog, vip: CatalogTag, table: Table, changes: dict[str, str]
) -> None:
    change(table, vip, **changes)
    assert catalog.find("VIP") is None


def test_a_name_is_not_reserved_twice(catalog: TagCatalog, vip: CatalogTag) -> None:
    gold = catalog.create("Gold", None, None)
    with pytest.raises(TagNameTaken) as taken:
        catalog.create("vip", None, None)
    assert taken.value.holder == vip
    with pytest.raises(TagNameTaken) as taken:
        catalog.rename(gold.id, "ｖｉｐ")
    assert taken.value.holder == vip
    assert catalog.all() == [gold, vip]


def test_a_name_that_is_freed_at_the_same_moment_is_a_conflict(
    catalog: TagCatalog, vip: CatalogTag, table: Table
) -> None:
    change(table, vip, deleted_at=NOW)
    with pytest.raises(TagChanged):
        catalog.create("VIP", None, None)


@pytest.mark.parametrize(("name", "key"), [("Gold", "NAME#gold"), ("vip", "NAME#vip"), ("VIP", "NAME#vip")])
def test_renaming_moves_the_reservation(
    catalog: TagCatalog, vip: CatalogTag, table: Table, name: str, key: str
) -> None:
    assert catalog.rename(vip.id, name) == replace(vip, name=name)
    assert catalog.all() == [replace(vip, name=name)]
    assert reserved_names(table) == {key: vip.id}


def test_deleting_frees_the_name_and_can_be_repeated(catalog: TagCatalog, vip: CatalogTag, table: Table) -> None:
    deleted = catalog.delete(vip.id)
    assert deleted.deleted_at is not None
    assert deleted == replace(vip, deleted_at=deleted.deleted_at)
    assert catalog.delete(vip.id) == deleted
    assert catalog.all() == [deleted]
    assert reserved_names(table) == {}
    with pytest.raises(TagNotFound):
        catalog.rename(vip.id, "Gold")


def test_a_tag_without_its_reservation_is_not_changed(catalog: TagCatalog, vip: CatalogTag, table: Table) -> None:
    table.delete_item(Key={"pk": "ctenant0#TAGS", "sk": "NAME#vip"})
    with pytest.raises(TagChanged):
        catalog.rename(vip.id, "Gold")
    with pytest.raises(TagChanged):
        catalog.delete(vip.id)
    assert catalog.all() == [vip]


@pytest.mark.parametrize("tag_id", ["c" + "0" * 24, "", "NAME#vip", "a#b"])
def test_an_unknown_tag_is_not_found(catalog: TagCatalog, vip: CatalogTag, tag_id: str) -> None:
    for operation in (catalog.get, catalog.delete, lambda unknown: catalog.rename(unknown, "Gold")):
        with pytest.raises(TagNotFound):
            operation(tag_id)
    assert catalog.all() == [vip]

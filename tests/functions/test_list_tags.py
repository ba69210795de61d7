"""GET /v1/tags as the handler does it."""

from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from contacts.storage.tags import TagCatalog
from tests.events import ACME, GLOBEX, Tenant
from tests.functions.conftest import Wire
from tests.handlers import call

pytestmark = pytest.mark.usefixtures("table")
FUNCTION = "list_tags"


def page(**query: str) -> dict[str, Any]:
    status, body = call(FUNCTION, ACME, query=query)
    assert status == 200
    assert list(body) == ["data", "nextCursor"]
    return dict(body)


def create(*names: str, tenant: Tenant = ACME) -> list[str]:
    return [TagCatalog(tenant.id).create(name, None, None).id for name in names]


def names(body: dict[str, Any]) -> list[str]:
    return [tag["name"] for tag in body["data"]]


def test_a_tag_is_shown_with_its_keys_in_the_order_of_the_contract() -> None:
    tag = TagCatalog(ACME.id).create("VIP", "Pays on time", "#2e7d32")
    (shown,) = page()["data"]
    assert list(shown.items()) == [
        ("id", tag.id),
        ("name", "VIP"),
        ("description", "Pays on time"),
        ("colour", "#2e7d32"),
        ("createdAt", tag.created_at),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_tags_are_listed_by_name_whatever_their_case(limit: int) -> None:
    create("beta", "Alpha", "Éclair", "10", "alpha 2", "ZULU")
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = page(limit=str(limit), **cursor)
        found += names(body)
        if body["nextCursor"] is None:
            break
        cursor = {"cursor": body["nextCursor"]}
    assert found == ["10", "Alpha", "alpha 2", "beta", "ZULU", "Éclair"]


@pytest.mark.parametrize("name", ["VIP", "vip", "ｖｉｐ", " Vip "])
def test_a_name_finds_its_tag_in_any_case(name: str) -> None:
    create("VIP", "VIP 2")
    assert names(page(name=name)) == ["VIP"]


@pytest.mark.parametrize("name", ["", "VI", "VIP2", "x" * 51, "x" * 10_000, "\ud800", "\0"])
def test_a_name_without_a_tag_is_an_empty_list(name: str) -> None:
    create("VIP")
    assert page(name=name) == {"data": [], "nextCursor": None}


def test_a_deleted_tag_is_not_shown() -> None:
    vip, _ = create("VIP", "Lead")
    TagCatalog(ACME.id).delete(vip)
    assert names(page()) == ["Lead"]
    assert names(page(name="VIP")) == []


def test_a_tag_that_is_deleted_while_its_page_is_read_is_not_shown(wire: Wire) -> None:
    vip, _ = create("VIP", "Lead")
    wire.interrupt("BatchGetItem", lambda: TagCatalog(ACME.id).delete(vip))
    assert names(page()) == ["Lead"]


def test_a_page_follows_a_cursor_whose_tag_was_deleted() -> None:
    first, *_ = create("a", "b", "c")
    TagCatalog(ACME.id).delete(first)
    assert names(page(cursor=first)) == ["b", "c"]


def test_another_tenants_cursor_shows_nothing_of_it() -> None:
    (theirs,) = create("m", tenant=GLOBEX)
    create("a", "z")
    assert names(page(cursor=theirs)) == ["a", "z"]
    assert names(page(cursor=new_id())) == ["a", "z"]


def test_a_page_costs_a_query_and_a_batch_and_a_name_two_reads(wire: Wire) -> None:
    create("a", "b")
    wire.requests.clear()
    cursor = page(limit="1")["nextCursor"]
    page(cursor=cursor)
    page(name="a")
    assert wire.operations == [
        *("Query", "BatchGetItem"),
        *("GetItem", "Query", "BatchGetItem"),
        *("GetItem", "GetItem"),
    ]
    assert all(body.get("ConsistentRead") for operation, body in wire.requests if operation != "BatchGetItem")

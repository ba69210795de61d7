"""GET /v1/contacts and GET /v1/tags. The tenants have contacts and tags of other tests."""

from typing import Any
from urllib.parse import quote

import pytest

from contacts.runtime.identifiers import new_id
from contacts.storage.tags import fold
from tests.refusals import invalid
from tests.system import Caller, Customer, new_phone

CONTACTS, TAGS = "/v1/contacts", "/v1/tags"
LISTS = [CONTACTS, TAGS]


def pages(api: Caller, path: str, limit: int = 100, cursor: str | None = None) -> list[list[dict[str, Any]]]:
    """Those after the cursor."""
    found = []
    while True:
        position = f"&cursor={cursor}" if cursor else ""
        status, page = api.call("GET", f"{path}?limit={limit}{position}")
        assert (status, list(page)) == (200, ["data", "nextCursor"])
        found.append(page["data"])
        cursor = page["nextCursor"]
        if cursor is None:
            return found


def list_all(api: Caller, path: str, **position: Any) -> list[dict[str, Any]]:
    return [each for page in pages(api, path, **position) for each in page]


def create(api: Caller, number: int) -> list[dict[str, Any]]:
    """In the order of their ids."""
    body = {"contacts": [{"phone": new_phone()} for _ in range(number)]}
    status, answer = api.call("POST", "/v1/contacts/batch", json_body=body)
    assert status == 200
    return sorted((each["contact"] for each in answer["results"]), key=lambda contact: str(contact["id"]))


def test_all_contacts_are_listed_once_in_the_order_of_their_ids(api: Caller) -> None:
    contacts = create(api, 12)
    listed = list_all(api, CONTACTS, limit=7)
    ids = [each["id"] for each in listed]
    assert ids == sorted(set(ids))
    assert [each for each in listed if each["id"] in {contact["id"] for contact in contacts}] == [
        contact | {"tagAssignments": []} for contact in contacts
    ]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_page_has_as_many_contacts_as_asked_for_until_the_last(api: Caller, limit: int) -> None:
    create(api, 6)
    before_last_five = list_all(api, CONTACTS)[-6]["id"]
    *full, last = pages(api, CONTACTS, limit, before_last_five)
    assert [len(page) for page in full] == [limit] * (5 // limit)
    assert len(last) == 5 % limit


@pytest.mark.parametrize("path", LISTS)
def test_the_limit_is_100_unless_another_is_given(api: Caller, path: str) -> None:
    if path == CONTACTS:
        for _ in range(4):
            create(api, 25)
    status, page = api.call("GET", path)
    assert (status, page) == api.call("GET", f"{path}?limit=100")
    assert path == TAGS or len(page["data"]) == 100


def test_a_contact_is_listed_as_a_read_by_id_shows_it(api: Caller, customer: Customer, contact: dict[str, Any]) -> None:
    path = f"/v1/contacts/{contact['id']}"
    for tag_id in customer.tag_ids[1], customer.tag_ids[0]:
        api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id, "reason": "asked"})
    _, read = api.call("GET", path)
    assert [each for each in list_all(api, CONTACTS) if each["id"] == contact["id"]] == [read]
    assert len(read["tagAssignments"]) == 2


def test_lists_see_every_write_before_them(api: Caller, customer: Customer, phone: str) -> None:
    def listed(contact: dict[str, Any]) -> list[dict[str, Any]]:
        """The page on which the contact has its place begins just before it."""
        before = contact["id"][:-1]
        _, page = api.call("GET", f"{CONTACTS}?cursor={before}&limit=1")
        return [each for each in page["data"] if each["phone"] == contact["phone"]]

    for tag_id in customer.tag_ids[:3]:  # repeated, because a stale read is a matter of chance
        _, contact = api.call("POST", CONTACTS, json_body={"phone": phone})
        assert listed(contact) == [contact | {"tagAssignments": []}]
        path = f"{CONTACTS}/{contact['id']}"
        _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id})
        assert listed(contact) == [contact | {"tagAssignments": [assignment]}]
        _, renamed = api.call("PATCH", path, json_body={"display_name": "Grace Hopper"})
        assert listed(contact) == [renamed | {"tagAssignments": [assignment]}]
        api.call("DELETE", path)
        assert listed(contact) == []


def test_a_page_begins_behind_its_cursor_even_if_that_contact_is_gone(api: Caller) -> None:
    contacts = create(api, 5)
    api.call("DELETE", f"{CONTACTS}/{contacts[1]['id']}")
    listed = [each["id"] for each in list_all(api, CONTACTS, cursor=contacts[1]["id"])]
    assert min(listed) > contacts[1]["id"]
    assert {each["id"] for each in contacts} & set(listed) == {each["id"] for each in contacts[2:]}


def test_another_tenants_cursor_is_only_a_place_in_the_own_list(api: Caller, other_customer: Customer) -> None:
    ours, theirs = create(api, 5), create(other_customer.full, 5)
    cursor = theirs[2]["id"]
    assert list_all(api, CONTACTS, cursor=cursor) == [each for each in list_all(api, CONTACTS) if each["id"] > cursor]
    assert {each["id"] for each in list_all(other_customer.full, CONTACTS)}.isdisjoint(each["id"] for each in ours)


def test_a_contact_is_listed_for_its_own_tenant_only(
    api: Caller, other_customer: Customer, contact: dict[str, Any]
) -> None:
    assert contact["id"] in {each["id"] for each in list_all(api, CONTACTS)}
    assert contact["phone"] not in {each["phone"] for each in list_all(other_customer.full, CONTACTS)}


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_all_tags_that_can_be_assigned_are_listed_by_name(api: Caller, customer: Customer, limit: int) -> None:
    listed = list_all(api, TAGS, limit=limit)
    assert {each["id"] for each in listed} == set(customer.tag_ids)
    names = [fold(each["name"]) for each in listed]
    assert names == sorted(set(names))
    assert {tuple(each) for each in listed} == {("id", "name", "description", "colour", "createdAt")}


def test_a_deleted_tag_is_not_listed(api: Caller, customer: Customer) -> None:
    assert customer.deleted_tag_id not in {each["id"] for each in list_all(api, TAGS)}


def test_a_name_finds_its_tag_whatever_its_case(api: Caller) -> None:
    for tag in list_all(api, TAGS)[:3]:
        for name in tag["name"], tag["name"].upper(), tag["name"].lower(), f" {tag['name']} ":
            assert api.call("GET", f"{TAGS}?name={quote(name)}") == (200, {"data": [tag], "nextCursor": None})


@pytest.mark.parametrize("name", ["", "no such tag", "x" * 51, "x" * 5_000, "%00", "%F0%9F%98%80"])
def test_a_name_without_a_tag_is_an_empty_list(api: Caller, name: str) -> None:
    assert api.call("GET", f"{TAGS}?name={quote(name, safe='%')}") == (200, {"data": [], "nextCursor": None})


def test_another_tenants_tag_is_not_found_by_its_cursor(api: Caller, other_customer: Customer) -> None:
    everything = list_all(api, TAGS)
    for foreign in other_customer.tag_ids[0], new_id():
        assert list_all(api, TAGS, cursor=foreign) == everything


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["", "0", "101", "-1", "1.0", "%2B1", "%201", "ten", "01", "%D9%A1"])
def test_a_malformed_limit_is_refused(api: Caller, path: str, limit: str) -> None:
    assert api.call("GET", f"{path}?limit={limit}") == invalid("limit", "limit must be a number from 1 to 100.")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor", ["", "c", "C1234567", "491512345678", "NAME%23vip", "c1234567%0A", "c" * 33, "%C3%A9"]
)
def test_a_malformed_cursor_is_refused(api: Caller, path: str, cursor: str) -> None:
    refusal = invalid("cursor", "cursor must be the nextCursor of an earlier page.")
    assert api.call("GET", f"{path}?cursor={cursor}") == refusal

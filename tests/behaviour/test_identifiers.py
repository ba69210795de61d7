"""Ids in a path that name no contact of the caller's, at every endpoint that takes an id."""

from typing import Any

import pytest

from tests.refusals import CONTACT_NOT_FOUND
from tests.system import NOBODYS_ID, Caller, Customer

BY_ID = pytest.mark.parametrize(
    ("method", "rest", "body", "answer"),
    [
        ("GET", "", None, CONTACT_NOT_FOUND),
        ("PATCH", "", {"display_name": "Eve"}, CONTACT_NOT_FOUND),
        ("PATCH", "", {}, CONTACT_NOT_FOUND),
        ("DELETE", "", None, CONTACT_NOT_FOUND),
        ("POST", "/tags", {"tag_id": "c1234567"}, CONTACT_NOT_FOUND),
        ("DELETE", "/tags/c1234567", None, (200, {"ok": True})),
    ],
)


@BY_ID
@pytest.mark.parametrize(
    "contact_id",
    [
        *(NOBODYS_ID, "c1234567", "x", "C1234567", "c" * 33, "c" * 4096, "1", "*", "'%20OR%201=1", "by-phone%00"),
        *("..%2F", "..%2F..%2Fcontacts%2Fby-phone", "%2F", "%23", "c1234567%23ID", "%2523", "%00", "%20", "%3F"),
        *("%FF", "%ED%A0%80", "%F0%9F%98%80", "%", "%zz", "c1234567%0A", "c1234567;a=b", "c1234567%5C", "TAGS", "KEYS"),
    ],
    ids=lambda contact_id: contact_id[:30],
)
def test_an_id_that_never_existed_is_not_found(
    api: Caller, method: str, rest: str, body: object, answer: tuple[int, Any], contact_id: str
) -> None:
    assert api.call(method, f"/v1/contacts/{contact_id}{rest}", json_body=body) == answer


@BY_ID
def test_the_id_of_something_else_is_not_found(
    api: Caller,
    customer: Customer,
    contact: dict[str, Any],
    method: str,
    rest: str,
    body: object,
    answer: tuple[int, Any],
) -> None:
    for other in customer.tenant_id, customer.tag_ids[0], contact["phone"]:
        assert api.call(method, f"/v1/contacts/{other}{rest}", json_body=body) == answer


@BY_ID
@pytest.mark.parametrize("is_created_again", [False, True])
def test_the_id_of_a_deleted_contact_is_not_found(
    api: Caller,
    contact: dict[str, Any],
    method: str,
    rest: str,
    body: object,
    answer: tuple[int, Any],
    is_created_again: bool,  # noqa: FBT001
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    api.call("GET", path)  # the functions' processes know the contact now
    api.call("PATCH", path, json_body={})
    api.call("DELETE", f"{path}/tags/c1234567")
    api.call("DELETE", path)
    if is_created_again:
        _, again = api.call("POST", "/v1/contacts", json_body={"phone": contact["phone"]})
    assert api.call(method, f"{path}{rest}", json_body=body) == answer
    if is_created_again:
        assert api.call("GET", f"/v1/contacts/{again['id']}") == (200, again | {"tagAssignments": []})

"""Contact ids in a path, whatever their shape and whosever they are."""

from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.conftest import forget
from tests.events import ACME, Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND

OK = (200, {"ok": True})

BY_ID = pytest.mark.parametrize(
    ("function", "request_", "answer"),
    [
        ("get_contact", {}, CONTACT_NOT_FOUND),
        ("update_contact", {"json_body": {"display_name": "Eve"}}, CONTACT_NOT_FOUND),
        ("update_contact", {"json_body": {}}, CONTACT_NOT_FOUND),
        ("delete_contact", {}, CONTACT_NOT_FOUND),
        ("assign_tag", {"json_body": {"tag_id": ACME.tag_ids[0]}}, CONTACT_NOT_FOUND),
        ("remove_tag", {"tagId": ACME.tag_ids[0]}, OK),
    ],
)


@BY_ID
@pytest.mark.parametrize(
    "contact_id",
    [
        *("", " ", "x", "c123456", "C1234567", "c1234567\n", "c123456é", "..", "../..", "..%2F", "#", "%23", "\0", "*"),
        *("by-phone", "NAME#vip", "TAGS", "KEYS", "c1234567#ID", "c" * 33, "c" * 4096, "😀" * 1024, "1 OR 1=1"),
    ],
)
def test_an_id_of_any_shape_is_not_found_without_a_request(
    no_database: None, function: str, request_: dict[str, Any], answer: tuple[int, Any], contact_id: str
) -> None:
    assert call(function, ACME, contactId=contact_id, **request_) == answer


@BY_ID
def test_an_id_that_never_was_is_not_found(
    acme: Tenant, function: str, request_: dict[str, Any], answer: tuple[int, Any]
) -> None:
    assert call(function, acme, contactId=new_id(), **request_) == answer


@BY_ID
def test_the_id_of_another_kind_of_item_is_not_found(
    acme: Tenant, function: str, request_: dict[str, Any], answer: tuple[int, Any]
) -> None:
    assert call(function, acme, contactId=acme.tag_ids[0], **request_) == answer
    assert call(function, acme, contactId=acme.id, **request_) == answer


@BY_ID
@pytest.mark.parametrize("is_remembered", [True, False])
def test_the_id_of_a_contact_that_was_deleted_and_created_again_is_not_found(
    acme: Tenant,
    contact: dict[str, Any],
    function: str,
    request_: dict[str, Any],
    answer: tuple[int, Any],
    is_remembered: bool,  # noqa: FBT001
) -> None:
    if is_remembered:
        call("get_contact", acme, contactId=contact["id"])
    call("delete_contact", acme, contactId=contact["id"])
    if not is_remembered:
        forget()  # as in another process
    _, again = call("upsert_contact", acme, json_body={"phone": contact["phone"], "display_name": "Grace"})
    assert call(function, acme, contactId=contact["id"], **request_) == answer
    assert call("get_contact", acme, contactId=again["id"]) == (200, again | {"tagAssignments": []})

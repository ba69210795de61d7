"""Ids in a path: malformed ones cost no request to DynamoDB, and a process may remember a deleted contact."""

from typing import Any

import pytest

from contacts.storage import contacts
from tests.conftest import forget
from tests.events import ACME, Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND, TAG_NOT_FOUND

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
def test_a_malformed_contact_id_is_not_found_without_a_request(
    no_database: None, function: str, request_: dict[str, Any], answer: tuple[int, Any], contact_id: str
) -> None:
    assert call(function, ACME, contactId=contact_id, **request_) == answer


@pytest.mark.parametrize("tag_id", ["vip", "", "C1234567", "#", "NAME#vip", "..", "x" * 4096, "c1234567\n"])
def test_a_malformed_tag_id_is_removed_already_without_a_request(no_database: None, tag_id: str) -> None:
    assert call("remove_tag", ACME, contactId="c1234567", tagId=tag_id) == OK


@BY_ID
def test_a_process_that_forgot_a_contact_does_not_find_the_one_that_replaced_it(
    acme: Tenant, contact: dict[str, Any], function: str, request_: dict[str, Any], answer: tuple[int, Any]
) -> None:
    call("delete_contact", acme, contactId=contact["id"])
    forget()
    _, again = call("upsert_contact", acme, json_body={"phone": contact["phone"], "display_name": "Grace"})
    assert call(function, acme, contactId=contact["id"], **request_) == answer
    assert call("get_contact", acme, contactId=again["id"]) == (200, again | {"tagAssignments": []})


@pytest.mark.parametrize("tag_id", ["cnosuchtag", ACME.deleted_tag_id])
def test_a_process_that_remembers_a_deleted_contact_reports_it_before_an_unknown_tag(
    acme: Tenant, contact: dict[str, Any], tag_id: str
) -> None:
    request = {"contactId": contact["id"], "json_body": {"tag_id": tag_id}}
    assert call("assign_tag", acme, **request) == TAG_NOT_FOUND
    call("delete_contact", acme, contactId=contact["id"])
    assert contact["id"] in {sk for _, sk in contacts._known_phones}
    assert call("assign_tag", acme, **request) == CONTACT_NOT_FOUND

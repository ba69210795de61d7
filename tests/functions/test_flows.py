"""The requests to DynamoDB that each call sends, in sequence."""

import json
import re
from itertools import repeat
from typing import Any

import boto3
import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.runtime.identifiers import new_id
from contacts.storage import contacts
from contacts.storage.items import ContactPointer
from tests.conftest import forget
from tests.events import ACME, Tenant
from tests.faults import refuse
from tests.functions.conftest import Wire, assign_tags
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND, TAG_LIMIT_REACHED, UNAVAILABLE

NAME = {"json_body": {"display_name": "Grace"}}
TAG = {"json_body": {"tag_id": ACME.tag_ids[0]}}


@pytest.mark.parametrize(
    ("function", "request_", "first_time", "pointer_known"),
    [
        ("get_contact", {}, ["GetItem", "GetItem"], ["GetItem"]),
        ("update_contact", NAME, ["GetItem", "UpdateItem"], ["UpdateItem"]),
        ("update_contact", {"json_body": {}}, ["GetItem", "GetItem"], ["GetItem"]),
        ("delete_contact", {}, ["GetItem", "TransactWriteItems"], ["TransactWriteItems"]),
        (
            "assign_tag",
            {"json_body": {"tag_id": ACME.tag_ids[0]}},
            ["BatchGetItem", "UpdateItem"],
            ["BatchGetItem", "UpdateItem"],
        ),
        ("remove_tag", {"tagId": "c1234567"}, ["GetItem", "UpdateItem"], ["UpdateItem"]),
    ],
)
def test_a_process_reads_the_pointer_of_an_id_once(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    function: str,
    request_: dict[str, Any],
    first_time: list[str],
    pointer_known: list[str],
) -> None:
    assert call(function, acme, contactId=contact["id"], **request_)[0] < 300
    assert wire.operations == first_time

    forget()
    _, other = call("upsert_contact", acme, json_body={"phone": "99999"})
    call("get_contact", acme, contactId=other["id"])
    wire.requests.clear()
    assert call(function, acme, contactId=other["id"], **request_)[0] < 300
    assert wire.operations == pointer_known


@pytest.mark.parametrize(
    ("function", "request_", "operations"),
    [
        ("get_contact", {}, ["GetItem"]),
        ("update_contact", NAME, ["GetItem"]),
        ("delete_contact", {}, ["GetItem"]),
        ("assign_tag", {"json_body": {"tag_id": "c1234567"}}, ["BatchGetItem"]),
        ("remove_tag", {"tagId": "c1234567"}, ["GetItem"]),
        ("remove_tag", {"tagId": "vip"}, []),
    ],
)
def test_an_unknown_id_costs_one_read(
    acme: Tenant, wire: Wire, function: str, request_: dict[str, Any], operations: list[str]
) -> None:
    call(function, acme, contactId=new_id(), **request_)
    assert wire.operations == operations


@pytest.mark.parametrize(
    ("function", "requests"),
    [
        (
            "get_contact_by_phone",
            [{"query": {"phone": "491512345678"}}, {"query": {"phone": "5511987654321", "match": "alias"}}],
        ),
        ("get_contact", [{"contactId": "the contact"}]),
        ("list_contacts", [{}]),
        ("list_tags", [{}, {"query": {"name": ACME.tag_ids[0]}}]),
        ("upsert_contacts", [{"json_body": {"contacts": [{"phone": "99999", "tags": [{"tag_id": ACME.tag_ids[0]}]}]}}]),
        ("upsert_contact", [{"json_body": {"phone": "491512345678"}}, {"json_body": {"phone": "99999"}}]),
        ("update_contact", [{"contactId": "the contact", **NAME}, {"contactId": "the contact", "json_body": {}}]),
        ("delete_contact", [{"contactId": "the contact"}]),
        ("assign_tag", [{"contactId": "the contact", **TAG}]),
        ("remove_tag", [{"contactId": "the contact", "tagId": ACME.tag_ids[0]}]),
    ],
)
def test_the_role_of_a_function_allows_exactly_its_requests(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    resources: dict[str, Any],
    function: str,
    requests: list[dict[str, Any]],
) -> None:
    for request in requests:
        call(function, acme, **request | ({"contactId": contact["id"]} if "contactId" in request else {}))
    [statement] = resources[function.title().replace("_", "")]["Properties"]["Policies"][-1]["Statement"]
    assert set(statement["Action"]) == wire.actions


def test_a_contact_is_read_by_phone_with_one_request(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    assert call("get_contact_by_phone", acme, query={"phone": contact["phone"]})[0] == 200
    assert call("get_contact_by_phone", acme, query={"phone": "99999"})[0] == 404
    assert wire.operations == ["GetItem", "GetItem"]


def test_an_existing_contact_is_refreshed_with_one_write(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    assert call("upsert_contact", acme, json_body={"phone": contact["phone"]})[0] == 200
    assert wire.operations == ["UpdateItem"]


def test_a_new_contact_and_its_pointer_are_created_in_one_transaction(acme: Tenant, wire: Wire, table: Table) -> None:
    _, contact = call("upsert_contact", acme, json_body={"phone": "12345"})
    assert wire.operations == ["UpdateItem", "TransactWriteItems"]
    transaction = wire.requests[1][1]
    item, pointer = (each["Put"] for each in transaction["TransactItems"])
    assert (item["Item"]["pk"]["S"], item["Item"]["sk"]["S"]) == (f"{acme.id}#12345", "CONTACT")
    pk, sk = ContactPointer.key(acme.id, contact["id"])
    assert pointer["Item"] == {"pk": {"S": pk}, "sk": {"S": sk}, "phone": {"S": "12345"}}
    assert table.get_item(Key={"pk": f"{acme.id}#12345", "sk": "CONTACT"})["Item"] == {
        "pk": f"{acme.id}#12345",
        "sk": "CONTACT",
        "id": contact["id"],
        "first_seen_at": contact["createdAt"],
        "last_seen_at": contact["createdAt"],
        "created_at": contact["createdAt"],
        "updated_at": contact["createdAt"],
        "changed_by": "API",
        "tags": {},
        "tag_origins": {},
    }


def test_a_caller_who_loses_the_race_to_create_refreshes_the_winners_contact(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    wire.fail(
        "UpdateItem", [refuse("ConditionalCheckFailedException")]
    )  # as if another caller created it right after this
    status, again = call("upsert_contact", acme, json_body={"phone": contact["phone"]})
    assert (status, again["id"]) == (200, contact["id"])
    assert wire.operations == ["UpdateItem", "TransactWriteItems", "UpdateItem"]


def test_a_caller_who_loses_every_race_gets_a_503(acme: Tenant, wire: Wire) -> None:
    wire.fail("UpdateItem", repeat(refuse("ConditionalCheckFailedException")))
    lost = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
    wire.fail("TransactWriteItems", repeat(refuse("TransactionCanceledException", CancellationReasons=lost)))
    assert call("upsert_contact", acme, json_body={"phone": "12345"}) == UNAVAILABLE
    assert 10 < len(wire.operations) < 100  # with pauses between the attempts


def test_the_reads_of_a_request_are_strongly_consistent(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    call("get_contact", acme, contactId=contact["id"])
    call("get_contact_by_phone", acme, query={"phone": contact["phone"]})
    call("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})
    reads = [request for operation, request in wire.requests if operation != "UpdateItem"]
    assert [
        each.get("ConsistentRead") or each["RequestItems"]["contacts-local"]["ConsistentRead"] for each in reads
    ] == [True] * 4


def test_pointer_and_tag_are_read_together_until_the_pointer_is_known(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    assignment = {"contactId": contact["id"], "json_body": {"tag_id": acme.tag_ids[0]}}
    call("assign_tag", acme, **assignment)
    call("assign_tag", acme, **assignment)
    pk, sk = ContactPointer.key(acme.id, contact["id"])
    pointer = {"pk": {"S": pk}, "sk": {"S": sk}}
    tag = {"pk": {"S": f"{acme.id}#TAGS"}, "sk": {"S": acme.tag_ids[0]}}
    batches = [request for operation, request in wire.requests if operation == "BatchGetItem"]
    assert [each["RequestItems"]["contacts-local"]["Keys"] for each in batches] == [[pointer, tag], [tag]]


def test_the_cap_costs_no_request(acme: Tenant, contact: dict[str, Any], wire: Wire) -> None:
    assign_tags(acme, contact, acme.tag_ids[:20])
    wire.requests.clear()
    body = {"tag_id": acme.tag_ids[20]}
    assert call("assign_tag", acme, contactId=contact["id"], json_body=body) == TAG_LIMIT_REACHED
    assert wire.operations == ["BatchGetItem", "UpdateItem"]


@pytest.mark.parametrize(
    ("function", "request_", "operation", "answer"),
    [
        ("get_contact", {}, "GetItem", CONTACT_NOT_FOUND),
        ("update_contact", NAME, "UpdateItem", CONTACT_NOT_FOUND),
        ("delete_contact", {}, "TransactWriteItems", CONTACT_NOT_FOUND),
        ("assign_tag", TAG, "UpdateItem", CONTACT_NOT_FOUND),
        ("remove_tag", {"tagId": "c1234567"}, "UpdateItem", (200, {"ok": True})),
    ],
)
def test_a_contact_that_is_deleted_between_two_requests_is_not_created_again(
    acme: Tenant,
    contact: dict[str, Any],
    wire: Wire,
    table: Table,
    function: str,
    request_: dict[str, Any],
    operation: str,
    answer: tuple[int, Any],
) -> None:
    key = {"pk": f"{acme.id}#{contact['phone']}", "sk": "CONTACT"}
    wire.interrupt(operation, lambda: table.delete_item(Key=key))
    assert call(function, acme, contactId=contact["id"], **request_) == answer
    assert "Item" not in table.get_item(Key=key)


def test_only_one_of_two_assignments_within_a_millisecond_is_new(
    acme: Tenant, contact: dict[str, Any], wire: Wire
) -> None:
    def assign_too() -> None:
        _, request = wire.requests[-1]
        twin = re.sub(r'(?<="written_by": {"S": ")[^"]+', "another call", json.dumps(request))
        boto3.client("dynamodb").update_item(**json.loads(twin))

    wire.interrupt("UpdateItem", assign_too)
    assert call("assign_tag", acme, contactId=contact["id"], **TAG)[0] == 200


def test_a_process_forgets_pointers_before_it_runs_out_of_memory(acme: Tenant, contact: dict[str, Any]) -> None:
    contacts._known_phones.update({("pk", str(number)): "12345" for number in range(10_000)})
    assert call("get_contact", acme, contactId=contact["id"])[0] == 200
    assert contacts._known_phones == {ContactPointer.key(acme.id, contact["id"]): contact["phone"]}

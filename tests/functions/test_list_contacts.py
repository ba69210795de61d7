"""GET /v1/contacts as the handler does it; tests/behaviour has what callers see."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.runtime.identifiers import new_id
from contacts.storage.items import ContactItem, ContactPointer
from contacts.storage.table import Table as Storage
from contacts.web.pages import MOST_BYTES, page_response, size_of
from contacts.web.response import to_json
from tests.events import ACME, Tenant, build_event
from tests.faults import Reply
from tests.functions.conftest import Wire
from tests.handlers import call, invoke
from tests.refusals import invalid

FUNCTION = "list_contacts"


def create(tenant: Tenant, number: int) -> list[dict[str, Any]]:
    """Contacts in the order of their ids."""
    items = [{"phone": f"49151{place:06}"} for place in range(number)]
    status, body = call("upsert_contacts", tenant, json_body={"contacts": items})
    assert status == 200
    return sorted((each["contact"] for each in body["results"]), key=lambda contact: str(contact["id"]))


def page(tenant: Tenant, **query: str) -> dict[str, Any]:
    status, body = call(FUNCTION, tenant, query=query)
    assert status == 200
    assert list(body) == ["data", "nextCursor"]
    return dict(body)


def pages(tenant: Tenant, **query: str) -> list[list[dict[str, Any]]]:
    """All pages, the first one without a cursor."""
    found = []
    cursor: dict[str, str] = {}
    while True:
        body = page(tenant, **query, **cursor)
        found.append(body["data"])
        if body["nextCursor"] is None:
            return found
        cursor = {"cursor": body["nextCursor"]}


@pytest.mark.parametrize("limit", [1, 4, 9, 10, 100])
def test_every_contact_is_on_one_page_in_the_order_of_the_ids(acme: Tenant, limit: int) -> None:
    contacts = create(acme, 9)
    listed = pages(acme, limit=str(limit))
    assert [contact for each in listed for contact in each] == [each | {"tagAssignments": []} for each in contacts]
    assert all(len(each) == limit for each in listed[:-1])


def test_a_tenant_without_contacts_has_one_empty_page(acme: Tenant, wire: Wire) -> None:
    assert page(acme) == {"data": [], "nextCursor": None}
    assert wire.operations == ["Query"] * 12


def test_a_full_page_costs_no_more_queries_than_it_needs(acme: Tenant, wire: Wire) -> None:
    contacts = create(acme, 40)
    wire.requests.clear()
    body = page(acme, limit="5")
    queries = ContactPointer.shard_of(contacts[4]["id"]) + 1
    assert wire.operations[-1] == "BatchGetItem"
    assert wire.operations.count("Query") >= queries
    assert {request["ConsistentRead"] for operation, request in wire.requests if operation == "Query"} == {True}
    assert wire.requests[-1][1]["RequestItems"]["contacts-local"]["ConsistentRead"] is True
    assert body["nextCursor"] == contacts[4]["id"]


def test_a_contact_that_is_deleted_while_its_page_is_read_is_not_on_it(acme: Tenant, wire: Wire) -> None:
    first, second = create(acme, 2)
    wire.interrupt("BatchGetItem", lambda: call("delete_contact", acme, contactId=first["id"]))
    assert [each["id"] for each in page(acme)["data"]] == [second["id"]]


def test_a_phone_that_is_deleted_and_created_again_meanwhile_is_not_shown_under_its_old_id(
    acme: Tenant, wire: Wire
) -> None:
    (contact,) = create(acme, 1)

    def create_again() -> None:
        call("delete_contact", acme, contactId=contact["id"])
        call("upsert_contact", acme, json_body={"phone": contact["phone"]})

    wire.interrupt("BatchGetItem", create_again)
    assert page(acme) == {"data": [], "nextCursor": None}


def test_two_pointers_to_one_phone_are_one_key_of_the_batch(acme: Tenant, wire: Wire) -> None:
    """As when a contact is deleted and created again between two Queries. DynamoDB refuses duplicate keys."""
    (contact,) = create(acme, 1)
    ContactPointer(*ContactPointer.key(acme.id, new_id()), phone=contact["phone"]).save()
    wire.requests.clear()
    assert [each["id"] for each in page(acme)["data"]] == [contact["id"]]
    assert len(wire.requests[-1][1]["RequestItems"]["contacts-local"]["Keys"]) == 1


def fill(table: Table, number: int) -> None:
    """Contacts with 20 tags whose reasons grow most when they are escaped twice."""
    moment = "2026-01-01T00:00:00.000Z"
    tag = {"source": "API", "weight": 4, "updated_at": moment, "reason": "\x01" * 500}
    origin = {"created_at": moment, "written_by": "test"}
    times = dict.fromkeys(["first_seen_at", "last_seen_at", "created_at", "updated_at"], moment)
    tags = {"tags": dict.fromkeys(ACME.tag_ids[:20], tag), "tag_origins": dict.fromkeys(ACME.tag_ids[:20], origin)}
    with table.batch_writer() as batch:
        for place in range(number):
            contact_id, phone = f"c{place:024}", f"49151{place:06}"
            pk, sk = ContactItem.key(ACME.id, phone)
            batch.put_item(Item={"pk": pk, "sk": sk, "id": contact_id, "display_name": "\x01" * 128} | times | tags)
            pk, sk = ContactPointer.key(ACME.id, contact_id)
            batch.put_item(Item={"pk": pk, "sk": sk, "phone": phone})


def test_a_page_ends_before_the_answer_is_too_large_for_lambda(acme: Tenant, table: Table) -> None:
    fill(table, 100)
    answer = invoke(FUNCTION, build_event(FUNCTION, acme))
    assert 5_000_000 < len(json.dumps(answer, ensure_ascii=False).encode()) < 5_500_000
    first = json.loads(answer["body"])
    last = page(acme, cursor=first["nextCursor"])
    assert (len(first["data"]), len(last["data"]), last["nextCursor"]) == (72, 28, None)
    assert [each["id"] for each in first["data"] + last["data"]] == [f"c{place:024}" for place in range(100)]


@dataclass
class Item:
    id: str
    text: str


def test_the_largest_page_is_below_5_5_mb_with_all_that_is_not_its_items() -> None:
    item = Item("c0", "x" * (MOST_BYTES - size_of(to_json(Item("c0", "")))))
    response = page_response([item], "c" * 32)
    assert json.loads(response.body)["data"] == [asdict(item)]
    headers = {"Content-Type": "application/json", "X-Request-Id": 128 * '"'}
    answer = {"statusCode": response.status, "headers": headers, "body": response.body}
    assert 5_485_000 < len(json.dumps(answer)) < 5_500_000


def test_keys_that_dynamodb_leaves_unprocessed_are_read_again(acme: Tenant, wire: Wire) -> None:
    contacts = create(acme, 3)
    keys = [{"pk": {"S": f"{acme.id}#{each['phone']}"}, "sk": {"S": "CONTACT"}} for each in contacts]
    nothing = {"Responses": {"contacts-local": []}, "UnprocessedKeys": {"contacts-local": {"Keys": keys}}}
    wire.requests.clear()
    wire.fail("BatchGetItem", [Reply(200, json.dumps(nothing).encode())] * 2)
    assert [each["id"] for each in page(acme)["data"]] == [each["id"] for each in contacts]
    assert wire.operations.count("BatchGetItem") == 3


def test_a_page_ends_early_when_only_the_time_to_read_its_contacts_is_left(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = create(acme, 30)
    monkeypatch.setattr(Storage, "seconds_left", lambda _: 5.9)
    assert page(acme) == {"data": [], "nextCursor": "c0"}
    monkeypatch.undo()
    assert [each["id"] for each in page(acme, cursor="c0")["data"]] == [each["id"] for each in contacts]


@pytest.mark.parametrize("limit", ["", "0", "101", "1000", "-1", "+1", "1.0", "1e1", " 1", "١", "ten", "01"])
def test_a_limit_that_is_not_1_to_100_is_refused(acme: Tenant, wire: Wire, limit: str) -> None:
    refusal = invalid("limit", "limit must be a number from 1 to 100.")
    assert call(FUNCTION, acme, query={"limit": limit}) == refusal
    assert wire.operations == []


@pytest.mark.parametrize(
    "cursor", ["", "c", "x", "C0", "c0#", "c0\n", "cé", "c" * 33, "c" * 10_000, "491512345678", "NAME#vip", "c0 "]
)
def test_a_cursor_that_is_not_a_place_is_refused(acme: Tenant, wire: Wire, cursor: str) -> None:
    refusal = invalid("cursor", "cursor must be the nextCursor of an earlier page.")
    assert call(FUNCTION, acme, query={"cursor": cursor}) == refusal
    assert wire.operations == []

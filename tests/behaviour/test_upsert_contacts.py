"""POST /v1/contacts/batch"""

import time
import uuid
from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.refusals import (
    CONTACT_NOT_FOUND,
    NO_DIGITS,
    TAG_LIMIT_REACHED,
    TAG_NOT_FOUND,
    WRONG_LENGTH,
    Refusal,
    invalid,
    refused_item,
)
from tests.system import Caller, Customer, new_phone

BATCH = "/v1/contacts/batch"
OBJECT = "Input should be a JSON object."
STRING = "Input should be a valid string."


def upsert(api: Caller, *contacts: object, **headers: str) -> tuple[int, list[dict[str, Any]]]:
    status, body = api.call("POST", BATCH, json_body={"contacts": contacts}, headers=headers)
    assert list(body) == ["results"]
    return status, body["results"]


def item(phone: str, *tag_ids: str, **fields: object) -> dict[str, Any]:
    return {"phone": phone, "tags": [{"tag_id": tag_id} for tag_id in tag_ids], **fields}


def find(api: Caller, phone: str) -> tuple[int, Any]:
    return api.call("GET", f"/v1/contacts/by-phone?phone={phone}")


def held(api: Caller, phone: str) -> list[tuple[str, str | None]]:
    """Tag ids and reasons, oldest assignment first."""
    status, contact = find(api, phone)
    assert status == 200
    return [(each["tagId"], each["reason"]) for each in contact["tagAssignments"]]


def test_new_and_existing_contacts_are_answered_in_the_order_of_the_request(
    api: Caller, contact: dict[str, Any]
) -> None:
    first, last = new_phone(), new_phone()
    status, results = upsert(api, {"phone": first}, {"phone": contact["phone"]}, {"phone": last})
    assert (status, [each["status"] for each in results]) == (200, [201, 200, 201])
    assert [each["contact"]["phone"] for each in results] == [first, contact["phone"], last]
    assert results[1]["contact"]["id"] == contact["id"]
    for result in results:
        assert list(result) == ["status", "contact"]
        assert find(api, result["contact"]["phone"]) == (200, result["contact"] | {"tagAssignments": []})


def test_a_new_contact_is_what_a_single_call_would_have_made(api: Caller, customer: Customer, phone: str) -> None:
    _, [result] = upsert(api, {"phone": f"+{phone}", "display_name": " Ada Lovelace "})
    created_at = result["contact"]["createdAt"]
    assert list(result["contact"].items()) == [
        ("id", result["contact"]["id"]),
        ("tenantId", customer.tenant_id),
        ("phone", phone),
        ("displayName", "Ada Lovelace"),
        ("firstSeenAt", created_at),
        ("lastSeenAt", created_at),
        ("createdAt", created_at),
        ("updatedAt", created_at),
    ]


def test_an_existing_contact_is_refreshed(api: Caller, contact: dict[str, Any]) -> None:
    time.sleep(0.002)  # times have milliseconds
    _, [result] = upsert(api, {"phone": contact["phone"], "display_name": "Grace Hopper"})
    seen_at = result["contact"]["lastSeenAt"]
    assert seen_at > contact["lastSeenAt"]
    assert result["contact"] == contact | {"displayName": "Grace Hopper", "lastSeenAt": seen_at, "updatedAt": seen_at}


@pytest.mark.parametrize("name", [{}, {"display_name": None}, {"display_name": " \t"}])
def test_only_another_name_replaces_a_name(api: Caller, contact: dict[str, Any], name: dict[str, Any]) -> None:
    _, [result] = upsert(api, {"phone": contact["phone"]} | name)
    assert result["contact"]["displayName"] == "Ada Lovelace"


def test_a_hundred_contacts_are_taken(api: Caller) -> None:
    phones = [new_phone() for _ in range(10)] * 10
    status, results = upsert(api, *({"phone": phone} for phone in phones))
    assert (status, [each["status"] for each in results]) == (200, [201] * 10 + [200] * 90)
    assert [each["contact"]["phone"] for each in results] == phones


def test_tags_are_assigned_to_new_and_existing_contacts(
    api: Caller, customer: Customer, contact: dict[str, Any]
) -> None:
    phone = new_phone()
    first, second = sorted(customer.tag_ids[:2])  # of one moment, so in the order of their ids
    tags = [{"tag_id": first, "reason": "asked"}, {"tag_id": second}]
    status, results = upsert(api, {"phone": phone, "tags": tags}, {"phone": contact["phone"], "tags": tags})
    assert (status, [each["status"] for each in results]) == (200, [201, 200])
    for result in results:
        _, read = find(api, result["contact"]["phone"])
        moment = result["contact"]["updatedAt"]
        common = {"contactId": result["contact"]["id"], "source": "API", "createdAt": moment, "updatedAt": moment}
        assert read == result["contact"] | {
            "tagAssignments": [
                common | {"tagId": first, "reason": "asked"},
                common | {"tagId": second, "reason": None},
            ]
        }


def test_tags_that_are_assigned_again_keep_only_their_creation_time_and_others_stay(
    api: Caller, customer: Customer, phone: str
) -> None:
    kept, again = sorted(customer.tag_ids[:2])  # of one moment, so in the order of their ids
    upsert(api, {"phone": phone, "tags": [{"tag_id": kept, "reason": "kept"}, {"tag_id": again, "reason": "old"}]})
    before = find(api, phone)[1]["tagAssignments"]
    time.sleep(0.002)  # times have milliseconds
    _, [result] = upsert(api, {"phone": phone, "tags": [{"tag_id": again, "reason": "new"}]})
    moment = result["contact"]["updatedAt"]
    assert find(api, phone)[1]["tagAssignments"] == [before[0], before[1] | {"reason": "new", "updatedAt": moment}]


def test_20_tags_fit_and_a_contact_that_would_hold_more_is_left_as_it_was(
    api: Caller, customer: Customer, phone: str
) -> None:
    *twenty, one_too_many = customer.tag_ids[:21]
    assert upsert(api, item(phone, *twenty))[1][0]["status"] == 201
    before = find(api, phone)
    status, results = upsert(api, item(phone, twenty[0], one_too_many, display_name="Grace Hopper"))
    assert (status, results) == (207, [refused_item(TAG_LIMIT_REACHED)])
    assert find(api, phone) == before
    assert upsert(api, item(phone, *twenty))[0] == 200  # the same tags count once


def test_a_contact_with_an_unknown_tag_is_not_created(
    api: Caller, customer: Customer, other_customer: Customer, phone: str
) -> None:
    known = customer.tag_ids[0]
    for unknown in new_id(), customer.deleted_tag_id, other_customer.tag_ids[0]:
        status, results = upsert(api, item(phone, known, unknown))
        assert (status, results) == (207, [refused_item(TAG_NOT_FOUND, field="tags[1].tag_id")])
        assert find(api, phone) == CONTACT_NOT_FOUND


def test_an_existing_contact_with_an_unknown_tag_is_left_as_it_was(
    api: Caller, customer: Customer, contact: dict[str, Any]
) -> None:
    upsert(api, item(contact["phone"], new_id(), customer.tag_ids[0], display_name="Grace Hopper"))
    assert find(api, contact["phone"]) == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"phone": "1234"}, WRONG_LENGTH),
        ({"phone": "call me"}, NO_DIGITS),
        ({"phone": 491512345678}, invalid("phone", f"phone: {STRING}")),
        ({"display_name": 1}, invalid("display_name", f"display_name: {STRING}")),
        ({"tags": {}}, invalid("tags", "tags: Input should be a valid list.")),
        ({"tags": None}, invalid("tags", "tags: Input should be a valid list.")),
        ({"tags": [1]}, invalid("tags[0]", f"tags[0]: {OBJECT}")),
        ({"tags": [{}]}, invalid("tags[0].tag_id", "tags[0].tag_id: Field required.")),
        (
            {"tags": [{"tag_id": "c1234567"}, {"tag_id": "vip"}]},
            invalid("tags[1].tag_id", "tags[1].tag_id: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ),
        (
            {"tags": [{"tag_id": "c1234567", "reason": "x" * 501}]},
            invalid("tags[0].reason", "tags[0].reason: String should have at most 500 characters."),
        ),
        (
            {"tags": [{"tag_id": "c1234567"}, {"tag_id": "c7654321"}, {"tag_id": "c1234567"}]},
            invalid("tags[2].tag_id", "tags[2].tag_id names a tag that is already in the list."),
        ),
        (
            {"tags": [{"tag_id": f"c12345{number:02}"} for number in range(21)]},
            invalid("tags", "tags: Input should have at most 20 entries."),
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_item_names_its_field_and_the_others_are_done(
    api: Caller, phone: str, fields: dict[str, Any], refusal: Refusal
) -> None:
    other = new_phone()
    status, results = upsert(api, {"phone": phone} | fields, {"phone": other})
    assert (status, results[0], results[1]["status"]) == (207, refused_item(refusal), 201)
    assert find(api, phone) == CONTACT_NOT_FOUND
    assert find(api, other)[0] == 200


def test_a_phone_is_required(api: Caller) -> None:
    assert upsert(api, {}) == (207, [refused_item(invalid("phone", "phone: Field required."))])


@pytest.mark.parametrize("wrong", [None, 1, "x", [], [{"phone": "491512345678"}]])
def test_an_item_that_is_no_object_is_refused_alone(api: Caller, phone: str, wrong: object) -> None:
    status, results = upsert(api, {"phone": phone}, wrong)
    assert (status, results[0]["status"]) == (207, 201)
    assert results[1] == refused_item(invalid("contacts[1]", f"contacts[1]: {OBJECT}"))


def test_one_phone_twice_is_one_contact_in_the_order_of_the_request(
    api: Caller, customer: Customer, phone: str
) -> None:
    first, second = customer.tag_ids[:2]
    status, results = upsert(
        api, item(phone, first, display_name="Ada"), {"phone": new_phone()}, item(f"+{phone}", second), {"phone": phone}
    )
    assert (status, [each["status"] for each in results]) == (200, [201, 201, 200, 200])
    ids = [each["contact"]["id"] for each in results]
    assert ids[0] == ids[2] == ids[3] != ids[1]
    assert [results[number]["contact"]["displayName"] for number in (0, 2, 3)] == ["Ada"] * 3
    assert sorted(held(api, phone)) == sorted([(first, None), (second, None)])


def test_the_last_name_of_a_phone_wins(api: Caller, phone: str) -> None:
    names = [f"Name {number}" for number in range(10)]
    _, results = upsert(api, *({"phone": phone, "display_name": name} for name in names))
    assert [each["contact"]["displayName"] for each in results] == names
    assert find(api, phone)[1]["displayName"] == names[-1]


def test_an_item_after_a_refused_one_of_the_same_phone_is_done(api: Caller, phone: str) -> None:
    status, results = upsert(api, item(phone, new_id()), {"phone": phone})
    assert (status, [each["status"] for each in results]) == (207, [404, 201])


def test_the_same_phone_is_another_contact_for_another_tenant(
    other_customer: Customer, contact: dict[str, Any]
) -> None:
    _, [result] = upsert(other_customer.full, {"phone": contact["phone"]})
    assert (result["status"], result["contact"]["tenantId"]) == (201, other_customer.tenant_id)
    assert result["contact"]["id"] != contact["id"]


@pytest.mark.parametrize(
    ("contacts", "details"),
    [
        (None, "contacts: Input should be a valid list."),
        ("x", "contacts: Input should be a valid list."),
        ({"phone": "491512345678"}, "contacts: Input should be a valid list."),
        ([], "contacts: List should have at least 1 item after validation, not 0."),
        ([1] * 101, "contacts: List should have at most 100 items after validation, not 101."),
    ],
    ids=["null", "text", "object", "empty", "101"],
)
def test_what_is_wrong_with_the_body_itself_is_a_400(api: Caller, contacts: object, details: str) -> None:
    assert api.call("POST", BATCH, json_body={"contacts": contacts}) == invalid("contacts", details)


def test_contacts_are_required(api: Caller) -> None:
    refusal = invalid("contacts", "contacts: Field required.")
    assert api.call("POST", BATCH, json_body={"phone": "491512345678"}) == refusal


def test_of_101_contacts_none_is_created(api: Caller, phone: str) -> None:
    contacts = [{"phone": phone}, *({"phone": new_phone()} for _ in range(100))]
    refusal = invalid("contacts", "contacts: List should have at most 100 items after validation, not 101.")
    assert api.call("POST", BATCH, json_body={"contacts": contacts}) == refusal
    assert find(api, phone) == CONTACT_NOT_FOUND


def test_unknown_fields_are_ignored(api: Caller, other_customer: Customer, customer: Customer, phone: str) -> None:
    unknown = {"id": "c1234567", "tenantId": other_customer.tenant_id, "tag_ids": [], "x": {}}
    _, [result] = upsert(api, {"phone": phone} | unknown)
    assert (result["status"], result["contact"]["tenantId"]) == (201, customer.tenant_id)
    assert result["contact"]["id"] != "c1234567"


def test_an_answer_is_kept_with_its_refused_items(api: Caller, phone: str) -> None:
    body = {"contacts": [{"phone": phone}, item(phone, new_id())]}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (api.send("POST", BATCH, json_body=body, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 207
    assert [each["status"] for each in first.json()["results"]] == [201, 404]
    assert second.json() == first.json()
    assert [each.headers.get("Idempotency-Replayed") for each in (first, second)] == [None, "true"]

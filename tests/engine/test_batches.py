"""POST /v1/contacts/batch with the real engine: races, and every fault at each kind of request."""

from collections import Counter
from typing import Any

import pytest

from tests.conftest import forget
from tests.engine.environments import Pool
from tests.engine.fault_proxy import Fault, FaultProxy, faults_of
from tests.engine.flows import LONG, NEW_PHONE, PHONE, SHORT
from tests.engine.table import Row, Table
from tests.engine.test_races import put_tags
from tests.events import ACME, GLOBEX
from tests.handlers import call


def item(phone: str, *tag_ids: str, **fields: object) -> dict[str, Any]:
    return {"phone": phone, "tags": [{"tag_id": each, "reason": "batch"} for each in tag_ids], **fields}


def upsert(items: list[dict[str, Any]], **query: str) -> list[dict[str, Any]]:
    status, body = call("upsert_contacts", ACME, json_body={"contacts": items}, query=query)
    assert status in {200, 207}
    return list(body["results"])


def test_100_contacts_are_created_and_refreshed_side_by_side(table: Table) -> None:
    tag_ids = put_tags(table, 20)
    items = [item(str(70_000 + number), *tag_ids[: number % 21]) for number in range(100)]
    created, refreshed = upsert(items), upsert(items)
    assert {each["status"] for each in created} == {201}
    assert {each["status"] for each in refreshed} == {200}
    assert [each["contact"]["phone"] for each in created] == [each["phone"] for each in items]
    assert [each["contact"]["id"] for each in created] == [each["contact"]["id"] for each in refreshed]
    for number, result in enumerate(created):
        _, contact = call("get_contact", ACME, contactId=result["contact"]["id"])
        assert len(contact["tagAssignments"]) == number % 21


def test_one_phone_100_times_is_one_contact(table: Table) -> None:
    results = upsert([item(NEW_PHONE, display_name=f"Name {number}") for number in range(100)])
    assert [each["status"] for each in results] == [201, *[200] * 99]
    assert len({each["contact"]["id"] for each in results}) == 1
    assert [each["contact"]["displayName"] for each in results] == [f"Name {number}" for number in range(100)]


def test_two_spellings_in_one_batch_are_one_contact_with_match_alias(table: Table) -> None:
    results = upsert([item(LONG), item(SHORT), item(LONG)], match="alias")
    assert [each["status"] for each in results] == [201, 200, 200]
    assert {each["contact"]["phone"] for each in results} == {LONG}
    assert [each["status"] for each in upsert([item(LONG), item(SHORT)])] == [200, 201]


def test_of_64_batches_with_other_tags_for_one_contact_20_succeed(large_pool: Pool, table: Table) -> None:
    tag_ids = put_tags(table, 64)
    requests = [("upsert_contacts", ACME, {"json_body": {"contacts": [item(NEW_PHONE, each)]}}) for each in tag_ids]
    beside = ("upsert_contacts", GLOBEX, {"json_body": {"contacts": [item(NEW_PHONE)]}})
    answers = large_pool.call_at_once([*requests, beside])
    assert answers[-1][1]["results"][0]["status"] == 201
    results = [body["results"][0] for _, body in answers[:-1]]
    assert Counter(each["status"] for each in results) == {201: 1, 200: 19, 409: 44}
    _, contact = call("get_contact_by_phone", ACME, query={"phone": NEW_PHONE})
    assigned = {tag_id for tag_id, each in zip(tag_ids, results, strict=True) if each["status"] < 300}
    assert {each["tagId"] for each in contact["tagAssignments"]} == assigned
    assert call("delete_contact", GLOBEX, contactId=answers[-1][1]["results"][0]["contact"]["id"])[0] == 200


def test_batches_race_with_single_calls_for_the_last_place(pool: Pool, table: Table) -> None:
    """19 tags are held. A batch with two more never gets in, and of the others one does."""
    tag_ids = put_tags(table, 26)
    (result,) = upsert([item(NEW_PHONE, *tag_ids[:19])])
    contact_id = result["contact"]["id"]
    calls: list[Any] = [
        ("upsert_contacts", ACME, {"json_body": {"contacts": [item(NEW_PHONE, *tag_ids[19 + each : 21 + each])]}})
        for each in range(2)
    ]
    calls += [
        ("assign_tag", ACME, {"contactId": contact_id, "json_body": {"tag_id": tag_id}}) for tag_id in tag_ids[21:24]
    ]
    calls += [
        ("upsert_contacts", ACME, {"json_body": {"contacts": [item(NEW_PHONE, tag_id)]}}) for tag_id in tag_ids[24:26]
    ]
    answers = pool.call_at_once(calls)
    statuses = [body["results"][0]["status"] if "results" in body else status for status, body in answers]
    assert statuses[:2] == [409, 409]
    assert Counter(each < 300 for each in statuses[2:]) == {True: 1, False: 4}
    _, contact = call("get_contact", ACME, contactId=contact_id)
    assert len(contact["tagAssignments"]) == 20


BATCH = [
    item(PHONE, ACME.tag_ids[1], display_name="Refreshed"),
    item(NEW_PHONE, ACME.tag_ids[0], ACME.tag_ids[1], display_name="New"),
    item(SHORT, ACME.tag_ids[1], display_name="Alias"),
    item("70000", "cnosuchtag"),
    item("70001", display_name="Untagged"),
]
EXPECTED = [200, 201, 200, 404, 201]


def contacts_of(rows: list[Row]) -> dict[str, Any]:
    """Name and tags of each contact of ACME, by phone."""
    return {
        row["pk"]["S"].removeprefix(f"{ACME.id}#"): (
            row.get("display_name", {}).get("S"),
            sorted(row["tags"]["M"]),
            sorted(row["tag_origins"]["M"]),
        )
        for row in rows
        if row["sk"]["S"] == "CONTACT" and row["pk"]["S"].startswith(f"{ACME.id}#")
    }


STEPS = [
    ("BatchGetItem", 0),
    *[("UpdateItem", number) for number in range(5)],
    *[("TransactWriteItems", number) for number in range(2)],
]
CASES = [
    pytest.param(operation, number, fault, id=f"{operation} {number}: {name}")
    for operation, number in STEPS
    for name, fault in faults_of(operation, slow=False).items()
]


@pytest.fixture
def prepared(table: Table) -> Table:
    """The alias of the third item exists."""
    assert upsert([item(LONG)])[0]["status"] == 201
    forget()
    return table


@pytest.mark.parametrize(("operation", "number", "fault"), CASES)
def test_one_fault_changes_nothing(
    prepared: Table, proxy: FaultProxy, operation: str, number: int, fault: Fault
) -> None:
    with proxy.failing(fault, operation, skip=number):
        results = upsert(BATCH, match="alias")
    assert [each["status"] for each in results] == EXPECTED
    assert contacts_of(prepared.rows()) == {
        PHONE: ("Refreshed", sorted(ACME.tag_ids[:2]), sorted(ACME.tag_ids[:2])),
        NEW_PHONE: ("New", sorted(ACME.tag_ids[:2]), sorted(ACME.tag_ids[:2])),
        LONG: ("Alias", [ACME.tag_ids[1]], [ACME.tag_ids[1]]),
        "70001": ("Untagged", [], []),
    }


@pytest.mark.parametrize("name", ["lost request", "lost reply", "ThrottlingException"])
@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
def test_a_lasting_fault_leaves_each_contact_whole_or_untouched(
    prepared: Table, proxy: FaultProxy, operation: str, name: str
) -> None:
    before = contacts_of(prepared.rows())
    with proxy.failing(faults_of(operation, slow=False)[name], operation, times=None):
        results = upsert(BATCH, match="alias")
    assert all(status in {503, wanted} for status, wanted in zip((r["status"] for r in results), EXPECTED, strict=True))
    after = contacts_of(prepared.rows())
    again = upsert(BATCH, match="alias")
    assert all(each["status"] in {200, 201, 404} for each in again)
    done = contacts_of(prepared.rows())
    assert all(after[phone] in (before.get(phone), done[phone]) for phone in after)

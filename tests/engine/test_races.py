"""Races of callers in execution environments of their own, and of a caller of another tenant who knows the ids."""

import os
import random
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from local import ROOT
from tests.engine.churn import STANDING, churn_contacts, churn_tags
from tests.engine.environments import Pool
from tests.engine.fault_proxy import FaultProxy
from tests.engine.flows import NEW_PHONE, item, put_tags
from tests.engine.table import Table
from tests.events import ACME, GLOBEX
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND, TAG_LIMIT_REACHED

RACES = int(os.environ.get("RACES") or 20)
"""How often DELETE races with each other call."""

CHURN = int(os.environ.get("CHURN") or 500)
"""How many contacts are created and deleted beside a reader."""

BATCHES = 65

OK = 200, {"ok": True}
AGAINST_DELETE: list[tuple[str, dict[str, Any], int]] = [
    ("assign_tag", {"json_body": {"tag_id": ACME.tag_ids[0]}}, 201),
    ("update_contact", {"json_body": {"display_name": "Grace"}}, 200),
]


@pytest.fixture
def contact_id(table: Table) -> str:
    return create(NEW_PHONE)


def create(phone: str) -> str:
    status, contact = call("upsert_contact", ACME, json_body={"phone": phone})
    assert status == 201
    return str(contact["id"])


def test_32_callers_who_create_one_contact_create_it_once(large_pool: Pool, table: Table) -> None:
    request = {"json_body": {"phone": NEW_PHONE}}
    (status, other), *answers = large_pool.call_at_once(
        [("upsert_contact", GLOBEX, request), *[("upsert_contact", ACME, request)] * 32]
    )
    assert (status, other["tenantId"]) == (201, GLOBEX.id)
    assert call("delete_contact", GLOBEX, contactId=other["id"]) == OK
    assert Counter(status for status, _ in answers) == {201: 1, 200: 31}
    assert len({(contact["id"], contact["createdAt"]) for _, contact in answers}) == 1


def test_32_callers_create_32_contacts(large_pool: Pool, table: Table) -> None:
    answers = large_pool.call_at_once(
        [("upsert_contact", ACME, {"json_body": {"phone": str(70_000 + n)}}) for n in range(32)]
    )
    assert Counter(status for status, _ in answers) == {201: 32}
    assert len({contact["id"] for _, contact in answers}) == 32


def test_of_64_tags_assigned_at_once_a_contact_gets_20(large_pool: Pool, table: Table, contact_id: str) -> None:
    tag_ids = put_tags(table, 64)
    requests = [("assign_tag", ACME, {"contactId": contact_id, "json_body": {"tag_id": each}}) for each in tag_ids]
    beside, *answers = large_pool.call_at_once([("get_contact", GLOBEX, {"contactId": contact_id}), *requests])
    assert beside == CONTACT_NOT_FOUND
    assert Counter(status for status, _ in answers) == {201: 20, 409: 44}
    assert [answer for answer in answers if answer[0] == 409] == [TAG_LIMIT_REACHED] * 44
    _, found = call("get_contact", ACME, contactId=contact_id)
    assigned = [assignment for status, assignment in answers if status == 201]
    assert found["tagAssignments"] == sorted(assigned, key=lambda each: (each["createdAt"], each["tagId"]))


def test_32_callers_who_assign_one_tag_create_one_assignment(large_pool: Pool, table: Table, contact_id: str) -> None:
    request = {"contactId": contact_id, "json_body": {"tag_id": ACME.tag_ids[0]}}
    beside, *answers = large_pool.call_at_once([("assign_tag", GLOBEX, request), *[("assign_tag", ACME, request)] * 32])
    assert beside == CONTACT_NOT_FOUND
    assert Counter(status for status, _ in answers) == {201: 1, 200: 31}
    assert len({assignment["createdAt"] for _, assignment in answers}) == 1


def race(pool: Pool, contact_id: str, function: str, **request: Any) -> list[tuple[int, Any]]:
    """The answers to DELETE and to the other call. Either may come first."""
    deletion = {"contactId": contact_id}
    calls = [("delete_contact", ACME, deletion), (function, ACME, request), ("delete_contact", GLOBEX, deletion)]
    order = random.sample(range(3), 3)
    # Not at the same moment, because one of the two makes more requests before its write.
    answered = pool.call_at_once([calls[each] for each in order], within_seconds=0.02)
    answers = dict(zip(order, answered, strict=True))
    assert answers[2] == CONTACT_NOT_FOUND
    return [answers[0], answers[1]]


def test_delete_races_with_an_upsert(pool: Pool, table: Table) -> None:
    """The contact is deleted and created again, or refreshed and deleted."""
    for number in range(RACES):
        phone = str(80_000 + number)
        contact_id = create(phone)
        deleted, (status, contact) = race(pool, contact_id, "upsert_contact", json_body={"phone": phone})
        assert deleted == OK
        assert (status, contact["id"] == contact_id) in {(201, False), (200, True)}
        by_phone = call("get_contact_by_phone", ACME, query={"phone": phone})
        assert by_phone == ((200, contact | {"tagAssignments": []}) if status == 201 else CONTACT_NOT_FOUND)
        assert call("get_contact", ACME, contactId=contact_id) == CONTACT_NOT_FOUND


@pytest.mark.parametrize(("function", "request_", "success"), AGAINST_DELETE)
def test_delete_races_with_a_write_by_id(
    pool: Pool, table: Table, function: str, request_: dict[str, Any], success: int
) -> None:
    """In both orders the contact is deleted, and no row of it remains."""
    for number in range(RACES):
        contact_id = create(str(80_000 + number))
        deleted, answer = race(pool, contact_id, function, contactId=contact_id, **request_)
        assert deleted == OK
        assert answer[0] == success or answer == CONTACT_NOT_FOUND
        assert [row for row in table.rows() if row["pk"]["S"] == f"{ACME.id}#{80_000 + number}"] == []


def call_batches_at_once(large_pool: Pool, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of batches of one item each, all for NEW_PHONE. The other tenant sends one of them too."""
    requests = [("upsert_contacts", ACME, {"json_body": {"contacts": [each]}}) for each in items]
    beside = ("upsert_contacts", GLOBEX, {"json_body": {"contacts": [item(NEW_PHONE)]}})
    *results, others = (body["results"][0] for _, body in large_pool.call_at_once([*requests, beside]))
    assert others["status"] == 201
    assert call("delete_contact", GLOBEX, contactId=others["contact"]["id"]) == OK
    return results


def test_of_65_batches_with_other_tags_for_one_contact_20_succeed(large_pool: Pool, table: Table) -> None:
    tag_ids = put_tags(table, BATCHES)
    results = call_batches_at_once(large_pool, [item(NEW_PHONE, each) for each in tag_ids])
    assert Counter(each["status"] for each in results) == {201: 1, 200: 19, 409: BATCHES - 20}
    _, contact = call("get_contact_by_phone", ACME, query={"phone": NEW_PHONE})
    written = {
        tag_id: each["contact"]["updatedAt"] for tag_id, each in zip(tag_ids, results, strict=True) if "contact" in each
    }
    shown = {each["tagId"]: (each["createdAt"], each["updatedAt"]) for each in contact["tagAssignments"]}
    assert shown == {tag_id: (at, at) for tag_id, at in written.items()}


def test_65_batches_with_the_same_tags_for_one_contact_keep_what_the_first_created(
    large_pool: Pool, table: Table
) -> None:
    """Each writes all tags, so all assignments are from the first batch, and their reasons are those of the last."""
    tag_ids = put_tags(table, 3)
    items = [item(NEW_PHONE, *tag_ids, reason=f"batch {number}") for number in range(BATCHES)]
    results = call_batches_at_once(large_pool, items)
    assert Counter(each["status"] for each in results) == {201: 1, 200: BATCHES - 1}
    created_at = next(each["contact"]["createdAt"] for each in results if each["status"] == 201)
    _, contact = call("get_contact_by_phone", ACME, query={"phone": NEW_PHONE})
    assert {each["createdAt"] for each in contact["tagAssignments"]} == {created_at}
    assert {each["tagId"] for each in contact["tagAssignments"]} == set(tag_ids)
    (last,) = {(each["reason"], each["updatedAt"]) for each in contact["tagAssignments"]}
    assert last in {(f"batch {number}", each["contact"]["updatedAt"]) for number, each in enumerate(results)}


def test_batches_race_with_single_calls_for_the_last_place(pool: Pool, table: Table) -> None:
    """19 tags are held. A batch with two more never gets in, and of the others one does."""
    tag_ids = put_tags(table, 26)
    _, body = call("upsert_contacts", ACME, json_body={"contacts": [item(NEW_PHONE, *tag_ids[:19])]})
    contact_id = body["results"][0]["contact"]["id"]
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


def test_two_operators_who_create_one_tag_create_it_once(table: Table, proxy: FaultProxy, endpoint: str) -> None:
    table.put({"pk": {"S": "TENANTS"}, "sk": {"S": ACME.id}, "name": {"S": "Acme"}, "created_at": {"S": "2026-11-24"}})
    environment = os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": endpoint}
    operators = [
        subprocess.Popen(
            [sys.executable, "-m", "admin", "tag", "create", ACME.id, name],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("VIP", "vip")
    ]
    outputs = [operator.communicate() for operator in operators]
    assert sorted(operator.returncode for operator in operators) == [0, 1]
    [refusal] = [error for _, error in outputs if error]
    assert "is the same name as that of tag" in refusal
    names = [row["sk"]["S"] for row in table.rows() if row["sk"]["S"].startswith("NAME#")]
    assert names.count("NAME#vip") == 1


def test_a_contact_that_is_there_throughout_is_listed_once_whatever_is_created_and_deleted(
    pool: Pool, table: Table
) -> None:
    churn = churn_contacts(pool, 1, CHURN)
    churn.check()
    assert churn.operations >= CHURN
    assert len(churn.listings) > 2
    assert {len(shown) > STANDING for _, _, shown in churn.listings} == {True}


def test_a_tag_that_is_there_throughout_is_listed_once_whatever_operators_create_and_delete(
    pool: Pool, table: Table
) -> None:
    churn = churn_tags(pool, 1, CHURN // 10)
    churn.check()
    assert len(churn.listings) > 2

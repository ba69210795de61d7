"""POST /v1/contacts/batch with the real engine: threads, every fault at each kind of request, and kill -9."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from threading import get_ident
from typing import Any

import pytest

from contacts.runtime.observability import logger
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connection
from tests.conftest import forget
from tests.engine.conftest import findings
from tests.engine.fault_proxy import MOST_COMMON, Fault, FaultProxy, faults_of
from tests.engine.flows import LONG, NEW_PHONE, PHONE, SHORT, item, put_tags
from tests.engine.table import Row, Table, rows_of
from tests.engine.test_death import kill_after
from tests.events import ACME, GLOBEX, build_event
from tests.handlers import call, invoke
from tests.refusals import IN_PROGRESS

FUNCTION = "upsert_contacts"


def upsert(items: list[dict[str, Any]], **query: str) -> list[dict[str, Any]]:
    status, body = call(FUNCTION, ACME, json_body={"contacts": items}, query=query)
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
    if number == 0 or name in MOST_COMMON
]


@pytest.fixture
def prepared(table: Table) -> Table:
    prepare()
    return table


def prepare() -> None:
    """The alias of the third item exists."""
    assert upsert([item(LONG)])[0]["status"] == 201
    forget()


@pytest.mark.parametrize(("operation", "number", "fault"), CASES)
def test_one_fault_changes_nothing(
    prepared: Table, proxy: FaultProxy, operation: str, number: int, fault: Fault
) -> None:
    faults = proxy.faults
    with proxy.failing(fault, operation, skip=number):
        results = upsert(BATCH, match="alias")
    assert proxy.faults == faults + 1
    assert [each["status"] for each in results] == EXPECTED
    assert contacts_of(prepared.rows()) == {
        PHONE: ("Refreshed", sorted(ACME.tag_ids[:2]), sorted(ACME.tag_ids[:2])),
        NEW_PHONE: ("New", sorted(ACME.tag_ids[:2]), sorted(ACME.tag_ids[:2])),
        LONG: ("Alias", [ACME.tag_ids[1]], [ACME.tag_ids[1]]),
        "70001": ("Untagged", [], []),
    }


@pytest.mark.parametrize("name", MOST_COMMON)
@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
def test_a_lasting_fault_leaves_each_contact_whole_or_untouched(
    prepared: Table, proxy: FaultProxy, operation: str, name: str
) -> None:
    before = contacts_of(prepared.rows())
    with proxy.failing(faults_of(operation, slow=False)[name], operation, times=None):
        results = upsert(BATCH, match="alias")
    statuses = [each["status"] for each in results]
    assert 503 in statuses
    assert all(status in {503, wanted} for status, wanted in zip(statuses, EXPECTED, strict=True))
    after = contacts_of(prepared.rows())
    again = upsert(BATCH, match="alias")
    assert all(each["status"] in {200, 201, 404} for each in again)
    done = contacts_of(prepared.rows())
    assert all(after[phone] in (before.get(phone), done[phone]) for phone in after)


@pytest.mark.parametrize(
    ("operation", "number"), [("UpdateItem", 4), ("TransactWriteItems", 0), ("TransactWriteItems", 9)]
)
def test_a_function_killed_in_the_middle_of_a_batch_leaves_each_contact_whole_or_untouched(
    prepared: Table, proxy: FaultProxy, endpoint: str, operation: str, number: int
) -> None:
    """When its lock has expired, the same request with the same Idempotency-Key does what is missing."""
    items = [*BATCH, *(item(str(80_000 + each), *ACME.tag_ids[: each % 3], display_name="New") for each in range(20))]
    once = {"Idempotency-Key": "once"}
    request: dict[str, Any] = {"query": {"match": "alias"}, "headers": once, "json_body": {"contacts": items}}
    before = contacts_of(prepared.rows())
    kill_after(proxy, endpoint, operation, number, FUNCTION, build_event(FUNCTION, ACME, **request))
    time.sleep(0.1)  # until the requests that it sent have arrived
    rows = prepared.rows()
    after = contacts_of(rows)
    assert findings() == []
    assert call(FUNCTION, ACME, **request) == IN_PROGRESS
    for lock in rows_of(ACME.key_id, rows):
        prepared.put(lock | {"in_progress_until": {"N": "0"}})  # as after the timeout of the function
    answer = call(FUNCTION, ACME, **request)
    missing = [201 if each["phone"] not in after else 200 for each in items[5:]]
    right = [200, 200 if NEW_PHONE in after else 201, 200, 404, 200 if "70001" in after else 201, *missing]
    assert [each["status"] for each in answer[1]["results"]] == right
    assert 201 in missing
    done = contacts_of(prepared.rows())
    assert done.keys() == {PHONE, LONG, *(each["phone"] for each in (BATCH[1], *BATCH[4:], *items[5:]))}
    assert all(contact in (before.get(phone), done[phone]) for phone, contact in after.items())
    assert all(done[each["phone"]] == ("New", tags_of(each), tags_of(each)) for each in items[5:])
    assert call(FUNCTION, ACME, **request) == answer


def tags_of(wanted: dict[str, Any]) -> list[str]:
    return sorted(each["tag_id"] for each in wanted["tags"])


@pytest.mark.parametrize("character", ["\x01", "\U0001f600"])
def test_the_largest_answer_can_be_kept(table: Table, character: str) -> None:
    """In an item of at most 400 kB. The names grow sixfold in the body, or threefold in the record."""
    items = [item(f"{10**31 + number}", display_name=character * 128) for number in range(100)]
    headers = {"Idempotency-Key": "~" * 255, "X-Request-Id": "~" * 128}
    event = build_event(FUNCTION, ACME, headers=headers, json_body={"contacts": items})
    answer, again = invoke(FUNCTION, event), invoke(FUNCTION, event)
    assert answer["statusCode"] == 200
    assert (again["body"], again["headers"]["Idempotency-Replayed"]) == (answer["body"], "true")
    (record,) = rows_of(ACME.key_id, table.rows())
    assert 0 < len(record["answer"]["S"]) < 200_000


@pytest.fixture
def pool_log() -> Iterator[StringIO]:
    """What urllib3 logs about its connections."""
    written, urllib3 = StringIO(), logging.getLogger("urllib3.connectionpool")
    handler = logging.StreamHandler(written)
    urllib3.addHandler(handler)
    yield written
    urllib3.removeHandler(handler)


def test_the_threads_of_a_batch_have_the_tenant_and_the_log_keys_of_its_request(
    table: Table,
    first_rows: list[Row],
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    pool_log: StringIO,
    log: Callable[[], str],
) -> None:
    """A process has one request at a time, but of one tenant after the other. All threads share one client."""
    upsert_one = ContactRepository.upsert

    def log_and_upsert(contacts: ContactRepository, *arguments: Any, **named: Any) -> Any:
        seen = {"wanted": contacts._tenant_id, "in_thread": get_ident(), "client": id(connection().client)}
        logger.info("An item begins", extra=seen)
        return upsert_one(contacts, *arguments, **named)

    monkeypatch.setattr(ContactRepository, "upsert", log_and_upsert)
    for number, tenant in enumerate([ACME, GLOBEX, ACME, GLOBEX]):
        already = len(proxy.seen)
        items = [item(str(80_000 + each), display_name=f"{tenant.mark} {each}") for each in range(24)]
        headers = {"X-Request-Id": f"request-{number}"}
        status, body = call(FUNCTION, tenant, headers=headers, json_body={"contacts": items})
        assert (status, {each["contact"]["tenantId"] for each in body["results"]}) == (200, {tenant.id})
        assert {key.partition("#")[0] for each in proxy.seen[already:] for key in each.leading_keys} == {tenant.id}
    table.replace(first_rows)
    lines = [json.loads(each) for each in log().splitlines() if '"An item begins"' in each]
    keys = Counter((each["request_id"], each["tenant_id"], each["key_id"], each["wanted"]) for each in lines)
    assert keys == {
        (f"request-{number}", tenant.id, tenant.key_id, tenant.id): 24
        for number, tenant in enumerate([ACME, GLOBEX, ACME, GLOBEX])
    }
    assert len({each["in_thread"] for each in lines}) > 1
    assert len({each["client"] for each in lines}) == 1
    assert "Connection pool is full" not in pool_log.getvalue()

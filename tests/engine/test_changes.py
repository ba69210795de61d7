"""Changes with the real engine: its stream, every fault of the consumer's requests, races, and mirrors."""

from itertools import batched
from typing import Any

import pytest

from contacts.storage.changes import ChangeLog
from tests.engine.environments import Pool, try_to_invoke
from tests.engine.fault_proxy import MOST_COMMON, FaultProxy, faults_of
from tests.engine.feed import FUNCTION, Mirror, Publisher, check_mirror, stored
from tests.engine.flows import CONTACT_ID, NEW_PHONE, PHONE
from tests.engine.table import Row, Table
from tests.engine.test_death import kill_after
from tests.events import ACME, GLOBEX, Event
from tests.handlers import call, invoke
from tests.streams import build_contact, build_record, build_stream_event

FLOW = "Query", "PutItem", "UpdateItem"
CASES = [
    pytest.param(operation, fault, id=f"{operation}: {name}")
    for operation in FLOW
    for name, fault in faults_of(operation).items()
]


def build_event(first_rows: list[Row]) -> Event:
    """Two writes of ACME's contact."""
    [contact] = (row for row in first_rows if row["pk"]["S"] == f"{ACME.id}#{PHONE}")
    renamed = contact | {"display_name": {"S": "Grace"}}
    return build_stream_event(build_record(contact, renamed, 11), build_record(renamed, None, 12))


@pytest.fixture
def event(first_rows: list[Row]) -> Event:
    return build_event(first_rows)


CHANGES = [f"{CONTACT_ID}-{number:021}-0" for number in (11, 12)]


def ids(cursor: int = 1) -> list[str]:
    """Of the changes in the log, copies included. The first row's entry is at position 1."""
    entries = ChangeLog(ACME.id).page(cursor).entries
    assert [each.position for each in entries] == [*range(cursor + 1, cursor + 1 + len(entries))]
    return [change.id for entry in entries for change in entry.changes]


def first_copies(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("operation", "fault"), CASES)
def test_one_fault_changes_nothing(table: Table, proxy: FaultProxy, event: Event, operation: str, fault: Any) -> None:
    with proxy.failing(fault, operation):
        assert invoke(FUNCTION, event) == {"batchItemFailures": []}
    assert ids() == CHANGES


@pytest.mark.parametrize("name", MOST_COMMON)
@pytest.mark.parametrize("operation", FLOW)
def test_after_a_lasting_fault_nothing_is_missing(
    table: Table, proxy: FaultProxy, event: Event, operation: str, name: str
) -> None:
    with proxy.failing(faults_of(operation)[name], operation, times=None):
        failures = invoke(FUNCTION, event)["batchItemFailures"]
    assert bool(failures) is (operation != "UpdateItem")  # an entry that does not expire does no harm
    if failures:
        assert failures == [{"itemIdentifier": f"{11:021}"}]
        assert invoke(FUNCTION, event) == {"batchItemFailures": []}
    assert first_copies(ids()) == CHANGES
    assert (len(ids()) > len(CHANGES)) is ((operation, name) == ("PutItem", "lost reply"))


@pytest.mark.parametrize("operation", FLOW)
def test_after_a_kill_nothing_is_missing(
    table: Table, proxy: FaultProxy, endpoint: str, event: Event, operation: str
) -> None:
    kill_after(proxy, endpoint, operation, 0, FUNCTION, event)
    assert invoke(FUNCTION, event) == {"batchItemFailures": []}
    assert first_copies(ids()) == CHANGES


def build_batches(number: int, number_each: int) -> list[Event]:
    """Batches that create contacts of their own, each as large as one entry."""
    records = [
        build_record(None, build_contact(ACME, f"{70_000 + each}"), each) for each in range(number * number_each)
    ]
    return [build_stream_event(*each) for each in batched(records, number_each, strict=True)]


@pytest.mark.parametrize("number_each", [2])
def test_consumers_who_append_at_once_leave_no_hole_and_lose_nothing(
    pool: Pool, table: Table, number_each: int
) -> None:
    """A reader that follows meanwhile sees everything, too."""
    events = build_batches(24, number_each)
    running = [pool.submit(try_to_invoke, FUNCTION, each) for each in (*events, *events[:8])]
    cursor, seen, is_over = 1, list[str](), False
    while not is_over:
        is_written = all(each.done() for each in running)
        page = ChangeLog(ACME.id).page(cursor)
        seen += [change.id for entry in page.entries for change in entry.changes]
        cursor = page.entries[-1].position if page.entries else cursor
        is_over = is_written and not page.has_more
    assert [each.result() for each in running] == [{"batchItemFailures": []}] * len(running)
    assert len(seen) == number_each * len(running)
    assert len(set(seen)) == number_each * len(events)


@pytest.fixture
def publisher(engine: str, table: Table) -> Publisher:
    return Publisher(engine)


def test_what_is_written_again_is_no_change(publisher: Publisher, table: Table) -> None:
    mirror = Mirror(ACME)
    _, contact = call("upsert_contact", ACME, json_body={"phone": NEW_PHONE, "display_name": "Ada"})
    assign = {"contactId": contact["id"], "json_body": {"tag_id": ACME.tag_ids[0], "reason": "asked"}}
    assert call("assign_tag", ACME, **assign)[0] == 201
    publisher.publish()
    assert [each["type"] for each in mirror.follow()] == ["contact.created", "tag.assigned"]
    rows = len(table.rows())
    for _ in range(20):
        assert call("upsert_contact", ACME, json_body={"phone": NEW_PHONE, "display_name": "Ada"})[0] == 200
        assert call("assign_tag", ACME, **assign)[0] == 200
    publisher.publish()
    assert len(publisher.existed) > 40
    assert mirror.follow() == []
    assert len(table.rows()) == rows
    check_mirror(mirror, publisher, stored(ACME, table))


def test_two_systems_that_write_what_they_see_into_each_other_come_to_rest(
    publisher: Publisher, table: Table, first_rows: list[Row]
) -> None:
    mirrors = {ACME: Mirror(ACME), GLOBEX: Mirror(GLOBEX)}
    for tenant, name in (ACME, "Ada"), (GLOBEX, "Grace"):
        for number in range(4):
            body = {"phone": str(70_000 + number), "display_name": f"{name} {number}"}
            call("upsert_contact", tenant, json_body=body)
    changes = []
    for tenant, other in [(ACME, GLOBEX), (GLOBEX, ACME)] * 3:
        publisher.publish()
        found = mirrors[tenant].follow()
        changes.append(len(found))
        for id_ in dict.fromkeys(each["contactId"] for each in found):
            seen = mirrors[tenant].contacts[id_]
            body = {"phone": seen["phone"], "display_name": seen["displayName"]}
            assert call("upsert_contact", other, json_body=body)[0] in {200, 201}
    assert changes[:2] == [4, 8]
    assert changes[2:] == [0] * 4
    names = [
        {each["phone"]: each["displayName"] for each in stored(tenant, table).values()} for tenant in (ACME, GLOBEX)
    ]
    assert names[0].items() - {(PHONE, f"{ACME.mark} Ada")} == names[1].items() - {(PHONE, f"{GLOBEX.mark} Ada")}
    table.replace(first_rows)

"""The lists with the real engine: a fault at any of the Queries of a page, and a phone that comes back between them.

test_faults.py has the requests of a page that needs one Query, test_races.py a reader beside writers.
"""

import pytest

from contacts.storage import contacts
from contacts.storage.items import ContactPointer
from tests.engine.fault_proxy import Fault, FaultProxy, Forward, Hangup, Request, faults_of
from tests.engine.flows import CONTACT_ID, NEW_PHONE, item
from tests.engine.table import Table
from tests.events import ACME
from tests.faults import Reply
from tests.handlers import call
from tests.refusals import UNAVAILABLE

FUNCTION = "list_contacts"
SHARDS = len(ContactPointer.SHARDS)
QUERIES = 0, 1, SHARDS - 1
"""The first one is sent alone, the others side by side."""

FIRST, LAST = "c0" + 23 * "0", "cz" + 23 * "z"
"""Ids in the first and in the last shard."""


def shard_of(request: Request) -> int:
    """Of a Query of pointers."""
    (partition,) = (each["S"] for each in request["ExpressionAttributeValues"].values() if "#IDS#" in each.get("S", ""))
    return int(partition.rpartition("#")[2])


@pytest.mark.parametrize("fault", faults_of("Query").values(), ids=faults_of("Query"))
def test_one_fault_at_any_query_changes_nothing(table: Table, proxy: FaultProxy, fault: Fault) -> None:
    body = {"contacts": [item(str(70_000 + number)) for number in range(6)]}
    assert call("upsert_contacts", ACME, json_body=body)[0] == 200
    expected = call(FUNCTION, ACME)
    assert len(expected[1]["data"]) == 7
    for number in QUERIES:
        faults = proxy.faults
        with proxy.failing(fault, "Query", skip=number):
            assert call(FUNCTION, ACME) == expected
        assert proxy.faults == faults + 1


@pytest.mark.parametrize("shard", [0, SHARDS - 1])
def test_a_page_without_one_of_its_shards_is_a_503_and_never_a_page(
    table: Table, proxy: FaultProxy, shard: int
) -> None:
    def lose(forward: Forward, request: Request) -> Reply:
        if shard_of(request) == shard:
            raise Hangup
        return forward()

    with proxy.failing(lose, "Query", times=None):
        assert call(FUNCTION, ACME) == UNAVAILABLE


@pytest.mark.parametrize(("old_id", "new_id", "shown"), [(FIRST, LAST, [LAST]), (LAST, FIRST, [])])
def test_a_phone_that_comes_back_between_two_queries_is_read_once(
    table: Table, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, old_id: str, new_id: str, shown: list[str]
) -> None:
    """It has two pointers, and DynamoDB refuses a batch with one key twice. Or it has none that a Query has seen."""
    ids = iter([old_id, new_id])
    monkeypatch.setattr(contacts, "new_id", lambda: next(ids))
    phone = {"phone": NEW_PHONE}
    assert call("upsert_contact", ACME, json_body=phone)[1]["id"] == old_id
    requests: list[Request] = []

    def replace_before_the_last(forward: Forward, request: Request) -> Reply:
        if shard_of(request) == SHARDS - 1:
            assert call("delete_contact", ACME, contactId=old_id)[0] == 200
            assert call("upsert_contact", ACME, json_body=phone)[1]["id"] == new_id
        requests.append(request)
        return forward()

    with proxy.failing(replace_before_the_last, "Query", times=None):
        status, page = call(FUNCTION, ACME)
    assert (status, [each["id"] for each in page["data"]], page["nextCursor"]) == (
        200,
        sorted([CONTACT_ID, *shown]),
        None,
    )
    assert sorted(map(shard_of, requests)) == [*ContactPointer.SHARDS]
    assert call("get_contact", ACME, contactId=new_id)[0] == 200

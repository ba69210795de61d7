"""Histories of concurrent calls with faults are linearizable: some order of the calls explains all answers."""

import json
import random
from typing import Any

import pytest

from tests.engine.concurrency import (
    IN_PROGRESS,
    REPLAYED,
    Answer,
    Call,
    Exchange,
    State,
    create_first,
    play,
    step,
    unexplained,
    with_repetitions,
)
from tests.engine.environments import Pool
from tests.engine.fault_proxy import LOSES_REPLY, FaultProxy
from tests.engine.feed import Mirror, Publisher, check_mirror, publishing, stored
from tests.engine.flows import LONG, SHORT
from tests.engine.linearizability import Event, is_linearizable
from tests.engine.table import Table
from tests.events import ACME

HISTORIES = 5
CALLS_EACH = 6


@pytest.fixture
def first(table: Table) -> dict[str, State]:
    return create_first()


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_histories_with_faults_are_linearizable(
    pool: Pool, proxy: FaultProxy, first: dict[str, State], seed: int
) -> None:
    """No reply is lost, so each call has its effect once or not at all."""
    with proxy.disturbing(random.Random(seed), 0.2, spare=LOSES_REPLY):
        exchanges = play(pool, first, seed, CALLS_EACH)
    assert unexplained(exchanges, first) == []


@pytest.fixture
def publisher(engine: str, first: dict[str, State]) -> Publisher:
    return Publisher(engine)


@pytest.fixture
def mirror(publisher: Publisher) -> Mirror:
    return Mirror(ACME)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_histories_with_lost_replies_are_linearizable_if_a_write_may_be_executed_twice(
    pool: Pool,
    proxy: FaultProxy,
    endpoint: str,
    table: Table,
    first: dict[str, State],
    publisher: Publisher,
    mirror: Mirror,
    seed: int,
) -> None:
    """Meanwhile the consumer of the stream meets the same faults and is killed, and a mirror follows."""
    with (
        proxy.disturbing(random.Random(seed), 0.2),
        publishing(publisher, mirror, pool, endpoint, random.Random(seed)),
    ):
        exchanges = play(pool, first, seed, CALLS_EACH)
    publisher.publish()
    mirror.follow()
    check_mirror(mirror, publisher, stored(ACME, table))
    assert unexplained(exchanges, first, replies_get_lost=True) == []


ID = "c" + 24 * "0"
NAMED = Call("update_contact", ID, text="Ada")
READ = Call("get_contact", ID)


def test_the_check_accepts_an_order_of_overlapping_calls_only() -> None:
    named, read_before = Event(NAMED, (200, ID, "Ada"), 1, 4), Event(READ, (200, ID, None, frozenset[str]()), 2, 3)
    assert is_linearizable([named, read_before], State(ID), step)
    too_late = Event(READ, (200, ID, None, frozenset[str]()), 5, 6)
    assert not is_linearizable([named, too_late], State(ID), step)


def test_the_check_accepts_an_unanswered_write_that_has_its_effect_late_or_never() -> None:
    unanswered: Event[Call, Answer] = Event(NAMED, None, 1, float("inf"))
    read, read_again = (Event(READ, (200, ID, name, frozenset[str]()), at, at) for name, at in ((None, 3), ("Ada", 5)))
    assert is_linearizable([unanswered, read], State(ID), step)
    assert is_linearizable([unanswered, read, read_again], State(ID), step)
    back_again = Event(READ, (200, ID, None, frozenset[str]()), 7, 7)
    assert not is_linearizable([unanswered, read_again, back_again], State(ID), step)


def test_the_check_accepts_a_replayed_answer_but_no_second_effect() -> None:
    once = Call("update_contact", ID, text="Ada", key="once")
    first: list[Event[Call, Answer]] = [Event(once, (200, ID, "Ada"), 1, 3), Event(once, IN_PROGRESS, 2, 4)]
    assert is_linearizable([*first, Event(once, (REPLAYED, 200, ID, "Ada"), 5, 6)], State(ID), step)
    assert not is_linearizable([*first, Event(once, (200, ID, "Ada"), 5, 6)], State(ID), step)
    assert not is_linearizable([Event(once, (REPLAYED, 200, ID, "Ada"), 5, 6)], State(ID), step)


def test_the_check_accepts_a_201_for_an_assignment_that_was_executed_twice() -> None:
    """The second execution overwrites the call in between, and still knows that the first created the assignment."""
    ours, other = (Call("assign_tag", ID, "a tag", text, number=number) for number, text in enumerate(("Ada", "Grace")))
    history: list[Event[Call, Answer]] = [
        Event(ours, (201, "Ada"), 1, 4),
        Event(other, (200, "Grace"), 2, 3),
        Event(READ, (200, ID, None, frozenset({("a tag", "Ada", "API")})), 5, 6),
    ]
    assert is_linearizable(with_repetitions(history), State(ID), step)
    assert not is_linearizable(history, State(ID), step)


def test_the_check_accepts_a_page_without_a_contact_only_if_it_is_behind_the_page() -> None:
    shown, missing = (200, ID, None, frozenset[str]()), (404,)
    whole, before, behind = Call("list_contacts"), Call("list_contacts", last="c"), Call("list_contacts", first=ID)
    for page, answer in (whole, shown), (before, missing), (behind, missing):
        assert is_linearizable([Event(page, answer, 1, 2)], State(ID), step)
    for page, answer in (whole, missing), (before, shown), (behind, shown):
        assert not is_linearizable([Event(page, answer, 1, 2)], State(ID), step)


def exchange(call: Call, answer: dict[str, Any], start: float, end: float) -> Exchange:
    return Exchange(call, {"statusCode": 200, "body": json.dumps(answer)}, start, end)


def test_the_check_accepts_the_items_of_a_batch_in_their_order_only() -> None:
    items = tuple(Call("upsert_contacts", text=name, number=number) for number, name in ((1, "Ada"), (2, "Grace")))
    results = [{"status": 200, "contact": {"id": ID, "phone": LONG, "displayName": item.text}} for item in items]
    batch = exchange(Call("upsert_contacts", items=items), {"results": results}, 1, 2)
    for name, is_right in ("Grace", True), ("Ada", False):
        read = exchange(READ, {"id": ID, "phone": LONG, "displayName": name, "tagAssignments": []}, 3, 4)
        assert (unexplained([batch, read], {LONG: State(ID), SHORT: State(None)}) == []) == is_right


def test_the_check_accepts_a_second_spelling_only_if_the_first_may_have_been_missing() -> None:
    contact = {"id": ID, "phone": SHORT, "displayName": None}
    created = Exchange(
        Call("upsert_contact", phone=SHORT, match="alias"), {"statusCode": 201, "body": json.dumps(contact)}, 1, 4
    )
    other = "c" + 24 * "1"
    first = {LONG: State(other), SHORT: State(None)}
    assert len(unexplained([created], first)) == 1
    assert unexplained([created, exchange(Call("delete_contact", other), {"ok": True}, 2, 3)], first) == []

"""`make soak`: the tests of this folder in random order and with random parameters, for a given time.

To add a part, write its function and put it into PARTS.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, NoReturn, TextIO

import pytest

from tests.engine import (
    test_background_faults,
    test_batches,
    test_changes,
    test_death,
    test_faults,
    test_lists,
    test_races,
)
from tests.engine.churn import churn_contacts
from tests.engine.concurrency import create_first, play, unexplained
from tests.engine.conftest import findings
from tests.engine.environments import Pool
from tests.engine.fault_proxy import LOSES_REPLY, MOST_COMMON, FaultProxy, faults_of
from tests.engine.feed import Followers, Mirror, Publisher, check_mirror, publishing, stored
from tests.engine.flows import CALLS, NEW_PHONE, STEPS, Scene
from tests.engine.machine import run_contract
from tests.engine.meanwhile import meanwhile
from tests.engine.table import Row, Table, rows_of
from tests.events import ACME, GLOBEX
from tests.handlers import call

MINUTES = 0.75 * float(os.environ.get("MINUTES") or 20)
"""Schemathesis and tests/functions/test_any_event.py, which run before and after, get the rest."""
SEED = int(os.environ.get("SEED") or time.time())
ROUND = int(os.environ.get("ROUND") or -1)
"""The only round to play. -1 plays all."""

SECONDS_BETWEEN_LINES = 10
CALLS_EACH = 8
EXAMPLES, STEPS_EACH = 5, 40
CHURN = min(10_000, int(1_000 * MINUTES))
"""How many contacts are created and deleted beside a reader, in the beginning."""


@dataclass
class Soak:
    scene: Scene
    table: Table
    proxy: FaultProxy
    pool: Pool
    large_pool: Pool
    endpoint: str
    engine: str
    first_rows: list[Row]
    directories: pytest.TempPathFactory
    figures: Counter[str] = field(default_factory=Counter)


type Part = Callable[[Soak, random.Random], None]


def one_fault(soak: Soak, dice: random.Random) -> None:
    each = dice.choice(STEPS)
    fault = dice.choice([*faults_of(each.operation, slow=True).values()])
    test_faults.test_one_fault_changes_nothing(soak.scene, soak.table, soak.proxy, each, fault)
    soak.figures["calls under one fault"] += 1


def lasting_fault(soak: Soak, dice: random.Random) -> None:
    each = dice.choice(STEPS)
    fault = dice.choice([*faults_of(each.operation, slow=dice.random() < 0.1).values()])
    test_faults.test_a_lasting_fault_is_a_503_and_the_same_call_succeeds_afterwards(
        soak.scene, soak.table, soak.proxy, each, fault
    )
    soak.figures["calls under a lasting fault"] += 1


def killed_function(soak: Soak, dice: random.Random) -> None:
    """Killed between two requests."""
    test_death.test_a_function_killed_after_a_request_has_written_all_or_nothing(
        soak.scene, soak.table, soak.proxy, soak.endpoint, dice.choice(STEPS)
    )
    soak.figures["functions killed"] += 1


def suddenly_killed_function(soak: Soak, dice: random.Random) -> None:
    """Killed at any moment."""
    test_death.test_a_function_killed_at_any_moment_has_written_all_or_nothing(
        soak.scene, soak.table, soak.proxy, soak.endpoint, dice.choice([*CALLS]), dice.uniform(0, 0.03)
    )
    soak.figures["functions killed"] += 1


def killed_consumer(soak: Soak, dice: random.Random) -> None:
    test_death.test_the_message_of_a_killed_consumer_is_handled_by_the_next(
        soak.scene, soak.table, soak.proxy, soak.endpoint, *dice.choice(test_background_faults.STEPS)
    )
    soak.figures["functions killed"] += 1


def killed_engine(soak: Soak, dice: random.Random) -> None:
    """Kills an engine of its own under load."""
    with pytest.MonkeyPatch.context() as patch:
        test_death.test_a_killed_engine_keeps_single_writes_and_whole_transactions(
            soak.directories.mktemp("engine"),
            patch,
            *dice.choice(test_death.ENGINE_SIGNALS),
            answers=dice.randrange(1, 100),
        )
    soak.figures["engines killed"] += 1


def fault_in_a_batch(soak: Soak, dice: random.Random) -> None:
    test_batches.prepare()
    operation, number = dice.choice(test_batches.STEPS)
    fault = dice.choice([*faults_of(operation, slow=True).values()])
    test_batches.test_one_fault_changes_nothing(soak.table, soak.proxy, operation, number, fault)
    soak.figures["calls under one fault"] += 1


def fault_in_a_list(soak: Soak, dice: random.Random) -> None:
    test_lists.test_one_fault_at_any_query_changes_nothing(
        soak.table, soak.proxy, dice.choice([*faults_of("Query", slow=True).values()])
    )
    soak.figures["calls under one fault"] += len(test_lists.QUERIES)


def killed_batch(soak: Soak, dice: random.Random) -> None:
    """Killed between two requests."""
    test_batches.prepare()
    operation, number = dice.choice(["UpdateItem", "TransactWriteItems"]), dice.randrange(12)
    test_batches.test_a_function_killed_in_the_middle_of_a_batch_leaves_each_contact_whole_or_untouched(
        soak.table, soak.proxy, soak.endpoint, operation, number
    )
    soak.figures["functions killed"] += 1


def race(soak: Soak, dice: random.Random) -> None:
    match dice.randrange(8):
        case 0:
            test_races.test_32_callers_who_create_one_contact_create_it_once(soak.large_pool, soak.table)
        case 1:
            _, contact = call("upsert_contact", ACME, json_body={"phone": NEW_PHONE})
            test_races.test_of_64_tags_assigned_at_once_a_contact_gets_20(soak.large_pool, soak.table, contact["id"])
        case 2:
            test_races.test_delete_races_with_an_upsert(soak.pool, soak.table)
        case 3:
            test_races.test_of_65_batches_with_other_tags_for_one_contact_20_succeed(soak.large_pool, soak.table)
        case 4:
            test_races.test_65_batches_with_the_same_tags_for_one_contact_keep_what_the_first_created(
                soak.large_pool, soak.table
            )
        case 5:
            test_races.test_batches_race_with_single_calls_for_the_last_place(soak.pool, soak.table)
        case number:
            function, request, success = test_races.AGAINST_DELETE[number - 6]
            test_races.test_delete_races_with_a_write_by_id(soak.pool, soak.table, function, request, success)
    soak.figures["races"] += 1


def stream_consumer(soak: Soak, dice: random.Random) -> None:
    """Under a fault, killed, or among others."""
    operation, event = dice.choice(test_changes.FLOW), test_changes.build_event(soak.first_rows)
    match dice.randrange(4):
        case 0:
            fault = dice.choice([*faults_of(operation, slow=True).values()])
            test_changes.test_one_fault_changes_nothing(soak.table, soak.proxy, event, operation, fault)
        case 1:
            test_changes.test_after_a_lasting_fault_nothing_is_missing(
                soak.table, soak.proxy, event, operation, dice.choice(MOST_COMMON)
            )
        case 2:
            test_changes.test_after_a_kill_nothing_is_missing(soak.table, soak.proxy, soak.endpoint, event, operation)
        case 3:
            test_changes.test_consumers_who_append_at_once_leave_no_hole_and_lose_nothing(
                soak.pool, soak.table, dice.choice([1, 2, 50])
            )
    soak.figures["batches of the stream"] += 1


def contract(soak: Soak, dice: random.Random) -> None:
    followers = Followers(soak.engine)
    calls = run_contract(
        examples=EXAMPLES, steps_each=STEPS_EACH, seed=dice.randrange(2**32), after_step=followers.follow
    )
    followers.finish(soak.table, soak.first_rows)
    soak.figures["calls in histories of one caller"] += calls
    soak.figures["histories of one caller"] += EXAMPLES


def history(soak: Soak, dice: random.Random) -> None:
    replies_get_lost = dice.random() < 0.5
    first = create_first()
    publisher = Publisher(soak.engine)
    mirror = Mirror(ACME)
    with (
        soak.proxy.disturbing(dice, dice.uniform(0, 0.4), spare=() if replies_get_lost else LOSES_REPLY),
        publishing(publisher, mirror, soak.pool, soak.endpoint, random.Random(dice.random())),
    ):
        exchanges = play(soak.pool, first, dice.randrange(2**32), CALLS_EACH)
    publisher.publish()
    mirror.follow()
    check_mirror(mirror, publisher, stored(ACME, soak.table))
    assert unexplained(exchanges, first, replies_get_lost=replies_get_lost) == []
    soak.figures["histories of four callers"] += 1
    soak.figures["calls in histories of four callers"] += len(exchanges)


class Bounds(NamedTuple):
    weight: int
    """How often it is chosen, relative to the others."""
    seconds: int
    """The time limit of a round, on a busy machine."""


PARTS: dict[Part, Bounds] = {
    one_fault: Bounds(6, 60),
    lasting_fault: Bounds(6, 90),
    killed_function: Bounds(6, 60),
    suddenly_killed_function: Bounds(6, 60),
    killed_consumer: Bounds(3, 60),
    fault_in_a_batch: Bounds(3, 60),
    fault_in_a_list: Bounds(1, 60),
    killed_batch: Bounds(3, 60),
    killed_engine: Bounds(1, 120),
    race: Bounds(3, 180),
    stream_consumer: Bounds(4, 90),
    contract: Bounds(3, 120),
    history: Bounds(12, 60),
}


class OutOfTime(BaseException):
    """Not an Exception: functions catch those and answer 500."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    def give_up(*_: object) -> NoReturn:
        raise OutOfTime(f"The round took more than {seconds} s.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Progress:
    def __init__(self, soak: Soak, terminal: TextIO) -> None:
        self._soak = soak
        self._terminal = terminal
        self._start = time.monotonic()
        self._seen_before, self._faults_before = len(soak.proxy.seen), soak.proxy.faults
        self.round = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        print(text, file=self._terminal, flush=True)

    def say_figures(self) -> None:
        figures = [f"{figure:,} {name}" for name, figure in sorted(self._soak.figures.items())]
        seen, faults = len(self._soak.proxy.seen) - self._seen_before, self._soak.proxy.faults - self._faults_before
        requests = f"{seen:,} requests to the database, {faults:,} of them with a fault"
        self.say(f"{self.seconds:5.0f} s, {self.round}: {', '.join([*figures, requests])}")

    @contextmanager
    def said_regularly(self) -> Iterator[None]:
        def tell(ended: threading.Event) -> None:
            while not ended.wait(SECONDS_BETWEEN_LINES):
                self.say_figures()

        with meanwhile(tell):
            yield


@pytest.fixture
def soak(
    scene: Scene,
    whole_table: Table,
    first_rows: list[Row],
    proxy: FaultProxy,
    pool: Pool,
    large_pool: Pool,
    endpoint: str,
    engine: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Soak:
    return Soak(scene, whole_table, proxy, pool, large_pool, endpoint, engine, first_rows, tmp_path_factory)


@pytest.fixture
def progress(soak: Soak, capsys: pytest.CaptureFixture[str]) -> Iterator[Progress]:
    with capsys.disabled():
        terminal = os.fdopen(os.dup(1), "w")  # capsys gives it to one thread at a time
    with terminal:
        progress = Progress(soak, terminal)
        with progress.said_regularly():
            yield progress


@pytest.mark.skipif(ROUND >= 0, reason="only one round is wanted")
def test_a_list_has_what_is_there_throughout(soak: Soak, progress: Progress) -> None:
    progress.round = "lists"
    soak.table.replace(soak.first_rows)
    churn = churn_contacts(soak.pool, SEED, CHURN)
    churn.check()
    assert findings() == []
    progress.say(
        f"\n{churn.operations:,} contacts created or deleted, {len(churn.listings)} listings of {churn.pages:,} pages"
    )


def test_soak(soak: Soak, progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    progress.say(f"\nSEED={SEED}, {MINUTES:.1f} minutes")
    others = rows_of(GLOBEX.id, soak.first_rows)
    for number in count() if ROUND < 0 else [ROUND]:
        dice = random.Random(f"{SEED} {number}")
        [part] = dice.choices([*PARTS], [each.weight for each in PARTS.values()])
        progress.round = f"round {number}, {part.__name__}"
        soak.table.replace(soak.first_rows)
        try:
            with at_most(PARTS[part].seconds):
                part(soak, dice)
                assert findings() == []
                assert rows_of(GLOBEX.id, soak.table.rows()) == others
        except BaseException as error:
            progress.say(f"{progress.round} failed: {error!r:.500}")
            progress.say(f"To repeat this round: make soak SEED={SEED} ROUND={number}")
            raise
        capsys.readouterr()
        if progress.seconds > 60 * MINUTES:
            break
    progress.say_figures()

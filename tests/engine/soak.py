"""`make soak`: the tests of this folder in random order and with random choices, for as long as one asks."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import count

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.engine import test_death, test_faults, test_races
from tests.engine.concurrency import State, play, step, with_repetitions
from tests.engine.conftest import findings
from tests.engine.fault_proxy import LOSES_REPLY, FaultProxy, faults_of
from tests.engine.flows import NEW_PHONE, STEPS, Scene
from tests.engine.linearizability import is_linearizable
from tests.engine.machine import Contract
from tests.engine.table import Row, Table
from tests.gateway import ACME, GLOBEX, call

MINUTES = float(os.environ.get("MINUTES") or 20)
SEED = int(os.environ.get("SEED") or time.time())
CALLS_EACH = 8
EXAMPLES, STEPS_EACH = 5, 40


class Soak:
    def __init__(self, scene: Scene, table: Table, proxy: FaultProxy, pool: ProcessPoolExecutor, endpoint: str) -> None:
        self._scene = scene
        self._table = table
        self._proxy = proxy
        self._pool = pool
        self._endpoint = endpoint
        self.figures = Counter[str]()

    @property
    def games(self) -> list[Callable[[random.Random], None]]:
        return [
            self.one_fault,
            self.lasting_fault,
            self.death,
            self.race,
            self.contract,
            self.history,
            self.lossy_history,
        ]

    def one_fault(self, dice: random.Random) -> None:
        each = dice.choice(STEPS)
        fault = dice.choice([*faults_of(each.operation, slow=True).values()])
        test_faults.test_one_fault_changes_nothing(self._scene, self._table, self._proxy, each, fault)
        self.figures["calls under one fault"] += 1

    def lasting_fault(self, dice: random.Random) -> None:
        each = dice.choice(STEPS)
        fault = dice.choice([*faults_of(each.operation, slow=dice.random() < 0.1).values()])
        test_faults.test_a_lasting_fault_is_a_503_and_the_same_call_succeeds_afterwards(
            self._scene, self._table, self._proxy, each, fault
        )
        self.figures["calls under a lasting fault"] += 1

    def death(self, dice: random.Random) -> None:
        test_death.test_a_function_that_dies_leaves_nothing_half_done_and_a_repetition_is_right(
            self._scene, self._table, self._proxy, self._endpoint, dice.choice(STEPS)
        )
        self.figures["functions killed"] += 1

    def race(self, dice: random.Random) -> None:
        match dice.randrange(5):
            case 0:
                test_races.test_32_who_create_one_contact_create_one(self._pool, self._table)
            case 1:
                _, contact = call("upsert_contact", ACME, json_body={"phone": NEW_PHONE})
                test_races.test_64_tags_for_one_contact_are_20(self._pool, self._table, contact["id"])
            case 2:
                test_races.test_delete_against_upsert(self._pool, self._table)
            case number:
                function, request, success = test_races.AGAINST_DELETE[number - 3]
                test_races.test_delete_against_a_write_by_id(self._pool, self._table, function, request, success)
        self.figures["races"] += 1

    def contract(self, dice: random.Random) -> None:
        machine = hypothesis.seed(dice.randrange(2**32))(type("Contract", (Contract,), {}))
        run_state_machine_as_test(
            machine,
            settings=hypothesis.settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS_EACH, derandomize=False, database=None, deadline=None
            ),
        )
        self.figures["random histories of one caller"] += EXAMPLES

    def history(self, dice: random.Random) -> None:
        first = self._new_contact()
        with self._proxy.disturbing(dice, dice.uniform(0, 0.4), spare=LOSES_REPLY):
            history = play(self._pool, first, dice.randrange(2**32), CALLS_EACH)
        assert is_linearizable(history, first, step), history
        self.figures["concurrent histories checked"] += 1
        self.figures["calls in them"] += len(history)

    def lossy_history(self, dice: random.Random) -> None:
        first = self._new_contact()
        with self._proxy.disturbing(dice, dice.uniform(0, 0.4)):
            history = play(self._pool, first, dice.randrange(2**32), CALLS_EACH)
        assert is_linearizable(with_repetitions(history), first, step), history
        self.figures["concurrent histories checked"] += 1
        self.figures["calls in them"] += len(history)

    def _new_contact(self) -> State:
        _, contact = call("upsert_contact", ACME, json_body={"phone": NEW_PHONE})
        return State(contact["id"])


def test_soak(
    scene: Scene,
    whole_table: Table,
    first_rows: list[Row],
    proxy: FaultProxy,
    pool: ProcessPoolExecutor,
    endpoint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def say(text: str) -> None:
        with capsys.disabled():
            print(text, flush=True)  # noqa: T201 - for the one who waits

    soak, start, met, seen = (
        Soak(scene, whole_table, proxy, pool, endpoint),
        time.monotonic(),
        proxy.met,
        len(proxy.seen),
    )
    say(f"\nSEED={SEED}, {MINUTES:g} minutes")
    others = [row for row in first_rows if GLOBEX.id in row["pk"]["S"].split("#")]
    minutes = 0
    for number in count():
        dice = random.Random(f"{SEED} {number}")
        game = dice.choice(soak.games)
        whole_table.replace(first_rows)
        try:
            game(dice)
            assert findings() == []
            assert whole_table.rows_of(GLOBEX.id) == others
        except BaseException:
            say(f"Round {number}, {game.__name__}: failed. The same again: make soak SEED={SEED}")
            raise
        capsys.readouterr()
        elapsed = time.monotonic() - start
        if elapsed > 60 * minutes or elapsed > 60 * MINUTES:
            minutes += 1
            figures = ", ".join(f"{figure} {name}" for name, figure in sorted(soak.figures.items()))
            requests = f"{len(proxy.seen) - seen} requests to the database, {proxy.met - met} of them with a fault"
            say(f"{elapsed / 60:5.1f} minutes, {number + 1} rounds: {figures}; {requests}")
        if elapsed > 60 * MINUTES:
            break

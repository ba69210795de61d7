"""kill -9 of a function after each request of each flow, that is between any two of them, and of the engine."""

import signal
import time
from concurrent.futures import as_completed
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from contacts.storage.table import TableItem
from local.emulator.engine import create_table, run_engine
from local.emulator.processes import free_port
from tests.engine.conftest import findings
from tests.engine.fault_proxy import FaultProxy, Forward, Hangup, Reply
from tests.engine.flows import CALLS, STEPS, Scene, Step
from tests.engine.processes import Victim, run_pool, run_victim
from tests.engine.table import PROPERTIES, Row, Table
from tests.engine.test_background_faults import STEPS as MESSAGE_STEPS
from tests.engine.test_background_faults import deliver_anew
from tests.events import ACME, Event, build_batch
from tests.handlers import call

CALLERS = 4
ENGINE_DEATHS = (signal.SIGKILL, CALLERS), (signal.SIGTERM, 0)
"""How the engine dies, and how many transactions that it answered a moment before may be missing then."""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.call}: {step.operation} {step.number}")
def test_a_function_that_dies_leaves_nothing_half_done_and_a_repetition_is_right(
    scene: Scene, table: Table, proxy: FaultProxy, endpoint: str, step: Step
) -> None:
    scene.expected(step.call)
    kill_after(proxy, endpoint, step.operation, step.number, *scene.event(CALLS[step.call]))
    scene.check_repetition(step.call)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("seconds", [0.005])
def test_a_function_that_dies_at_any_moment_leaves_nothing_half_done(
    scene: Scene, table: Table, proxy: FaultProxy, endpoint: str, call: str, seconds: float
) -> None:
    scene.expected(call)
    already = len(proxy.seen)
    victim = run_victim(endpoint, *scene.event(CALLS[call]))
    while len(proxy.seen) == already and victim.is_alive():
        time.sleep(0.001)
    victim.join(seconds)
    victim.kill()
    victim.join()
    time.sleep(0.1)  # what it had sent arrives
    scene.check_repetition(call)


@pytest.mark.parametrize(("function", "message", "operation"), MESSAGE_STEPS)
def test_a_consumer_that_dies_leaves_its_message_to_the_next(
    scene: Scene,
    table: Table,
    first_rows: list[Row],
    proxy: FaultProxy,
    endpoint: str,
    function: str,
    message: dict[str, Any],
    operation: str,
) -> None:
    message |= {"contactId": scene.contact_id}
    assert deliver_anew(function, message) == []
    done = scene.rows
    table.replace(first_rows)
    kill_after(proxy, endpoint, operation, 0, function, build_batch(function, message))
    assert scene.rows in (scene.rows_before, done)
    assert deliver_anew(function, message) == []
    assert scene.rows == done


def kill_after(proxy: FaultProxy, endpoint: str, operation: str, number: int, function: str, event: Event) -> None:
    """Plays a function that is killed when that request of its flow is done and not yet answered."""
    victims = Queue[Victim]()

    def kill(forward: Forward, _request: dict[str, Any]) -> Reply:
        forward()
        victims.get().kill()
        raise Hangup

    with proxy.failing(kill, operation, skip=number):
        victim = run_victim(endpoint, function, event)
        victims.put(victim)
        victim.join(30)
    assert victim.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("answers", [40])
@pytest.mark.parametrize(("death", "may_be_lost"), ENGINE_DEATHS)
def test_an_engine_that_dies_keeps_single_writes_and_whole_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, death: signal.Signals, may_be_lost: int, answers: int
) -> None:
    port = free_port()
    with run_engine(tmp_path, port=port) as engine:
        create_table(engine.wait(), PROPERTIES)
        with run_pool(engine.url, CALLERS) as pool:
            phones = [str(10_000 + number) for number in range(60)]
            # Twice each: a transaction creates the contact, then a single write names it.
            requests = [
                {"json_body": {"phone": phone, "display_name": name}} for phone in phones for name in (None, "Ada")
            ]
            running = {
                pool.submit(call, "upsert_contact", ACME, **request): request["json_body"] for request in requests
            }
            done = as_completed(running)
            list(islice(done, answers))
            engine.process.send_signal(death)
            answered = [(running[each], each.result()) for each in running]
    created = {body["phone"] for body, (status, _) in answered if status == 201}
    named = {body["phone"] for body, (status, _) in answered if status == 200 and body["display_name"]}
    assert {status for _, (status, _) in answered} == {200, 201, 503}
    with run_engine(tmp_path, port=port) as engine:
        monkeypatch.setattr(TableItem, "_connection", None)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", engine.wait())
        found = [call("get_contact_by_phone", ACME, query={"phone": phone}) for phone in phones]
        assert findings() == []
    names = {contact["phone"]: contact["displayName"] for status, contact in found if status == 200}
    assert len(created - names.keys()) <= may_be_lost
    assert [phone for phone in named & names.keys() if names[phone] != "Ada"] == []

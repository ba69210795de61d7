"""kill -9 of functions, after each request of each flow and at any moment, and of DynamoDB Local."""

import signal
import time
from concurrent.futures import as_completed
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from local.emulator.engine import create_table, run_engine
from local.emulator.loops import run_loops
from local.emulator.processes import free_port
from tests.conftest import use_endpoint
from tests.engine.conftest import findings
from tests.engine.environments import Environment, run_pool, start_invocation
from tests.engine.fault_proxy import FaultProxy, Forward, Hangup
from tests.engine.feed import Contact, Mirror, Publisher
from tests.engine.flows import CALLS, NEW_PHONE, STEPS, Scene, Step, deliver_anew
from tests.engine.meanwhile import wait_for
from tests.engine.table import PROPERTIES, Table
from tests.engine.test_background_faults import STEPS as MESSAGE_STEPS
from tests.events import ACME, Event, build_batch
from tests.faults import Reply
from tests.handlers import call

ENVIRONMENTS = 4
ENGINE_SIGNALS = (signal.SIGKILL, ENVIRONMENTS), (signal.SIGTERM, 0)
"""The signals that end the engine, and how many of the last answered transactions may then be missing."""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.call}: {step.operation} {step.number}")
def test_a_function_killed_after_a_request_has_written_all_or_nothing(
    scene: Scene, table: Table, proxy: FaultProxy, endpoint: str, step: Step
) -> None:
    scene.expected(step.call)
    kill_after(proxy, endpoint, step.operation, step.number, CALLS[step.call].function, CALLS[step.call].event)
    scene.check_repetition(step.call)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("seconds", [0.005])
def test_a_function_killed_at_any_moment_has_written_all_or_nothing(
    scene: Scene, table: Table, proxy: FaultProxy, endpoint: str, call: str, seconds: float
) -> None:
    scene.expected(call)
    already = len(proxy.seen)
    environment = start_invocation(endpoint, CALLS[call].function, CALLS[call].event)
    while len(proxy.seen) == already and environment.is_alive():
        time.sleep(0.001)
    environment.join(seconds)
    environment.kill()
    environment.join()
    time.sleep(0.1)  # until the requests that it sent have arrived
    scene.check_repetition(call)


@pytest.mark.parametrize(("function", "message", "operation"), MESSAGE_STEPS)
def test_the_message_of_a_killed_consumer_is_handled_by_the_next(
    scene: Scene,
    table: Table,
    proxy: FaultProxy,
    endpoint: str,
    function: str,
    message: dict[str, Any],
    operation: str,
) -> None:
    done = scene.rows_after(function, message)
    kill_after(proxy, endpoint, operation, 0, function, build_batch(function, message))
    assert scene.rows in (scene.rows_before, done)
    assert deliver_anew(function, message) == []
    assert scene.rows == done


def kill_after(proxy: FaultProxy, endpoint: str, operation: str, number: int, function: str, event: Event) -> None:
    """Runs a function and kills it between a request to DynamoDB, which is executed, and the reply.

    The request is the one that follows the first `number` requests of this operation.
    """
    environments = Queue[Environment]()

    def kill(forward: Forward, _request: dict[str, Any]) -> Reply:
        forward()
        environments.get().kill()
        raise Hangup

    with proxy.failing(kill, operation, skip=number):
        environment = start_invocation(endpoint, function, event)
        environments.put(environment)
        environment.join(30)
    assert environment.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("answers", [40])
@pytest.mark.parametrize(("number", "may_be_lost"), ENGINE_SIGNALS)
def test_a_killed_engine_keeps_single_writes_and_whole_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, may_be_lost: int, answers: int
) -> None:
    """A missing transaction is missing as a whole: see docs/reliability.md."""
    port = free_port()
    with run_engine(tmp_path, port=port) as engine:
        create_table(engine.wait(), PROPERTIES)
        with run_pool(engine.url, ENVIRONMENTS) as pool:
            phones = [str(10_000 + each) for each in range(answers // 2 + 30)]
            # Two requests for each phone: a transaction creates the contact, then a single write names it.
            requests = [
                {"json_body": {"phone": phone, "display_name": name}} for phone in phones for name in (None, "Ada")
            ]
            running = {
                pool.submit(call, "upsert_contact", ACME, **request): request["json_body"] for request in requests
            }
            done = as_completed(running)
            list(islice(done, answers))
            engine.process.send_signal(number)
            answered = [(running[each], each.result()) for each in running]
    created = {body["phone"] for body, (status, _) in answered if status == 201}
    named = {body["phone"] for body, (status, _) in answered if status == 200 and body["display_name"]}
    assert {status for _, (status, _) in answered} == {200, 201, 503}
    with run_engine(tmp_path, port=port) as engine:
        use_endpoint(monkeypatch, engine.wait())
        found = [call("get_contact_by_phone", ACME, query={"phone": phone}) for phone in phones]
        assert findings() == []
        mirrored = {each["phone"]: each["displayName"] for each in follow(engine.url).values()}
    names = {contact["phone"]: contact["displayName"] for status, contact in found if status == 200}
    assert len(created - names.keys()) <= may_be_lost
    assert [phone for phone in named & names.keys() if names[phone] != "Ada"] == []
    if number == signal.SIGTERM:
        assert mirrored == names


def test_an_engine_that_ends_is_started_again_with_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with run_engine(tmp_path) as engine, run_loops([partial(engine.keep_running, told.append)]):
        create_table(engine.wait(), PROPERTIES)
        use_endpoint(monkeypatch, engine.url)
        assert call("upsert_contact", ACME, json_body={"phone": NEW_PHONE})[0] == 201
        assert call("upsert_contact", ACME, json_body={"phone": NEW_PHONE})[0] == 200  # so the first one is on disk
        engine.process.kill()
        wait_for(lambda: len(told) == 2)
        assert call("get_contact_by_phone", ACME, query={"phone": NEW_PHONE})[0] == 200
    ended = f"The engine has ended with exit code -9 and is started again. {tmp_path / 'engine.log'} may say why."
    assert told == [ended, "The engine runs again."]


def follow(engine: str) -> dict[str, Contact]:
    """The contacts of a mirror that follows all that the engine's stream has."""
    mirror = Mirror(ACME)
    mirror.contacts.clear()  # as if it had listed before the first contact
    Publisher(engine, start="TRIM_HORIZON").publish()
    mirror.follow()
    return mirror.contacts

"""Every request in the flow of every endpoint meets faults, once and as long as the caller waits."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import use_endpoint
from tests.document import OPERATIONS
from tests.engine.fault_proxy import MOST_COMMON, Fault, FaultProxy, faults_of
from tests.engine.flows import CALLS, STEPS, Scene, Step
from tests.engine.table import Table
from tests.faults import refuse
from tests.refusals import UNAVAILABLE

CONFLICTS = {"TransactionConflictException", "cancelled: TransactionConflict", "TransactionInProgressException"}
"""Functions retry these until the retry budget of the operation is used up, and all others three times."""

UNAVAILABLE_ITEM = 207, {"results": [{"status": 503, "error": UNAVAILABLE[1]["error"]}]}
"""A batch answers for each of its contacts."""

FIRST_OF_OPERATION = {each.operation: each for each in reversed(STEPS)}.values()
"""These requests meet all faults, and every other request the most common ones. `make soak` draws from all."""


def _once(step: Step, fault: str) -> bool:
    if step in FIRST_OF_OPERATION:
        return True
    is_tested_without_key = CALLS[step.call].keeps_answer and step.operation != "PutItem" and not _is_last(step)
    return fault in MOST_COMMON and not is_tested_without_key


def _lasting(step: Step, fault: str) -> bool:
    takes_seconds = fault.startswith("slow") or (fault in CONFLICTS and step.operation != "UpdateItem")
    return fault in MOST_COMMON or (step in FIRST_OF_OPERATION and not takes_seconds)


def _is_last(step: Step) -> bool:
    return step == [each for each in STEPS if each.call == step.call][-1]


def cases(is_chosen: Callable[[Step, str], bool]) -> list[Any]:
    return [
        pytest.param(step, fault, id=f"{step.call}: {step.operation} {step.number}: {name}")
        for step in STEPS
        for name, fault in faults_of(step.operation, slow=True).items()
        if is_chosen(step, name)
    ]


def test_every_endpoint_is_called() -> None:
    """Except whoami, which does not use the table."""
    assert {each.function for each in CALLS.values()} | {"whoami"} == {each.function for each in OPERATIONS}


@pytest.mark.parametrize(("step", "fault"), cases(_once))
def test_one_fault_changes_nothing(scene: Scene, table: Table, proxy: FaultProxy, step: Step, fault: Fault) -> None:
    expected = scene.expected(step.call)
    faults = proxy.faults
    with proxy.failing(fault, step.operation, skip=step.number):
        answer = scene.play(CALLS[step.call])
    assert proxy.faults == faults + 1
    assert (answer, scene.rows) == (expected.answer, expected.rows)


@pytest.mark.parametrize(("step", "fault"), cases(_lasting))
def test_a_lasting_fault_is_a_503_and_the_same_call_succeeds_afterwards(
    scene: Scene, table: Table, proxy: FaultProxy, step: Step, fault: Fault
) -> None:
    call, expected = CALLS[step.call], scene.expected(step.call)
    with proxy.failing(fault, step.operation, skip=step.number, times=None):
        answer = scene.play(call)
    if _is_last(step) and call.keeps_answer:
        assert answer == expected.answer  # only keeping the answer failed
    else:
        writes_item = call.function == "upsert_contacts" and step.operation in {"UpdateItem", "TransactWriteItems"}
        refusal = UNAVAILABLE_ITEM if writes_item else UNAVAILABLE
        assert (answer["statusCode"], json.loads(answer["body"])) == refusal
        assert answer["headers"]["Retry-After"] == "1"
    scene.check_repetition(step.call)


def test_without_a_database_every_call_is_a_503(scene: Scene, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        use_endpoint(patch, "http://127.0.0.1:9")
        answers = [scene.play(call) for call in CALLS.values()]
    assert {(each["statusCode"], each["headers"].get("Retry-After")) for each in answers} == {(503, "1")}
    assert scene.play(CALLS["by phone"]) == scene.expected("by phone").answer


def test_after_many_faults_the_next_fault_is_still_retried(scene: Scene, table: Table, proxy: FaultProxy) -> None:
    """The retry quota of botocore would be used up."""
    expected, fault = scene.expected("by phone").answer, refuse("InternalServerError", 500)
    with proxy.failing(fault, "GetItem", times=None):
        assert {scene.play(CALLS["by phone"])["statusCode"] for _ in range(20)} == {503}
    with proxy.failing(fault, "GetItem"):
        assert scene.play(CALLS["by phone"]) == expected

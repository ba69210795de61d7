"""Every endpoint, at every request of its flow, under every fault: once, and for as long as the caller waits."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from contacts.storage.table import TableItem
from tests.engine.fault_proxy import Fault, FaultProxy, faults_of, refuse
from tests.engine.flows import CALLS, STEPS, Scene, Step
from tests.engine.table import Table
from tests.refusals import UNAVAILABLE

EVERYTHING = bool(os.environ.get("SOAK"))
"""Also what takes seconds each."""

CONFLICTS = {"TransactionConflictException", "cancelled: TransactionConflict", "TransactionInProgressException"}
"""They are repeated for seconds, where other faults end a call at the third."""

MOST_COMMON = {"lost request", "lost reply", "ThrottlingException"}
ONE_OF_A_KIND = {
    Step("by phone", "GetItem", 0),
    Step("create", "TransactWriteItems", 0),
    Step("patch", "UpdateItem", 0),
    Step("assign", "BatchGetItem", 0),
}


def _once(step: Step, fault: str) -> bool:
    if EVERYTHING or step in ONE_OF_A_KIND:
        return True
    if CALLS[step.call].keeps_answer:  # what its use case asks for is met without a key as well
        return fault in MOST_COMMON and (step.operation == "PutItem" or _is_last(step))
    return not fault.startswith("slow")


def _lasting(step: Step, fault: str) -> bool:
    if EVERYTHING or (step.operation, fault) == ("UpdateItem", "TransactionConflictException"):
        return EVERYTHING or step in ONE_OF_A_KIND
    return fault in MOST_COMMON or (step in ONE_OF_A_KIND and fault not in CONFLICTS and not fault.startswith("slow"))


def _is_last(step: Step) -> bool:
    return step == [each for each in STEPS if each.call == step.call][-1]


def cases(is_chosen: Callable[[Step, str], bool]) -> list[Any]:
    return [
        pytest.param(step, fault, id=f"{step.call}: {step.operation} {step.number}: {name}")
        for step in STEPS
        for name, fault in faults_of(step.operation, slow=True).items()
        if is_chosen(step, name)
    ]


@pytest.mark.parametrize(("step", "fault"), cases(_once))
def test_one_fault_changes_nothing(scene: Scene, table: Table, proxy: FaultProxy, step: Step, fault: Fault) -> None:
    expected = scene.expected(step.call)
    met = proxy.met
    with proxy.failing(fault, step.operation, skip=step.number):
        answer = scene.play(CALLS[step.call])
    assert proxy.met == met + 1
    assert (answer, scene.rows) == (expected.answer, expected.rows)


@pytest.mark.parametrize(("step", "fault"), cases(_lasting))
def test_a_lasting_fault_is_a_503_and_the_same_call_succeeds_afterwards(
    scene: Scene, table: Table, proxy: FaultProxy, step: Step, fault: Fault
) -> None:
    call, expected = CALLS[step.call], scene.expected(step.call)
    with proxy.failing(fault, step.operation, skip=step.number, times=None):
        answer = scene.play(call)
    if _is_last(step) and call.keeps_answer:
        assert answer == expected.answer  # all that failed was to keep it
    else:
        assert (answer["statusCode"], json.loads(answer["body"])) == UNAVAILABLE
        assert answer["headers"]["Retry-After"] == "1"
    scene.check_repetition(step.call)


def test_without_a_database_every_call_is_a_503(scene: Scene, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TableItem, "_connection", None)
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
        answers = [scene.play(call) for call in CALLS.values()]
    assert {(each["statusCode"], each["headers"].get("Retry-After")) for each in answers} == {(503, "1")}
    assert scene.play(CALLS["by phone"]) == scene.expected("by phone").answer


def test_after_a_bad_minute_one_more_fault_is_still_made_good(scene: Scene, table: Table, proxy: FaultProxy) -> None:
    """botocore's own quota of retries would be empty by then."""
    expected, fault = scene.expected("by phone").answer, refuse("InternalServerError", 500)
    with proxy.failing(fault, "GetItem", times=None):
        assert {scene.play(CALLS["by phone"])["statusCode"] for _ in range(20)} == {503}
    with proxy.failing(fault, "GetItem"):
        assert scene.play(CALLS["by phone"]) == expected

"""Random histories, one call after the other: each answer, and each contact, as the contract has it."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.engine.machine import Contract
from tests.engine.table import Table


def test_random_histories_follow_the_contract(table: Table) -> None:
    run_state_machine_as_test(Contract, settings=settings(max_examples=15, stateful_step_count=30))

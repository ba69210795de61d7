"""Random histories of one call after the other: each answer and each contact follows the contract."""

from tests.engine.machine import run_contract
from tests.engine.table import Table


def test_random_histories_follow_the_contract(table: Table) -> None:
    assert run_contract(examples=32, steps_each=50, seed=1) > 1000

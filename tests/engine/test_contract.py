"""Random histories of one call after the other: each answer and each contact follows the contract."""

import pytest

from tests.engine.machine import run_contract
from tests.engine.table import Table


@pytest.mark.parametrize("seed", range(7))
def test_random_histories_follow_the_contract(table: Table, seed: int) -> None:
    """Few examples for each seed, because those of one seed resemble each other."""
    assert run_contract(examples=4, steps_each=40, seed=seed) > 40

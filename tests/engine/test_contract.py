"""Random histories of one call after the other: each answer and each contact follows the contract."""

import pytest

from tests.engine.feed import Followers
from tests.engine.machine import run_contract
from tests.engine.table import Row, Table


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_follow_the_contract_and_mirrors_follow_them(
    table: Table, engine: str, first_rows: list[Row], seed: int
) -> None:
    """Few examples for each seed, because those of one seed resemble each other."""
    followers = Followers(engine)
    assert run_contract(examples=4, steps_each=40, seed=seed, after_step=followers.follow) > 40
    followers.finish(table, first_rows)

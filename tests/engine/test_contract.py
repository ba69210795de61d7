"""Random histories of one call after the other: each answer and each contact follows the contract."""

import pytest

from tests.engine.feed import Mirror, Publisher, check_mirror, restore_logs, stored
from tests.engine.machine import run_contract
from tests.engine.table import Row, Table
from tests.events import ACME, GLOBEX


@pytest.mark.parametrize("seed", range(7))
def test_random_histories_follow_the_contract_and_mirrors_follow_them(
    table: Table, engine: str, first_rows: list[Row], seed: int
) -> None:
    """Few examples for each seed, because those of one seed resemble each other."""
    publisher = Publisher(engine)
    mirrors = {tenant: Mirror(tenant) for tenant in (ACME, GLOBEX)}

    def follow() -> None:
        publisher.publish()
        for tenant, mirror in mirrors.items():
            mirror.follow()
            check_mirror(mirror, publisher, stored(tenant, table))

    assert run_contract(examples=4, steps_each=40, seed=seed, after_each=follow) > 40
    follow()
    assert mirrors[ACME].changes
    restore_logs(table, first_rows)

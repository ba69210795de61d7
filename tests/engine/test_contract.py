"""Random histories of one call after the other: each answer and each contact follows the contract."""

from itertools import count

import pytest

from tests.engine.feed import Mirror, Publisher, check_mirror, restore_logs, stored
from tests.engine.machine import Contract, run_contract
from tests.engine.table import Row, Table
from tests.events import ACME, GLOBEX

STEPS_BETWEEN = 3
"""With more of them, another change of the same contact could hide one that is missing."""


@pytest.mark.parametrize("seed", range(7))
def test_random_histories_follow_the_contract_and_mirrors_follow_them(
    table: Table, engine: str, first_rows: list[Row], seed: int
) -> None:
    """Few examples for each seed, because those of one seed resemble each other."""
    publisher = Publisher(engine)
    mirrors = {tenant: Mirror(tenant) for tenant in (ACME, GLOBEX)}
    others = {tenant: mirror.contacts.copy() for tenant, mirror in mirrors.items()}
    steps = count()

    def follow(contract: Contract) -> None:
        if next(steps) % STEPS_BETWEEN == 0 and publisher.publish():
            for tenant, mirror in mirrors.items():
                mirror.follow()
                contacts = [each for (owner, _), each in contract.contacts.items() if owner == tenant.id]
                check_mirror(mirror, publisher, others[tenant] | {each.id: each.with_tags for each in contacts})

    assert run_contract(examples=4, steps_each=40, seed=seed, after_step=follow) > 40
    publisher.publish()
    for tenant, mirror in mirrors.items():
        mirror.follow()
        check_mirror(mirror, publisher, stored(tenant, table))
    restore_logs(table, first_rows)

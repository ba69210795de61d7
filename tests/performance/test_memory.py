"""The rule by which a memory size is chosen."""

import pytest

from benchmarks.memory import Runs, choose

QUICK, SLOW = 19 * [10.0] + [11.0], 19 * [11.2] + [12.0]
OFTEN_STOPPED = 17 * [10.0] + 3 * [16.0]


@pytest.mark.parametrize(
    ("calls", "size"),
    [
        ({512: QUICK, 768: QUICK, 1024: QUICK, 1769: QUICK}, 512),
        ({512: SLOW, 768: QUICK, 1024: QUICK, 1769: QUICK}, 768),
        ({512: OFTEN_STOPPED, 768: QUICK, 1024: QUICK, 1769: QUICK}, 768),
        ({512: 20 * [34.0], 768: 20 * [22.0], 1024: 20 * [17.0], 1769: 20 * [9.5]}, 1769),
        ({512: 20 * [1.9], 768: 20 * [1.0], 1024: 20 * [0.9], 1769: 20 * [0.9]}, 768),
    ],
    ids=["as fast", "p50 12 % longer", "p90 60 % longer", "longer with each size", "1 ms longer, but billed as two"],
)
def test_the_cheapest_size_is_chosen_that_is_fast_enough(calls: dict[int, list[float]], size: int) -> None:
    assert choose({each: Runs(later=later) for each, later in calls.items()}) == size


def test_a_million_calls_are_billed_by_gigabyte_and_millisecond() -> None:
    assert Runs(later=[4.1, 5.0, 6.9]).price(512) == pytest.approx(13.3334 / 2 * (5 + 5 + 7) / 3 / 1000)

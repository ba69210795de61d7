"""Memory sizes: latency and price of each function's call at the share of a core that its memory buys."""

import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from itertools import product
from math import ceil
from pathlib import Path
from statistics import fmean, median, quantiles

from rich.progress import track

from benchmarks.contenders import Contender, Contenders
from benchmarks.costs import GIGABYTE_SECONDS
from benchmarks.page import Section, Table
from benchmarks.quotas import NoQuota, run_quota
from benchmarks.replay import run_replay
from benchmarks.workload import Workload
from local.stack import Backend
from tests.events import Event

SIZES = 512, 768, 1024, 1769
"""In megabytes."""
MOST_P50, MOST_P90 = 1.1, 1.5
"""A size is fast enough while its p50 and p90 are at most these times the shortest ones, or BILLED_MS longer."""
BILLED_MS = 1
SECONDS, FEWEST_CALLS = 0.4, 4
"""How long a process is called in a row, and at least how many times after its first call."""


@dataclass
class Runs:
    """Of one function at one size. All times are in milliseconds."""

    first: list[float] = field(default_factory=list)
    """First calls of a process."""
    later: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_megabytes: float = 0

    @property
    def p50(self) -> float:
        return median(self.later)

    @property
    def p90(self) -> float:
        return quantiles(self.later, n=10, method="inclusive")[-1]

    def price(self, memory_mb: int) -> float:
        """Dollars for the gigabyte seconds of a million calls. Lambda rounds each call up to a millisecond."""
        return GIGABYTE_SECONDS * memory_mb / 1024 * fmean(map(ceil, self.later)) / 1000


type Sizes = Mapping[int, Runs]


def measure(backend: Backend, directory: Path, rounds: int) -> Section:
    try:
        with run_quota(SIZES[0]):
            pass
    except NoQuota as error:
        return Section("Memory size", [], note=f"Not measured. {error}")
    with redirect_stdout(StringIO()):  # hides the functions' metrics
        events = Workload().make_full_events()
    contenders = {name: Contenders(backend).product(name) for name in sorted(events)}
    runs: dict[str, Sizes] = {name: {size: Runs() for size in SIZES} for name in contenders}
    with run_replay(backend.environment["AWS_ENDPOINT_URL_DYNAMODB"], directory) as https:
        for name, contender in contenders.items():  # records the engine's replies
            with contender.start(**https) as environment:
                environment.invoke(json.dumps(events[name]()).encode())
        order = [
            each
            for _ in range(rounds)
            for name in contenders
            for each in product([name], random.sample(SIZES, len(SIZES)))
        ]
        for name, size in track(order, "Memory sizes"):
            _run(runs[name][size], contenders[name], events[name], size, https)
    deployed = {each.directory.name: each.memory_mb for each in backend.functions}
    return Section("Memory size", [_size_table(runs, deployed), _latency_table(runs)])


def _run(
    runs: Runs, contender: Contender, make_event: Callable[[], Event], size: int, https: Mapping[str, str]
) -> None:
    with run_quota(size) as limit, contender.start(**https) as environment:
        limit(environment.pid)  # after the start, for which Lambda gives a whole core
        _, first = environment.invoke(json.dumps(make_event()).encode())
        runs.first.append(1000 * first.seconds)
        end, calls = time.monotonic() + SECONDS, 0
        while time.monotonic() < end or calls < FEWEST_CALLS:
            _, cost = environment.invoke(json.dumps(make_event()).encode())
            calls += 1
            if calls > 1:  # the second call still fills caches
                runs.later.append(1000 * cost.seconds)
                runs.cpu.append(1000 * cost.cpu_seconds)
        runs.peak_megabytes = max(runs.peak_megabytes, environment.peak_megabytes)


def choose(runs: Sizes) -> int:
    """The cheapest size that is fast enough."""
    shortest_p50 = min(each.p50 for each in runs.values())
    shortest_p90 = min(each.p90 for each in runs.values())
    fast = [
        size
        for size, each in runs.items()
        if each.p50 <= max(MOST_P50 * shortest_p50, shortest_p50 + BILLED_MS)
        and each.p90 <= max(MOST_P90 * shortest_p90, shortest_p90 + BILLED_MS)
    ]
    return min(fast, key=lambda size: runs[size].price(size))


def _size_table(functions: Mapping[str, Sizes], deployed: Mapping[str, int]) -> Table:
    return Table(
        ["", "CPU, ms", "peak, MB", *_columns("p50, ms"), *_columns("$ a million"), "MemorySize", "verdict"],
        [
            [
                name,
                f"{median(runs[SIZES[-1]].cpu):.1f}",
                f"{max(each.peak_megabytes for each in runs.values()):.0f}",
                *(f"{each.p50:.1f}" for each in runs.values()),
                *(f"{each.price(size):.2f}" for size, each in runs.items()),
                f"{deployed[name]:,}",
                "met" if choose(runs) == deployed[name] else f"{choose(runs):,} here",
            ]
            for name, runs in functions.items()
        ],
    )


def _latency_table(functions: Mapping[str, Sizes]) -> Table:
    return Table(
        ["", *_columns("p90, ms"), *_columns("first call, ms")],
        [
            [
                name,
                *(f"{each.p90:.1f}" for each in runs.values()),
                *(f"{median(each.first):.0f}" for each in runs.values()),
            ]
            for name, runs in functions.items()
        ],
    )


def _columns(figure: str) -> list[str]:
    first, *others = (f"{size:,} MB" for size in SIZES)
    return [f"{figure}: {first}", *others]

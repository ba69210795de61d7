"""Start-up: from exec until the runtime client asks for the first invocation, then that invocation, over HTTPS."""

import random
from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from rich.progress import track

from benchmarks.contenders import REFERENCE_NAME, Contender, Contenders
from benchmarks.environments import Cost
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_bars
from benchmarks.spread import Spread
from benchmarks.tls import run_tls
from benchmarks.workload import Case, Workload
from local.stack import Backend

GOALS = {"authorizer": 0.35, "by phone": 0.35, "by id": 0.35, "upsert, existing": 0.5, "patch": 0.5, "assign tag": 0.5}
"""Of the reference: what reads and what writes may take."""


def measure(workload: Workload, backend: Backend, directory: Path, rounds: int) -> Section:
    by_phone, *others = workload.endpoints
    contenders = Contenders(backend)
    rows: dict[str, tuple[Contender, Case]] = {
        each.name: (each, by_phone) for each in [contenders.reference(), *contenders.peers(by_phone.function)]
    }
    cases = [workload.authorizer, by_phone, *(case for case in others if case.name != "upsert, new")]
    rows |= {case.name: (contenders.product(case.function), case) for case in cases}
    startups: dict[str, list[Cost]] = defaultdict(list)
    calls: dict[str, list[list[Cost]]] = defaultdict(list)
    with run_tls(backend.environment["AWS_ENDPOINT_URL_DYNAMODB"], directory) as https:
        for name in track(_interleave(list(rows), rounds), "Start-up"):
            contender, case = rows[name]
            events = contender.make_event(case), contender.make_event(case)
            with contender.start(**https) as environment:
                startups[name].append(environment.startup)
                calls[name].append([environment.invoke(event)[1] for event in events])
    spreads = {name: Spread.of(1000 * each.seconds for each in costs) for name, costs in startups.items()}
    return Section(
        "Start-up",
        [_table(rows, startups, calls)],
        draw_bars(
            "From exec to the first invocation asked for",
            "milliseconds",
            {n: spreads[n] for n in rows},
            [c.name for c in cases],
        ),
    )


def _interleave(names: list[str], rounds: int) -> list[str]:
    """Each round in another order: nobody always comes after the same one."""
    return list(chain.from_iterable(random.sample(names, len(names)) for _ in range(rounds)))


def _table(
    rows: Mapping[str, object], startups: Mapping[str, list[Cost]], calls: Mapping[str, list[list[Cost]]]
) -> Table:
    seconds = {name: Spread.of(1000 * each.seconds for each in startups[name]) for name in rows}
    cpu = {name: Spread.of(1000 * each.cpu_seconds for each in startups[name]) for name in rows}
    first, second = (
        {name: Spread.of(1000 * pair[number].cpu_seconds for pair in calls[name]) for name in rows} for number in (0, 1)
    )
    return Table(
        ["", "start-up, ms", "ratio", "goal", "CPU, ms", "ratio of CPU", "first call, ms CPU", "second call, ms CPU"],
        [
            [
                name,
                str(seconds[name]),
                f"{seconds[name].median / seconds[REFERENCE_NAME].median:.2f}",
                f"{GOALS[name]:.2f}" if name in GOALS else "",
                str(cpu[name]),
                f"{cpu[name].median / cpu[REFERENCE_NAME].median:.2f}",
                f"{first[name].median:.0f}",
                f"{second[name].median:.1f}",
            ]
            for name in rows
        ],
    )

"""Start-up: from exec until the runtime client asks for the first invocation, then that invocation, over HTTPS."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

from rich.progress import track

from benchmarks.contenders import REFERENCE_NAME, Contender, Contenders
from benchmarks.environments import Cost
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_bars
from benchmarks.spread import Spread
from benchmarks.tls import run_tls
from benchmarks.workload import Case, Workload
from local.stack import Backend

READ, WRITE = 0.35, 0.5
GOALS = {
    **dict.fromkeys(["authorizer", "by phone", "by id"], READ),
    **dict.fromkeys(["upsert, existing", "patch", "assign tag", "remove tag", "delete"], WRITE),
}
"""The most that a start-up may take, as a ratio to the reference's."""


@dataclass(frozen=True)
class Launch:
    startup: Cost
    first_call: Cost
    second_call: Cost


def measure(workload: Workload, backend: Backend, directory: Path, rounds: int) -> Section:
    contenders = Contenders(backend)
    product = {
        case.name: (contenders.product(case.function), case)
        for case in [workload.authorizer, *workload.endpoints]
        if case.name in GOALS
    }
    by_phone = product["by phone"][1]
    others = {each.name: (each, by_phone) for each in [contenders.reference(), *contenders.peers(by_phone.function)]}
    launches = _launch_all({**others, **product}, backend.environment["AWS_ENDPOINT_URL_DYNAMODB"], directory, rounds)
    ratios = {name: Spread.of(_ratios(launches, name, _seconds)) for name in launches}
    title = "From exec until the first invocation is asked for"
    unit = "of the time that the reference takes in the same round"
    picture = draw_bars(title, unit, ratios, product, {"goal of reads": READ, "goal of writes": WRITE})
    return Section("Start-up", [_table(launches)], picture)


def _launch_all(
    rows: Mapping[str, tuple[Contender, Case]], dynamodb_url: str, directory: Path, rounds: int
) -> dict[str, list[Launch]]:
    launches: dict[str, list[Launch]] = {name: [] for name in rows}
    # Each round in another order, so that nobody always comes after the same one.
    order = list(chain.from_iterable(random.sample(list(rows), len(rows)) for _ in range(rounds)))
    with run_tls(dynamodb_url, directory) as https:
        for name in track(order, "Start-up"):
            contender, case = rows[name]
            first, second = contender.make_event(case), contender.make_event(case)
            with contender.start(**https) as environment:
                calls = environment.invoke(first)[1], environment.invoke(second)[1]
                launches[name].append(Launch(environment.startup, *calls))
    return launches


def _seconds(each: Launch) -> float:
    return each.startup.seconds


def _cpu(each: Launch) -> float:
    return each.startup.cpu_seconds


def _cpu_with_first_call(each: Launch) -> float:
    return each.startup.cpu_seconds + each.first_call.cpu_seconds


def _ratios(launches: Mapping[str, list[Launch]], name: str, cost: Callable[[Launch], float]) -> Iterator[float]:
    """To the reference in the same round: what else the machine does from round to round meets both."""
    for each, reference in zip(launches[name], launches[REFERENCE_NAME], strict=True):
        yield cost(each) / cost(reference)


def _table(launches: Mapping[str, list[Launch]]) -> Table:
    def ratio(name: str, cost: Callable[[Launch], float]) -> str:
        return f"{median(_ratios(launches, name, cost)):.2f}"

    return Table(
        [
            "",
            "start-up, ms",
            "ratio",
            "goal",
            "CPU, ms",
            "ratio",
            "first call, CPU",
            "with it, ratio",
            "second call, CPU",
        ],
        [
            [
                name,
                str(Spread.of_seconds(map(_seconds, of_one))),
                ratio(name, _seconds),
                f"{GOALS[name]:.2f}" if name in GOALS else "",
                str(Spread.of_seconds(map(_cpu, of_one))),
                ratio(name, _cpu),
                f"{1000 * median(each.first_call.cpu_seconds for each in of_one):.0f}",
                ratio(name, _cpu_with_first_call),
                f"{1000 * median(each.second_call.cpu_seconds for each in of_one):.1f}",
            ]
            for name, of_one in launches.items()
        ],
    )

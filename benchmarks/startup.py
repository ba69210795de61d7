"""Start-up: from exec until the runtime client asks for the first invocation; then two calls over HTTPS."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

from rich.progress import track

from benchmarks.contenders import REFERENCE_NAME, Contender, Contenders
from benchmarks.environments import Cost, FilesRead, count_files
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_bars
from benchmarks.spread import Spread, describe_noise, judge
from benchmarks.tls import run_tls
from benchmarks.workload import Case, Workload
from local.stack import Backend

GOALS = {
    **dict.fromkeys(["authorizer", "by phone", "by id", "remove tag", "delete"], 0.31),
    **dict.fromkeys(["upsert, existing", "patch", "assign tag"], 0.42),
    **dict.fromkeys(["list contacts", "list tags", "changes"], 0.32),
    "batch": 0.48,
}
"""The longest start-up of each case, as a ratio to the reference's."""


@dataclass(frozen=True)
class Launch:
    startup: Cost
    first_call: Cost
    second_call: Cost


type Launches = Mapping[str, list[Launch]]
"""By row, one for each round."""


def measure(workload: Workload, backend: Backend, directory: Path, rounds: int) -> Section:
    contenders = Contenders(backend)
    cases = [each for each in [workload.authorizer, *workload.endpoints, *workload.syncing] if each.name in GOALS]
    by_phone = next(case for case in cases if case.name == "by phone")
    others = [contenders.reference(), *contenders.peers(by_phone.function)]
    rows = {
        **{each.name: (each, by_phone) for each in others},
        **{case.name: (contenders.product(case.function), case) for case in cases},
    }
    launches = _launch_all(rows, backend.environment["AWS_ENDPOINT_URL_DYNAMODB"], directory, rounds)
    files = {name: count_files(each.artifact, each.variables) for name, (each, _) in rows.items()}
    ratios = {name: Spread.of(_ratios(launches, name, _seconds)) for name in launches}
    reference = Spread.of_seconds(map(_seconds, launches[REFERENCE_NAME]))
    return Section(
        "Start-up",
        [_startup_table(launches, files, ratios, reference), _call_table(launches)],
        draw_bars("From exec until the first invocation is asked for", "ratio to the reference", ratios, GOALS),
        describe_noise(reference),
    )


def _launch_all(
    rows: Mapping[str, tuple[Contender, Case]], dynamodb_url: str, directory: Path, rounds: int
) -> Launches:
    launches: dict[str, list[Launch]] = {name: [] for name in rows}
    # A new order in each round, so that no contender always follows the same one.
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


def _ratios(launches: Launches, name: str, cost: Callable[[Launch], float]) -> list[float]:
    """To the reference in the same round: other load on the machine slows both down."""
    pairs = zip(launches[name], launches[REFERENCE_NAME], strict=True)
    return [cost(each) / cost(reference) for each, reference in pairs]


def _startup_table(
    launches: Launches,
    files: Mapping[str, tuple[FilesRead, FilesRead]],
    ratios: Mapping[str, Spread],
    reference: Spread,
) -> Table:
    return Table(
        ["", "start-up, ms", "ratio", "goal", "verdict", "CPU ratio", "own files", "kB", "runtime's files", "kB"],
        [
            [
                name,
                str(Spread.of_seconds(map(_seconds, of_one))),
                f"{ratios[name].median:.2f}",
                *judge(ratios[name].median, GOALS.get(name), reference),
                f"{median(_ratios(launches, name, _cpu)):.2f}",
                *chain.from_iterable((f"{each.files}", f"{each.kilobytes:,.0f}") for each in files[name]),
            ]
            for name, of_one in launches.items()
        ],
    )


def _call_table(launches: Launches) -> Table:
    return Table(
        ["CPU, ms", "start-up", "first call", "second call", "ratio of start-up and first call"],
        [
            [
                name,
                *(
                    str(Spread.of_seconds(each.cpu_seconds for each in costs))
                    for costs in zip(
                        *((each.startup, each.first_call, each.second_call) for each in of_one), strict=True
                    )
                ),
                f"{median(_ratios(launches, name, _cpu_with_first_call)):.2f}",
            ]
            for name, of_one in launches.items()
        ],
    )

"""Warm: what a call costs in CPU time and how long it takes, endpoint by endpoint."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import product

from rich.progress import track

from benchmarks.contenders import PRODUCT_NAME, REFERENCE_NAME, Contender, Contenders
from benchmarks.environments import Cost
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_groups
from benchmarks.spread import Spread
from benchmarks.workload import Case, Workload
from local.stack import Backend

MOST_OVERHEAD_MS = 2.0
CALLS_IN_A_ROW = 20
TO_WARM_UP = 10

type Costs = dict[str, list[Cost]]
"""By contender."""


def measure(workload: Workload, backend: Backend, rounds: int) -> Section:
    contenders = Contenders(backend)
    alone = [workload.authorizer, workload.whoami]  # the peers have neither
    costs = {
        case.name: _measure_case(
            case,
            [
                contenders.product(case.function),
                *([] if case in alone else contenders.peers(case.function)),
                contenders.reference(),
            ],
            rounds,
        )
        for case in track([*workload.endpoints, *alone], "Warm calls")
    }
    cpu = {
        case: {name: Spread.of_seconds(each.cpu_seconds for each in of_case) for name, of_case in of_all.items()}
        for case, of_all in costs.items()
    }
    compared = {case.name: cpu[case.name] for case in workload.endpoints}
    return Section(
        "Warm calls",
        [_cpu_table(cpu), _latency_table(costs)],
        draw_groups("CPU time of a call", "milliseconds", compared, PRODUCT_NAME),
    )


def _measure_case(case: Case, contenders: Iterable[Contender], rounds: int) -> Costs:
    costs: Costs = defaultdict(list)
    with ExitStack() as stack:
        running = {each.name: (each, stack.enter_context(each.start())) for each in contenders}
        for contender, environment in running.values():
            for _ in range(TO_WARM_UP):
                environment.invoke(contender.make_event(case))
        for _, (name, (contender, environment)) in product(range(rounds), running.items()):
            events = [contender.make_event(case) for _ in range(CALLS_IN_A_ROW)]
            costs[name] += [environment.invoke(event)[1] for event in events]
    return costs


def _cpu_table(cpu: dict[str, dict[str, Spread]]) -> Table:
    names = list(next(iter(cpu.values())))
    return Table(
        ["CPU, ms", *names, "overhead"],
        [
            [
                case,
                *(str(of_case.get(name, "")) for name in names),
                f"{of_case[PRODUCT_NAME].median - of_case[REFERENCE_NAME].median:.2f}",
            ]
            for case, of_case in cpu.items()
        ],
    )


def _latency_table(costs: dict[str, Costs]) -> Table:
    names = list(next(iter(costs.values())))
    return Table(
        ["latency, ms", *names],
        [[case, *(_cell(of_case.get(name)) for name in names)] for case, of_case in costs.items()],
    )


def _cell(costs: list[Cost] | None) -> str:
    return str(Spread.of_seconds(each.seconds for each in costs)) if costs else ""

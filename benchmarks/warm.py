"""Warm calls: the CPU time and the latency of each endpoint, beside the peers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from itertools import product

from rich.progress import track

from benchmarks.contenders import PRODUCT_NAME, REFERENCE_NAME, Contender, Contenders
from benchmarks.environments import Cost
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_groups
from benchmarks.spread import Spread, describe_noise, judge
from benchmarks.workload import Case, Workload
from local.stack import Backend

GOALS = {
    **dict.fromkeys(["by phone", "by id", "authorizer", "whoami"], 0.4),
    **dict.fromkeys(["upsert, existing", "upsert, new", "patch", "assign tag", "remove tag", "delete"], 1.0),
}
"""The most CPU time of each case beyond the reference's, in milliseconds."""

CALLS_IN_A_ROW = 20
CALLS_TO_WARM_UP = 10

type Costs = Mapping[str, list[Cost]]
"""By contender."""


def measure(workload: Workload, backend: Backend, rounds: int) -> Section:
    contenders = Contenders(backend)
    ours_alone = [workload.authorizer, workload.whoami]  # the peers have neither
    costs = {
        case.name: _measure_case(
            case,
            [
                contenders.product(case.function),
                *([] if case in ours_alone else contenders.peers(case.function)),
                contenders.reference(),
            ],
            rounds,
        )
        for case in track([*workload.endpoints, *ours_alone], "Warm calls")
    }
    cpu = {
        case: {name: Spread.of_seconds(each.cpu_seconds for each in of_case) for name, of_case in of_all.items()}
        for case, of_all in costs.items()
    }
    latency = {
        case: {name: Spread.of_seconds(each.seconds for each in of_case) for name, of_case in of_all.items()}
        for case, of_all in costs.items()
    }
    noisiest = max((of_case[REFERENCE_NAME] for of_case in cpu.values()), key=lambda each: each.noise)
    return Section(
        "Warm calls",
        [_cpu_table(cpu), _latency_table(latency)],
        draw_groups(
            "CPU time of a call",
            "milliseconds",
            {case.name: cpu[case.name] for case in workload.endpoints},
            PRODUCT_NAME,
        ),
        describe_noise(noisiest),
    )


def _measure_case(case: Case, contenders: Iterable[Contender], rounds: int) -> Costs:
    costs: dict[str, list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        running = {each.name: (each, stack.enter_context(each.start())) for each in contenders}
        for contender, environment in running.values():
            for _ in range(CALLS_TO_WARM_UP):
                environment.invoke(contender.make_event(case))
        for _, (name, (contender, environment)) in product(range(rounds), running.items()):
            events = [contender.make_event(case) for _ in range(CALLS_IN_A_ROW)]
            costs[name] += [environment.invoke(event)[1] for event in events]
    return costs


def _cpu_table(cpu: Mapping[str, Mapping[str, Spread]]) -> Table:
    names = list(next(iter(cpu.values())))
    rows = []
    for case, of_case in cpu.items():
        reference = of_case[REFERENCE_NAME]
        overhead = of_case[PRODUCT_NAME].median - reference.median
        cells = (str(of_case.get(name, "")) for name in names)
        rows.append([case, *cells, f"{overhead:.2f}", *judge(overhead, GOALS[case], reference)])
    return Table(["CPU, ms", *names, "overhead", "goal", "verdict"], rows)


def _latency_table(latency: Mapping[str, Mapping[str, Spread]]) -> Table:
    names = list(next(iter(latency.values())))
    return Table(
        ["latency, ms", *names],
        [[case, *(str(of_case.get(name, "")) for name in names)] for case, of_case in latency.items()],
    )

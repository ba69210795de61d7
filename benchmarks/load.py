"""Load: Locust sends as many calls as the local stack can answer."""

import csv
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.progress import track

from admin.keys import create_key
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_stacks
from benchmarks.processes import EMULATOR, ENGINE, GATEWAY, PRODUCT, meter_cpu
from benchmarks.workload import Workload
from contacts.access.keys import SCOPES

USERS, SECONDS = 4, 15
SCENARIOS = {"CrmSync": "CRM sync", "Lookup": "look-up"}
CONTACTS = 200
RATE_LIMIT = 1_000


def measure(workload: Workload, base_url: str, directory: Path) -> Section:
    for number in range(CONTACTS):
        workload.make_contact(f"49160{number:07}")
    key = create_key(workload.tenant.id, name="Load", scopes=SCOPES, rate_limit=RATE_LIMIT).key
    variables = {
        "BENCHMARK_KEY": key,
        "BENCHMARK_TAG_ID": workload.tenant.tag_ids[0],
        "BENCHMARK_CONTACTS": str(CONTACTS),
    }
    answers, shares = [], {}
    for scenario in track(SCENARIOS, "Load"):
        _run_locust(scenario, base_url, directory, 5, variables)  # starts the execution environments
        with meter_cpu() as cpu_seconds:
            rows = _run_locust(scenario, base_url, directory, SECONDS, variables)
        answers += [[SCENARIOS[scenario], *row] for row in rows]
        calls = sum(int(row[1]) for row in rows)
        shares[SCENARIOS[scenario]] = {
            role: 1000 * cpu_seconds[role] / calls for role in (PRODUCT, GATEWAY, EMULATOR, ENGINE)
        }
    return Section(
        "Load",
        [
            Table(["scenario", "call", "calls", "calls/s", "p50, ms", "p99, ms", "errors"], answers),
            _share_table(shares),
        ],
        draw_stacks("CPU time of a call", "milliseconds", shares),
    )


def _run_locust(
    scenario: str, base_url: str, directory: Path, seconds: int, variables: Mapping[str, str]
) -> list[list[str]]:
    """Name, count, rate, median, 99th percentile and errors of each kind of call. Raises CalledProcessError."""
    subprocess.run(
        [
            *(sys.executable, "-m", "locust", scenario),
            *("--locustfile", Path(__file__).parent / "locustfile.py"),
            *("--headless", "--only-summary", "--loglevel", "ERROR", "--host", base_url),
            *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds}s"),
            *("--csv", directory / scenario),
        ],
        env={**os.environ, **variables},
        check=True,  # Locust exits with an error if a call failed
        capture_output=True,
    )
    with (directory / f"{scenario}_stats.csv").open() as file:
        *rows, _total = csv.DictReader(file)
    columns = "Name", "Request Count", "Requests/s", "50%", "99%", "Failure Count"
    return [[f"{float(row[each]):.0f}" if each == "Requests/s" else row[each] for each in columns] for row in rows]


def _share_table(shares: Mapping[str, Mapping[str, float]]) -> Table:
    roles = list(next(iter(shares.values())))
    return Table(
        ["CPU of a call, ms", *roles, f"{PRODUCT}: calls/s of a core"],
        [
            [scenario, *(f"{of_roles[role]:.1f}" for role in roles), f"{1000 / of_roles[PRODUCT]:.0f}"]
            for scenario, of_roles in shares.items()
        ],
    )

"""`python -m benchmarks`: measures, shows, and writes docs/performance.md."""

import os
from pathlib import Path

import admin  # noqa: F401 - finds the `contacts` package
from benchmarks import artifacts
from local.stack import run_backend
from rich.console import Console

terminal = Console(highlight=False)
DIRECTORY = artifacts.ROOT / ".local" / "benchmarks"

def main(rounds: int):
    os.environ |= {"POWERTOOLS_LOG_LEVEL": "CRITICAL", "POWERTOOLS_METRICS_NAMESPACE": "Contacts", "POWERTOOLS_METRICS_DISABLED": "true"}
    with run_backend(DIRECTORY, in_memory=True) as backend:
        authorizer = next(each for each in backend.functions if each.name == "Authorizer")
        os.environ |= authorizer.variables | {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}
        from benchmarks import startup
        from benchmarks.workload import Workload
        w = Workload()
        startup.measure(w, backend, DIRECTORY, rounds).show(terminal)
import sys
main(int(sys.argv[1]))

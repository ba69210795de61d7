"""`python -m benchmarks`: measures start-up and the first calls against the peers, and shows the tables."""

import os
from typing import Annotated

import typer
from rich.console import Console

import admin  # noqa: F401 - finds the `contacts` package
from benchmarks import artifacts
from local.stack import run_backend

DIRECTORY = artifacts.ROOT / ".local" / "benchmarks"


def main(rounds: Annotated[int, typer.Option(min=1, help="How often each is started.")] = 15) -> None:
    with run_backend(DIRECTORY, in_memory=True) as backend:
        authorizer = next(each for each in backend.functions if each.name == "Authorizer")
        os.environ |= authorizer.variables | {"POWERTOOLS_LOG_LEVEL": "CRITICAL", "POWERTOOLS_METRICS_DISABLED": "true"}
        from benchmarks import startup, workload  # noqa: PLC0415 - read the environment while they are imported

        startup.measure(workload.Workload(), backend, DIRECTORY, rounds).show(Console(highlight=False))


if __name__ == "__main__":
    typer.run(main)

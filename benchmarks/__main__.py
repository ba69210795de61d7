"""`python -m benchmarks` measures everything, prints the results and writes docs/performance.md."""

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import artifacts, costs, page
from benchmarks.page import Section
from local.emulator.errors import CannotStart
from local.stack import Stack, attach, run_stack

DIRECTORY = artifacts.ROOT / ".local" / "benchmarks"
PAGE = artifacts.ROOT / "docs" / "performance.md"
NAMED = "boto3", "pynamodb", "pydantic", "aws-lambda-powertools", "fastapi", "mangum", "locust"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
terminal = Console(highlight=False, width=None if sys.stdout.isatty() else 180)


class Part(StrEnum):
    STARTUP = "startup"
    WARM = "warm"
    MEMORY = "memory"
    CAPACITY = "capacity"
    LOAD = "load"
    SYNC = "sync"


@app.command()
def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="Measure only these, and leave the page as it is.")] = None,
    rounds: Annotated[int, typer.Option(min=2, help="More rounds give steadier figures.")] = 9,
) -> None:
    """Takes 20 minutes on a machine that does nothing else. A missed goal is printed and is no error."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    try:
        with terminal.status("Building the API and its peers ..."):
            artifacts.build()
        with run_stack(DIRECTORY, in_memory=True) as stack:
            sections: dict[str, Section] = dict(_measure(stack, parts or list(Part), rounds))
    except CannotStart as error:
        terminal.print(str(error))
        raise typer.Exit(1) from None
    except subprocess.CalledProcessError as error:
        terminal.print(f"{error}\n{(error.stderr or b'').decode()}")
        raise typer.Exit(1) from None
    if not parts:
        page.write(PAGE, sections, _facts(rounds))
        terminal.print(f"Written to {PAGE.relative_to(artifacts.ROOT)}.")


def _measure(stack: Stack, parts: list[Part], rounds: int) -> Iterator[tuple[Part, Section]]:
    backend = attach(DIRECTORY)
    (authorizer,) = (each for each in backend.functions if each.directory.name == "authorizer")
    os.environ |= {**authorizer.variables, "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    # These import Powertools, which reads its settings from the environment at import time.
    from benchmarks import load, memory, startup, sync, warm  # noqa: PLC0415
    from benchmarks.flows import meter_flows  # noqa: PLC0415
    from benchmarks.workload import Workload  # noqa: PLC0415

    workload = Workload()

    def price() -> Section:
        unused = Workload()  # with a key that was never used
        with redirect_stdout(StringIO()):  # hides the functions' metrics
            flows = meter_flows(unused.tenant, unused.key, batch_size=costs.BATCH_SIZE, settle=partial(time.sleep, 5))
            return costs.describe(flows)

    measurements: dict[Part, Callable[[], Section]] = {
        Part.STARTUP: lambda: startup.measure(workload, backend, DIRECTORY, rounds),
        Part.WARM: lambda: warm.measure(workload, backend, rounds),
        Part.MEMORY: lambda: memory.measure(backend, DIRECTORY, max(2, rounds // 3)),  # many processes in each
        Part.CAPACITY: price,
        Part.LOAD: lambda: load.measure(workload, stack.base_url, DIRECTORY),
        Part.SYNC: lambda: sync.measure(workload, stack.base_url),
    }
    for part in parts:
        section = measurements[part]()
        section.show(terminal)
        yield part, section


def _facts(rounds: int) -> dict[str, str]:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}",
        "versions": ", ".join([f"Python {platform.python_version()}", *(f"{each} {version(each)}" for each in NAMED)]),
        "rounds": str(rounds),
        "layer": f"{_kilobytes(artifacts.LAYER) / 1000:.0f} MB",
        "data": f"{_kilobytes(artifacts.LAYER / 'botocore' / 'data'):.0f} kB",
        "prices": costs.PRICES_OF,
        "assumptions": costs.ASSUMPTIONS,
    }


def _kilobytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1000


if __name__ == "__main__":
    app()

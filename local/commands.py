"""The command line."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console

from local import ROOT, welcome
from local.directory import InUse, locked
from local.emulator.errors import CannotStart
from local.emulator.logs import Log
from local.emulator.processes import write_private
from local.emulator.runtimes import ExecutionEnvironment, FunctionFailed
from local.reference.document import build_document
from local.reference.page import PAGE, build_page
from local.stack import Backend, attach, make_demo, run_backend, run_stack

DATA = ROOT / ".local"
SITE = ROOT / "site"
ENGINE_PORT, SERVICES_PORT = 8000, 8001

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
terminal = Console(highlight=False)


@app.command()
def start(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the API listens, on 127.0.0.1.")] = 3000,
) -> None:
    """Run the whole API, with two demo tenants."""
    with (
        _until_interrupted(),
        terminal.status("Starting ...") as progress,
        run_stack(DATA, port=port, terminal=terminal) as stack,
    ):
        contacts = welcome.add_contacts(stack)
        stack.pages.files |= welcome.build_reference(stack, contacts)
        progress.stop()
        welcome.introduce(stack, contacts)
        Event().wait()


@app.command()
def engine() -> None:
    """Run only the database and the demo tenants, for `sam local start-api`."""
    with (
        _until_interrupted(),
        terminal.status("Starting ...") as progress,
        run_backend(DATA, host=_docker_host(), engine_port=ENGINE_PORT, services_port=SERVICES_PORT) as backend,
    ):
        make_demo(DATA, backend, "http://127.0.0.1:3000")
        write_private(DATA / "env.json", json.dumps(_container_variables(backend), indent=2))
        progress.stop()
        print(
            f"DynamoDB Local is on port {ENGINE_PORT}, with two demo tenants. Their keys are in .local/demo.json.\n"
            "In another terminal: make build && sam local start-api"
        )
        Event().wait()


@app.command()
def invoke(
    name: Annotated[str, typer.Argument(help="The function's folder, for example get_contact.")],
    event: Annotated[Path | None, typer.Option(help="Another event than events/NAME.json.")] = None,
) -> None:
    """Call one function once, on the local data, and print its answer."""
    known = sorted(each.parent.name for each in (ROOT / "functions").glob("*/app.py"))
    if name not in known:
        raise typer.BadParameter(f"There is no function {name}. Choose from {', '.join(known)}.")
    payload = _read_event(event or ROOT / "events" / f"{name}.json")
    with _running_backend() as backend, closing(Log(Path(os.devnull), Console(stderr=True, highlight=False))) as log:
        (function,) = (each for each in backend.functions if each.directory.name == name)
        environment = ExecutionEnvironment(function, log)
        try:
            answer = environment.invoke(payload)
        finally:
            environment.stop()
    print(json.dumps(json.loads(answer), indent=2, ensure_ascii=False))


@app.command()
def docs(
    url: Annotated[str, typer.Option(help="The address of the API, without /v1.")] = "https://api.example.com",
) -> None:
    """Write the reference page as static files for any web server."""
    for path, file in build_page(build_document(url.rstrip("/"))).items():
        target = SITE / (path.removeprefix("/") if path != PAGE else "index.html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
    print(
        "The reference page is in site/. Any web server can serve it, for example:\n"
        "python -m http.server --bind 127.0.0.1 --directory site"
    )


@app.command()
def reset() -> None:
    """Delete all local data."""
    with locked(DATA, patience_seconds=0):
        shutil.rmtree(DATA)
    print("All local data is deleted. The next `make start` begins with an empty table.")


def main() -> None:
    try:
        app(prog_name="python -m local")
    except (CannotStart, FunctionFailed) as failure:
        sys.exit(f"Error: {failure}")


@contextmanager
def _until_interrupted() -> Iterator[None]:
    for each in signal.SIGINT, signal.SIGTERM:
        signal.signal(each, signal.default_int_handler)
    if "MAKELEVEL" in os.environ and sys.platform == "linux":  # after `kill -9` of make, the kernel ends this too
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    try:
        yield
    except KeyboardInterrupt:
        print("\nStopped. The data stays in .local/ until `make reset`.")


@contextmanager
def _running_backend() -> Iterator[Backend]:
    """The backend of `make start` or `make engine` if one runs, else one for this call."""
    try:
        with locked(DATA, patience_seconds=0):
            pass
    except InUse:
        yield attach(DATA)
    else:
        with run_backend(DATA) as backend:
            yield backend


def _read_event(file: Path) -> bytes:
    try:
        return json.dumps(json.loads(file.read_text())).encode()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}.") from None


def _docker_host() -> str:
    """The address of this machine on Docker's bridge network: containers reach it, other machines do not.

    Without such a network it is 127.0.0.1, to which Docker Desktop forwards what containers send to
    host.docker.internal.
    """
    get_interface_address, address = 0x8915, slice(20, 24)  # SIOCGIFADDR, and where struct ifreq holds its result
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            return socket.inet_ntoa(fcntl.ioctl(probe, get_interface_address, b"docker0".ljust(40, b"\0"))[address])
    except OSError:
        return "127.0.0.1"


def _container_variables(backend: Backend) -> dict[str, dict[str, str]]:
    """By function, the variables that `sam local` sets in its containers instead of the template's values."""
    return {
        function.name: {
            name: value.replace(_docker_host(), "host.docker.internal")
            for name, value in function.variables.items()
            if name in original.variables and value != original.variables[name]
        }
        for function, original in zip(backend.functions, backend.template.functions, strict=True)
    }

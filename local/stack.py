"""The whole system on the emulator. Its parts start side by side and stop in order."""

import errno
import json
import os
import platform
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError
from rich.console import Console

from local import ROOT
from local.directory import opened
from local.emulator import aws
from local.emulator.connection import serve
from local.emulator.engine import create_table, run_engine
from local.emulator.errors import CannotStart
from local.emulator.logs import Log
from local.emulator.loops import run_loops
from local.emulator.pages import Pages
from local.emulator.processes import spawn, write_private
from local.emulator.queues import create_queues, find_queues, run_consumers
from local.emulator.refusals import Refusals
from local.emulator.runtimes import find_emulator, run_functions
from local.emulator.services import create_secrets, read_secrets, run_services
from local.emulator.streams import run_stream_consumers
from local.emulator.template import Function, Template, read_template, resolve_variables
from local.emulator.throttling import UsagePlans, create_rest_api

SECRETS = "secrets.json"
STREAMS = "streams.json"
ADMIN_SETTINGS = "admin.env"
"""Exists while the backend runs. What a process needs in its environment to work on the backend."""


@dataclass(frozen=True)
class Backend:
    """What functions and administrators work on: the engine with the table, and the other AWS services."""

    template: Template
    queue_urls: dict[str, str]
    """By logical id."""
    environment: dict[str, str]

    @property
    def functions(self) -> list[Function]:
        return [replace(each, variables=self._variables(each)) for each in self.template.functions]

    def _variables(self, function: Function) -> dict[str, str]:
        resolved = resolve_variables(self.template, function, queue_urls=self.queue_urls)
        return {**resolved, **self.environment}


@contextmanager
def run_backend(
    directory: Path,
    *,
    in_memory: bool = False,
    host: str = "127.0.0.1",
    engine_port: int | None = None,
    services_port: int | None = None,
) -> Iterator[Backend]:
    """Raises CannotStart."""
    with (
        opened(directory),
        run_engine(directory, in_memory=in_memory, host=host, port=engine_port) as engine,
        run_services(directory, host=host, port=services_port) as services,
    ):
        template = _read_template()
        secrets = directory / SECRETS
        create_secrets(services.wait(), template, json.loads(secrets.read_text()) if secrets.exists() else {})
        _keep_secrets(services.url, template, secrets)
        queue_urls = create_queues(services.url, template)
        create_rest_api(services.url, template.rest_api["Name"], template.rest_api["StageName"])
        create_table(engine.wait(), template.table)  # last: the engine starts slowest
        environment = {
            **aws.CREDENTIALS,
            "AWS_ENDPOINT_URL_DYNAMODB": engine.url,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": engine.url,
            "AWS_ENDPOINT_URL_API_GATEWAY": services.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": services.url,
            "AWS_ENDPOINT_URL_SQS": services.url,
            "AWS_ENDPOINT_URL_STS": services.url,
            "TABLE_NAME": template.table["TableName"],
        }
        keepers = [] if in_memory else [partial(engine.keep_running, partial(print, file=sys.stderr, flush=True))]
        settings = directory / ADMIN_SETTINGS
        write_private(settings, "".join(f"{name}={value}\n" for name, value in environment.items()))
        try:
            with run_loops(keepers):
                yield Backend(template, queue_urls, environment)
        finally:
            settings.unlink(missing_ok=True)
            with suppress(BotoCoreError):  # moto is gone: the file has what was known at the start
                _keep_secrets(services.url, template, secrets)  # perhaps rotated


def attach(directory: Path) -> Backend:
    """The backend that another process runs. Raises CannotStart."""
    try:
        lines = (directory / ADMIN_SETTINGS).read_text().splitlines()
    except FileNotFoundError:
        raise CannotStart("`make start` or `make engine` is still starting. Try again in a few seconds.") from None
    environment = dict(line.split("=", 1) for line in lines)
    template = _read_template()
    return Backend(template, find_queues(environment["AWS_ENDPOINT_URL_SQS"], template), environment)


def _read_template() -> Template:
    """With the parameters that samconfig.toml gives to the local stage, but for the architecture of this machine."""
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text())
    overrides = configuration["default"]["global"]["parameters"]["parameter_overrides"]
    parameters = dict(each.split("=", 1) for each in overrides)
    parameters["Architecture"] = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return read_template(ROOT / "template.yaml", parameters)


def _keep_secrets(endpoint: str, template: Template, file: Path) -> None:
    """In a file, because moto forgets them when it stops."""
    write_private(file, json.dumps(read_secrets(endpoint, template), indent=2))


def make_demo(directory: Path, backend: Backend, base_url: str) -> dict[str, Any]:
    """Creates the demo tenants if they are missing, and the gateway keys, which moto forgets. Returns demo.json."""
    queues = {
        "endpoint": backend.environment["AWS_ENDPOINT_URL_SQS"],
        "inbound_messages": backend.queue_urls["InboundMessages"],
        "tag_commands": backend.queue_urls["TagCommands"],
    }
    # A process of its own, because the admin package takes its settings from the environment.
    process = spawn(
        *(sys.executable, "-m", "local.demo", str(directory / "demo.json"), base_url, json.dumps(queues)),
        environment=backend.environment,
        directory=ROOT,
        stdout=subprocess.PIPE,
    )
    output, _ = process.communicate()
    if process.returncode:
        raise CannotStart(f"The demo tenants could not be created:\n{output.decode()}")
    demo: dict[str, Any] = json.loads((directory / "demo.json").read_text())
    return demo


@dataclass(frozen=True)
class Stack:
    base_url: str
    demo: dict[str, Any]
    """The content of demo.json."""
    dynamodb_url: str
    environment: dict[str, str]
    """What a process needs in its environment to work on the same table, secrets, queues and gateway keys."""
    log: Path
    """What the functions print, line by line."""
    pages: Pages
    """Without files until somebody adds them."""


@contextmanager
def run_stack(
    directory: Path,
    *,
    port: int = 0,
    in_memory: bool = False,
    terminal: Console | None = None,
    intercept: Callable[[dict[str, str]], AbstractContextManager[dict[str, str]]] = nullcontext,
) -> Iterator[Stack]:
    """`intercept` takes the functions' environment and yields another one, to put a proxy between them and AWS.

    Raises CannotStart.
    """
    find_emulator()
    log_file = directory / "functions.log"
    with listen(port) as listener, run_backend(directory, in_memory=in_memory) as backend:
        # Imports most of SAM CLI. A command that is refused should not wait for it.
        from local.emulator.gateway import Gateway  # noqa: PLC0415

        services = backend.environment["AWS_ENDPOINT_URL_SQS"]
        host, bound_port = listener.getsockname()
        with (
            closing(Log(log_file, terminal)) as log,
            intercept(backend.environment) as environment,
            run_functions(replace(backend, environment=environment).functions, log) as runtimes,
            run_consumers(services, backend.template, backend.queue_urls, runtimes, log),
            run_stream_consumers(
                backend.environment["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"],
                backend.template,
                runtimes,
                log,
                directory / STREAMS,
            ),
        ):
            refusals = Refusals(backend.template.rest_api["GatewayResponses"], log)
            gateway = Gateway(backend.template, runtimes, UsagePlans(services), refusals, bound_port)
            pages = Pages(gateway.application, f"{host}:{bound_port}")
            with serve(pages, refusals, listener):
                base_url = f"http://{host}:{bound_port}"
                yield Stack(
                    base_url,
                    make_demo(directory, backend, base_url),
                    backend.environment["AWS_ENDPOINT_URL_DYNAMODB"],
                    backend.environment,
                    log_file,
                    pages,
                )


def listen(port: int) -> socket.socket:
    """Calls that arrive during the start wait for its end. Raises CannotStart."""
    deadline = time.monotonic() + 2  # a process that is stopping may hold the port a moment longer
    while True:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                reason = os.strerror(error.errno or 0)
                raise CannotStart(
                    f"Port {port} cannot be used: {reason}. Choose another one: PORT=3001 make start"
                ) from None
        time.sleep(0.1)

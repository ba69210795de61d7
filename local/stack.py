"""Everything together, started side by side and stopped in order."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from local import ROOT, aws
from local.directory import locked, write_private
from local.engine import create_table, run_engine
from local.errors import CannotStart
from local.logs import Log
from local.processes import spawn
from local.queues import create_queues, find_queues, run_consumers
from local.runtimes import find_emulator, run_functions
from local.services import restore_secrets, run_services
from local.template import Function, Template, read_template, resolve_variables
from local.usage_plans import UsagePlans, create_rest_api

SECRETS = "secrets.json"
ADMIN_SETTINGS = "admin.env"
"""While the backend runs: what a process needs in its environment to work on it."""


@dataclass(frozen=True)
class Backend:
    """What functions and administrators stand on: the engine with the table, and the other AWS services."""

    template: Template
    secrets: dict[str, str]
    queue_urls: dict[str, str]
    """By logical id."""
    environment: dict[str, str]

    @property
    def functions(self) -> list[Function]:
        return [replace(each, variables=self._variables(each)) for each in self.template.functions]

    def _variables(self, function: Function) -> dict[str, str]:
        resolved = resolve_variables(self.template, function, secrets=self.secrets, queue_urls=self.queue_urls)
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
        locked(directory, patience_seconds=3),
        run_engine(directory, in_memory=in_memory, port=engine_port) as engine,
        run_services(directory, host=host, port=services_port) as services,
    ):
        template = read_template()
        secrets = restore_secrets(services.wait(), template.resources, directory / SECRETS)
        create_queues(services.url, template)
        create_rest_api(services.url, template.rest_api["Name"], template.rest_api["StageName"])
        create_table(engine.wait(), template.table)  # last: the engine takes longest to start
        environment = {
            **aws.CREDENTIALS,
            "AWS_ENDPOINT_URL_DYNAMODB": engine.url,
            "AWS_ENDPOINT_URL_API_GATEWAY": services.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": services.url,
            "AWS_ENDPOINT_URL_SQS": services.url,
            "TABLE_NAME": template.table["TableName"],
        }
        settings = directory / ADMIN_SETTINGS
        write_private(settings, "".join(f"{name}={value}\n" for name, value in environment.items()))
        try:
            yield Backend(template, secrets, find_queues(services.url, template), environment)
        finally:
            settings.unlink(missing_ok=True)


def attach(directory: Path) -> Backend:
    """To the one that another process runs. Raises CannotStart."""
    try:
        lines = (directory / ADMIN_SETTINGS).read_text().splitlines()
    except FileNotFoundError:
        raise CannotStart("`make start` or `make engine` is still on its way. Try again in some seconds.") from None
    environment = dict(line.split("=", 1) for line in lines)
    template, secrets = read_template(), json.loads((directory / SECRETS).read_text())
    return Backend(template, secrets, find_queues(environment["AWS_ENDPOINT_URL_SQS"], template), environment)


def make_demo(directory: Path, backend: Backend, base_url: str) -> dict[str, Any]:
    """The two demo tenants, made where they are not there yet; and moto's gateway keys, which it forgets."""
    queues = {
        "endpoint": backend.environment["AWS_ENDPOINT_URL_SQS"],
        "inbound_messages": backend.queue_urls["InboundMessages"],
        "tag_commands": backend.queue_urls["TagCommands"],
    }
    # In a process of its own, because the admin package takes its settings from the environment it starts in.
    process = spawn(
        *(sys.executable, "-m", "local.demo", str(directory / "demo.json"), base_url, json.dumps(queues)),
        environment=backend.environment,
        directory=ROOT,
        stdout=subprocess.PIPE,
    )
    output, _ = process.communicate()
    if process.returncode:
        raise CannotStart(f"The demo tenants could not be made:\n{output.decode()}")
    demo: dict[str, Any] = json.loads((directory / "demo.json").read_text())
    return demo


@dataclass(frozen=True)
class Stack:
    base_url: str
    demo: dict[str, Any]
    """The content of demo.json."""
    dynamodb_url: str
    environment: dict[str, str]
    """What a process needs to work on the same table, secrets, queues and gateway keys."""
    log: Path
    """What the functions print, line by line as they print it."""


@contextmanager
def run_stack(
    directory: Path, *, port: int = 0, in_memory: bool = False, terminal: Console | None = None
) -> Iterator[Stack]:
    """Raises CannotStart."""
    find_emulator()
    log_file = directory / "functions.log"
    with listen(port) as listener, run_backend(directory, in_memory=in_memory) as backend:
        # Imports as much of SAM CLI as read_template.
        from local.gateway import run_gateway  # noqa: PLC0415

        services = backend.environment["AWS_ENDPOINT_URL_SQS"]
        base_url = "http://{}:{}".format(*listener.getsockname())
        with (
            Log(log_file, terminal) as log,
            run_functions(backend.functions, log) as runtimes,
            run_consumers(services, backend.template, backend.queue_urls, runtimes, log),
            run_gateway(backend.template, runtimes, UsagePlans(services), log, listener),
        ):
            yield Stack(
                base_url,
                make_demo(directory, backend, base_url),
                backend.environment["AWS_ENDPOINT_URL_DYNAMODB"],
                backend.environment,
                log_file,
            )


def listen(port: int) -> socket.socket:
    """Callers who come while everything starts wait for it. Raises CannotStart."""
    deadline = time.monotonic() + 2  # one that is about to end may hold it a moment longer
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

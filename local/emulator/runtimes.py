"""Lambda's execution environments: AWS's runtime interface emulator, and in it AWS's own runtime client."""

import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from itertools import chain
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import IO, cast

import httpx
import samcli  # type: ignore[import-untyped]
from watchfiles import PythonFilter, watch

from local.emulator.errors import CannotStart
from local.emulator.logs import Log
from local.emulator.processes import LEASH, free_port, is_listening, spawn, stop
from local.emulator.template import Function

_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_INTEGRATION_TIMEOUT_SECONDS = 29
_CONCURRENCY = 4
"""Calls of one function at the same time. Further calls wait."""
_START_PATIENCE_SECONDS = 3


class FunctionFailed(Exception):
    """The function did not start, or ended without an answer."""


class FunctionTimedOut(FunctionFailed):
    """The function took too long, or the call waited too long for its turn."""


class ExecutionEnvironment:
    """A process that handles one call at a time. Creating it raises FunctionFailed when the process does not start."""

    def __init__(self, function: Function, log: Log) -> None:
        self._function = function
        self._log = log
        self._is_stopping = False
        port, runtime_port = free_port(), free_port()
        self._process = spawn(
            find_emulator(),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
            *(*LEASH, sys.executable, "-m", "awslambdaric", function.handler),
            environment={
                **function.variables,
                "AWS_ACCESS_KEY_ID": function.name,  # identifies the function to whoever checks its permissions
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),  # enforced by the emulator
                "LAMBDA_TASK_ROOT": str(function.directory),
                "PYTHONPATH": os.pathsep.join(map(str, function.layers)),
                "TZ": ":UTC",
            },
            directory=function.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the emulator's own log. What the function prints is on stdout
        )
        self._relay = Thread(target=self._relay_output, daemon=True)
        self._relay.start()
        # The emulator reports a timeout itself, so the client waits a little longer.
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=function.timeout_seconds + 5, trust_env=False
        )
        if not is_listening(self._process, "127.0.0.1", port):
            self.stop()
            raise FunctionFailed(f"{function.name} did not start")

    def invoke(self, event: bytes) -> bytes:
        """The function's answer, or the error that it raised, as JSON. Raises FunctionFailed."""
        try:
            response = self._client.post(_INVOCATIONS, content=event)
        except httpx.TimeoutException:
            raise FunctionTimedOut(f"{self._function.name} timed out") from None
        except httpx.HTTPError:
            raise FunctionFailed(f"{self._function.name} was killed") from None
        if response.content.startswith(b"Task timed out"):
            raise FunctionTimedOut(f"{self._function.name}: {response.text}")
        if response.is_error:
            raise FunctionFailed(f"{self._function.name}: {response.text}")
        return response.content

    def stop(self) -> None:
        self._is_stopping = True
        stop(self._process)
        self._client.close()
        self._relay.join(1)

    def _relay_output(self) -> None:
        with cast("IO[bytes]", self._process.stdout) as output:
            for line in output:
                if not self._is_stopping:  # then the runtime only complains that it is stopped
                    self._log.write(self._function.name, line.decode(errors="replace").rstrip("\n"))


def find_emulator() -> Path:
    """The runtime interface emulator that SAM CLI contains. Raises CannotStart."""
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or not architecture or not shutil.which("setpriv"):
        raise CannotStart(
            "Without Docker the functions run only on Linux and WSL, on x86_64 or arm64, with util-linux installed. "
            "With Docker: `make engine`, and in another terminal `make build && sam local start-api`."
        )
    return Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{architecture}"


class Runtimes:
    """The execution environments of all functions. Idle ones are reused. Overlapping calls start more of them."""

    def __init__(self, functions: list[Function], log: Log) -> None:
        self._functions = {function.name: function for function in functions}
        self._log = log
        self._slots = {name: BoundedSemaphore(_CONCURRENCY) for name in self._functions}
        self._starts = BoundedSemaphore(os.cpu_count() or 1)
        self._lock = Lock()
        self._current: set[ExecutionEnvironment] = set()
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)

    def is_debugging(self) -> bool:
        """SAM CLI's gateway asks for it."""
        return False

    def invoke(self, name: str, event: bytes) -> bytes:
        """As ExecutionEnvironment.invoke."""
        if not self._slots[name].acquire(timeout=_INTEGRATION_TIMEOUT_SECONDS):
            raise FunctionTimedOut(f"{name} has too many calls")
        try:
            with self._environment(name) as environment:
                return environment.invoke(event)
        finally:
            self._slots[name].release()

    @contextmanager
    def _environment(self, name: str) -> Iterator[ExecutionEnvironment]:
        environment = self._take_idle(name)
        # Concurrent starts slow each other down, so there is at most one for each processor. While a call waits for
        # its turn, an environment may become idle.
        has_turn = not environment and self._starts.acquire(timeout=_START_PATIENCE_SECONDS)
        try:
            environment = environment or self._take_idle(name) or self._start(name)
            try:
                yield environment
            except FunctionFailed:
                environment.stop()
                raise
            self._give_back(name, environment)
        finally:
            if has_turn:
                self._starts.release()

    def _start(self, name: str) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(self._functions[name], self._log)
        with self._lock:
            self._current.add(environment)
        return environment

    def _take_idle(self, name: str) -> ExecutionEnvironment | None:
        with self._lock:
            return self._idle[name].pop() if self._idle[name] else None

    def _give_back(self, name: str, environment: ExecutionEnvironment) -> None:
        with self._lock:
            if is_current := environment in self._current:
                self._idle[name].append(environment)
        if not is_current:
            environment.stop()

    def restart(self) -> None:
        """Stops idle environments now, and busy ones after their call."""
        with self._lock:
            idle, self._idle = self._idle, defaultdict(list)
            self._current.clear()
        for environment in chain.from_iterable(idle.values()):
            environment.stop()

    def close(self) -> None:
        with self._lock:
            current = list(self._current)
        self.restart()
        for environment in current:
            environment.stop()


@contextmanager
def run_functions(functions: list[Function], log: Log) -> Iterator[Runtimes]:
    """Restarts the functions when their code changes."""
    runtimes, closing = Runtimes(functions, log), Event()
    watcher = Thread(target=_watch_code, args=(functions, runtimes, log, closing), daemon=True)
    watcher.start()
    try:
        yield runtimes
    finally:
        closing.set()
        runtimes.close()
        watcher.join()


def _watch_code(functions: list[Function], runtimes: Runtimes, log: Log, closing: Event) -> None:
    folders = {folder for function in functions for folder in (function.directory, *function.layers)}
    for changes in watch(*folders, watch_filter=PythonFilter(), stop_event=closing):
        for _, file in changes:
            # Bytecode stores the source's time in whole seconds, so it would hide a second change in one second.
            Path(cache_from_source(file)).unlink(missing_ok=True)
        log.write("local", "The code has changed. The functions restart.")
        runtimes.restart()

"""Lambda's execution environments: AWS's runtime interface emulator with the real runtime client in it."""

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

from local import ROOT
from local.errors import CannotStart
from local.logs import Log
from local.processes import LEASH, free_port, is_listening, spawn, stop
from local.template import Function

LAYER = ROOT / "layers" / "common"
_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_GATEWAY_PATIENCE_SECONDS = 29
_AT_ONCE = 4
"""Calls of one function that run side by side; more wait in a queue."""
_START_PATIENCE_SECONDS = 3


class FunctionFailed(Exception):
    """It ended without an answer."""


class FunctionTimedOut(FunctionFailed):
    """It, or the queue before it, took too long."""


class ExecutionEnvironment:
    """A process that handles one call at a time. Raises FunctionFailed when it does not come up."""

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
                "AWS_ACCESS_KEY_ID": function.name,  # each has credentials of its own
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),  # the emulator sees to it
                "LAMBDA_TASK_ROOT": str(function.directory),
                "PYTHONPATH": str(LAYER),
                "TZ": ":UTC",
            },
            directory=function.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the emulator's own log; what the function prints comes on stdout
        )
        self._relay = Thread(target=self._relay_output, daemon=True)
        self._relay.start()
        # Longer than the emulator waits: normally it tells of the time-out itself.
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=function.timeout_seconds + 5, trust_env=False
        )
        if not is_listening(self._process, port):
            self.stop()
            raise FunctionFailed(f"{function.name} did not start")

    def invoke(self, event: bytes) -> bytes:
        """The answer, or the error that the function raised, as JSON. Raises FunctionFailed."""
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
                if not self._is_stopping:  # the rest is complaints about that
                    self._log.write(self._function.name, line.decode(errors="replace").rstrip("\n"))


def find_emulator() -> Path:
    """The one that SAM CLI brings. Raises CannotStart."""
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or not architecture or not shutil.which("setpriv"):
        raise CannotStart(
            "Without Docker the functions run on Linux and WSL alone, on x86_64 or arm64, with util-linux installed. "
            "With Docker: `make engine`, and in another terminal `make build && sam local start-api`."
        )
    return Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{architecture}"


class Runtimes:
    """The execution environments of all functions: reused when idle, more of them when calls overlap."""

    def __init__(self, functions: list[Function], log: Log) -> None:
        self._functions = {function.name: function for function in functions}
        self._log = log
        self._slots = {name: BoundedSemaphore(_AT_ONCE) for name in self._functions}
        self._starts = BoundedSemaphore(os.cpu_count() or 1)
        self._lock = Lock()
        self._current: set[ExecutionEnvironment] = set()
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)

    def is_debugging(self) -> bool:
        """SAM's gateway asks."""
        return False

    def invoke(self, name: str, event: bytes) -> bytes:
        """As ExecutionEnvironment.invoke."""
        if not self._slots[name].acquire(timeout=_GATEWAY_PATIENCE_SECONDS):
            raise FunctionTimedOut(f"{name} has too many calls to answer")
        try:
            with self._environment(name) as environment:
                return environment.invoke(event)
        finally:
            self._slots[name].release()

    @contextmanager
    def _environment(self, name: str) -> Iterator[ExecutionEnvironment]:
        environment = self._take_idle(name)
        # More starts at once than processors delay each other, and while one waits an environment may become idle.
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
        """The idle ones end now, the busy ones after their call."""
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
    """They start again with the new code when it changes."""
    runtimes, closing = Runtimes(functions, log), Event()
    watcher = Thread(target=_watch_code, args=(runtimes, log, closing), daemon=True)
    watcher.start()
    try:
        yield runtimes
    finally:
        closing.set()
        runtimes.close()
        watcher.join()


def _watch_code(runtimes: Runtimes, log: Log, closing: Event) -> None:
    for changes in watch(ROOT / "functions", LAYER / "contacts", watch_filter=PythonFilter(), stop_event=closing):
        for _, file in changes:
            Path(cache_from_source(file)).unlink(missing_ok=True)  # its time is in seconds: too coarse for two saves
        log.write("local", "The code has changed: functions start again.")
        runtimes.restart()

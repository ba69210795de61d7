"""A Lambda execution environment: a built function in a fresh process, and the runtime API that it polls."""

import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.client import parse_headers
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Self

from benchmarks.artifacts import Artifact, install_runtime_client

TIMEOUT_SECONDS = 60

LAMBDA = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "contacts",
    "AWS_LAMBDA_LOG_STREAM_NAME": "contacts",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
    # Lambda's file systems are read-only: code that ships without bytecode is compiled at each start.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
}

RUN = "-m", "awslambdaric"
RUN_AND_LOG_FILES = (
    "-c",
    """
import os, runpy, sys

log = os.open(sys.argv.pop(1), os.O_WRONLY)

def hook(event, arguments):
    if event == "open" or event == "import":  # the import of an extension module names its file
        path = arguments[event == "import"]
        if isinstance(path, str):
            os.write(log, os.path.abspath(path).encode() + b"\\n")

sys.addaudithook(hook)
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
""",
)


class FunctionFailed(Exception):
    """The function did not start or raised an exception; the message is what it reported to the runtime API."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class FilesRead:
    files: int
    kilobytes: float


class ExecutionEnvironment:
    """One process that handles one call at a time; a context manager. Raises FunctionFailed."""

    def __init__(self, artifact: Artifact, variables: Mapping[str, str], command: Sequence[str] = RUN) -> None:
        self._api = RuntimeApi()
        libraries = [artifact.layer, install_runtime_client()] if artifact.layer else [install_runtime_client()]
        started = time.perf_counter()
        self._process = subprocess.Popen(
            # The bare interpreter. A virtual environment would supply packages that the artifact lacks, and
            # the machine's own site-packages would run their .pth files at each start.
            [Path(sys.executable).resolve(), "-S", *command, artifact.handler],
            cwd=artifact.directory,
            env={
                **LAMBDA,
                "AWS_LAMBDA_FUNCTION_NAME": artifact.name,
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                "LAMBDA_TASK_ROOT": str(artifact.directory),
                "PYTHONPATH": ":".join(map(str, libraries)),
                **variables,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            asked = self._api.await_next()
        except BaseException:
            self._stop()
            raise
        self.startup = Cost(asked - started, self._cpu_seconds())
        """From exec to the first request for an invocation."""

    def invoke(self, event: bytes) -> tuple[bytes, Cost]:
        """The answer and its cost: the time until it came, the CPU time until the process was idle again."""
        cpu_before = self._cpu_seconds()
        started = time.perf_counter()
        answer, answered = self._api.invoke(event)
        self._api.await_next()
        return answer, Cost(answered - started, self._cpu_seconds() - cpu_before)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def peak_megabytes(self) -> float:
        """The most memory that was resident at a time."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000

    def _cpu_seconds(self) -> float:
        """The CPU time of the whole process in nanosecond resolution.

        Python lacks clock_getcpuclockid(3); the expression computes the same clock id.
        """
        return time.clock_gettime(~self.pid << 3 | 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._api.close()


def count_files(artifact: Artifact, variables: Mapping[str, str]) -> tuple[FilesRead, FilesRead]:
    """What a start-up opens until it asks for the first invocation: files of function and layer, all other files.

    The other files are the standard library and the runtime client. What the interpreter itself reads before it runs
    any code is not counted. Raises FunctionFailed.
    """
    with NamedTemporaryFile() as log:
        ExecutionEnvironment(artifact, variables, [*RUN_AND_LOG_FILES, log.name]).__exit__()
        paths = {Path(line) for line in log.read().decode().splitlines()}
    files = [path for path in paths if path.is_file()]
    deployed = [path for path in files if any(map(path.is_relative_to, artifact.folders))]
    return _sum_up(deployed), _sum_up([path for path in files if path not in deployed])


def _sum_up(files: Sequence[Path]) -> FilesRead:
    return FilesRead(len(files), sum(file.stat().st_size for file in files) / 1000)


class RuntimeApi:
    """Serves one runtime client, which sends its requests one after the other on one connection.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_SECONDS)

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def await_next(self) -> float:
        """The time at which the client asked for an invocation. Raises FunctionFailed."""
        path, body = self._receive()
        moment = time.perf_counter()
        if not path.endswith("/invocation/next"):
            raise FunctionFailed(body.decode())
        return moment

    def invoke(self, event: bytes) -> tuple[bytes, float]:
        """The answer and the time at which it came. Raises FunctionFailed."""
        self._send(
            "200 OK",
            event,
            "Content-Type: application/json",
            f"Lambda-Runtime-Aws-Request-Id: {uuid.uuid4()}",
            f"Lambda-Runtime-Deadline-Ms: {int(1000 * (time.time() + 20))}",
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:contacts",
            "Lambda-Runtime-Trace-Id: Root=1-68b0f2d1-3f1d2c4b5a69788796a5b4c3;Sampled=0",
        )
        path, answer = self._receive()
        moment = time.perf_counter()
        if not path.endswith("/response"):
            raise FunctionFailed(answer.decode())
        self._send("202 Accepted", b'{"status":"OK"}')
        return answer, moment

    def _receive(self) -> tuple[str, bytes]:
        """Path and body of the next request. Raises FunctionFailed."""
        try:
            path = self._connection.readline().decode().split()[1]
            length = int(parse_headers(self._connection).get("Content-Length", 0))
            return path, self._connection.read(length)
        except (TimeoutError, IndexError):
            raise FunctionFailed("The process ended or hung before it asked for an invocation.") from None

    @cached_property
    def _connection(self) -> BinaryIO:
        client, _ = self._listener.accept()
        with client:  # the stream keeps it open
            client.settimeout(TIMEOUT_SECONDS)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream: Any = client.makefile("rwb")
            return stream  # type: ignore[no-any-return]

    def _send(self, status: str, body: bytes, *headers: str) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
        self._connection.write(head.encode() + body)
        self._connection.flush()

    def close(self) -> None:
        if stream := vars(self).get("_connection"):
            stream.close()
        self._listener.close()

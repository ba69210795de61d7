"""An execution environment of Lambda: a built function in a fresh process, and the runtime API that it asks."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import parse_headers
from pathlib import Path
from typing import Any, BinaryIO, Self

from benchmarks.artifacts import RUNTIME_CLIENT, Artifact

PATIENCE_SECONDS = 60

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
    # The file systems are read-only: what is built without bytecode is compiled at each start.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
}


class FunctionFailed(Exception):
    """It did not start, or raised; the message is what it told the runtime API."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu_seconds: float


class ExecutionEnvironment:
    """One process, one call at a time; to be used in a `with`. Raises FunctionFailed."""

    def __init__(self, artifact: Artifact, variables: Mapping[str, str]) -> None:
        self._api = RuntimeApi()
        libraries = [artifact.layer, RUNTIME_CLIENT] if artifact.layer else [RUNTIME_CLIENT]
        started = time.perf_counter()
        self._process = subprocess.Popen(
            # The bare interpreter: a virtual environment would lend its packages to whoever lacks them,
            # and the machine's own site-packages what their .pth files do at each start.
            [Path(sys.executable).resolve(), "-S", "-m", "awslambdaric", artifact.handler],
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
        """The answer, and what it cost: the time until it came, the CPU time until the process was idle again."""
        cpu_before = self._cpu_seconds()
        started = time.perf_counter()
        answer, answered = self._api.invoke(event)
        self._api.await_next()
        return answer, Cost(answered - started, self._cpu_seconds() - cpu_before)

    def _cpu_seconds(self) -> float:
        """Of the whole process, to the nanosecond: clock_getcpuclockid(3), which Python does not have."""
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._api.close()


class RuntimeApi:
    """For one runtime client, whose requests come one after the other on one connection.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_SECONDS)

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def await_next(self) -> float:
        """The moment when the client asked for an invocation. Raises FunctionFailed."""
        path, body = self._receive()
        moment = time.perf_counter()
        if not path.endswith("/invocation/next"):
            raise FunctionFailed(body.decode())
        return moment

    def invoke(self, event: bytes) -> tuple[bytes, float]:
        """The answer, and the moment when it came. Raises FunctionFailed."""
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
            raise FunctionFailed("It ended, or did nothing, before it asked for an invocation.") from None

    @cached_property
    def _connection(self) -> BinaryIO:
        client, _ = self._listener.accept()
        client.settimeout(PATIENCE_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream: Any = client.makefile("rwb")
        return stream  # type: ignore[no-any-return]

    def _send(self, status: str, body: bytes, *headers: str) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
        self._connection.write(head.encode() + body)
        self._connection.flush()

    def close(self) -> None:
        self._listener.close()

"""Processes that end with the one that started them, however it ends."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import IO

from local.errors import CannotStart

# TERM and not KILL, because DynamoDB Local answers a transaction a moment before it is on the disk.
LEASH = ("setpriv", "--pdeathsig", "TERM") if sys.platform == "linux" else ()
"""Before a command: the kernel ends it when its parent is gone, `kill -9` included."""

# What counts as the parent is the thread, not the process: so one thread that lasts starts them all.
_starter = ThreadPoolExecutor(1, "starter")


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> str:
        """Returns the URL when it answers. Raises CannotStart."""
        if not is_listening(self.process, self.port):
            raise CannotStart(f"The {self.log.stem} did not start on port {self.port}. {self.log} says why.")
        return self.url


@contextmanager
def run_server(
    *command: str | Path, port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Yields at once, so that servers can start side by side: wait() for it. Raises CannotStart."""
    if not _is_free(port):
        raise CannotStart(f"The {log.stem} needs port {port}, which is taken. Stop what listens there and try again.")
    with log.open("wb") as output:
        process = spawn(*command, environment=environment or {}, directory=log.parent, stdout=output)
    try:
        yield Server(process, port, log)
    finally:
        stop(process)


def spawn(
    *command: str | Path,
    environment: Mapping[str, str],
    directory: Path,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] = subprocess.STDOUT,
) -> subprocess.Popen[bytes]:
    return _starter.submit(
        subprocess.Popen,
        [*LEASH, *command],
        env={**_bare_environment(), **environment},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        process_group=0,  # a Ctrl-C in the terminal is for the parent alone
    ).result()


def _bare_environment() -> dict[str, str]:
    """Nothing of the developer's own: no AWS account, no proxy, no PYTHON* variable changes what runs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# Below the ephemeral range, so that no outgoing connection takes one before its server does. Each comes up once in a
# long while: of two servers that start together, none may get the port that the other one has not bound yet.
_ports = cycle(random.sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def is_listening(process: subprocess.Popen[bytes], port: int, patience_seconds: float = 30) -> bool:
    """As soon as it is; False when the process ended or took too long."""
    deadline = time.monotonic() + patience_seconds
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.005)
    return False

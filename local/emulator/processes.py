"""Child processes that end when this process ends, even by `kill -9`."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import IO

from local.emulator.errors import CannotStart

# TERM and not KILL: DynamoDB Local answers a transaction shortly before the transaction is on disk.
LEASH = ("setpriv", "--pdeathsig", "TERM") if sys.platform == "linux" else ()
"""Prefix of a command: the kernel terminates the command when its parent is gone."""

HOST_NAMES = "127.0.0.1", "host.docker.internal"
"""What a server may be called by, beside the address that it listens on. Containers use the second name."""

_START_PATIENCE_SECONDS = 30

_SECONDS_BETWEEN_LOOKS = 1

# The kernel watches the thread that forked, not the process. This thread lives as long as the process.
_starter = ThreadPoolExecutor(1, "starter")


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path
    _start: Callable[[], subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def wait(self) -> str:
        """Waits until the server accepts connections. Returns its URL. Raises CannotStart."""
        if not is_listening(self.process, self.host, self.port):
            raise CannotStart(f"The {self.log.stem} did not start on port {self.port}. {self.log} says why.")
        return self.url

    def keep_running(self, tell: Callable[[str], object], closing: Event) -> None:
        """Starts the server again whenever its process has ended, and tells it. For run_loops()."""
        while not closing.wait(_SECONDS_BETWEEN_LOOKS):
            if (code := self.process.poll()) is None:
                continue
            tell(f"The {self.log.stem} has ended with exit code {code} and is started again. {self.log} may say why.")
            self.process = self._start()
            try:
                self.wait()
            except CannotStart as error:
                tell(str(error))
            else:
                tell(f"The {self.log.stem} runs again.")


@contextmanager
def run_server(
    *command: str | Path, host: str, port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Does not wait for the server, so that several can start at the same time. Raises CannotStart.

    Only the owner can read the log and the files that the server writes.
    """
    if not _is_free(host, port):
        raise CannotStart(f"The {log.stem} needs port {port}, which is in use. Stop what listens there and try again.")
    with open(log, "wb", opener=private) as output:
        start = partial(
            spawn, *command, environment=environment or {}, directory=log.parent, stdout=output, umask=0o077
        )
        server = Server(start(), host, port, log, start)
        try:
            yield server
        finally:
            stop(server.process)


def spawn(
    *command: str | Path,
    environment: Mapping[str, str],
    directory: Path,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] = subprocess.STDOUT,
    umask: int = -1,
) -> subprocess.Popen[bytes]:
    """The child sees only `environment` and what every program needs: no AWS account, proxy or PYTHON* variable."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return _starter.submit(
        subprocess.Popen,
        [*LEASH, *command],
        env={**inherited, **environment},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        umask=umask,
        process_group=0,  # Ctrl-C in the terminal reaches only the parent, which stops its children in order
    ).result()


def private(file: str, flags: int) -> int:
    """For open(opener=...): only the owner can read a file that this creates."""
    return os.open(file, flags, 0o600)


def write_private(file: Path, text: str) -> None:
    """Atomic: readers see the old content or the new one."""
    draft = file.with_suffix(".draft")
    with open(draft, "w", opener=private) as output:
        output.write(text)
    draft.replace(file)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# These ports are below the ephemeral range, so no outgoing connection takes one before its server binds it. A port is
# offered again only after all others, so two servers that start at the same time never get the same one.
_ports = cycle(random.sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    return next(port for port in _ports if _is_free("127.0.0.1", port))


def _is_free(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_server((host, port)):
        return True
    return False


def is_listening(process: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Waits for it. False when the process has ended or the time is over."""
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((host, port), 1):
            return True
        time.sleep(0.005)
    return False

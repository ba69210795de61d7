"""Runs `python -m admin` in processes that are forked from one that has imported it.

The imports take most of the time of a command.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ForkingUnixStreamServer
from tempfile import TemporaryDirectory, TemporaryFile

from admin.__main__ import main
from local import ROOT
from local.emulator.processes import LEASH

_LONGEST_REQUEST = 100_000


class AdminProcesses:
    def __init__(self, address: str) -> None:
        self._address = address

    def run(
        self, *arguments: str, directory: Path, environment: Mapping[str, str], stdout: int | None = None
    ) -> tuple[int, str, str]:
        """Exit code, output and errors of a process that has only these variables.

        `stdout` is a file that takes the output.
        """
        with (
            socket.socket(socket.AF_UNIX) as server,
            Path(os.devnull).open() as nothing,
            TemporaryFile("w+") as output,
            TemporaryFile("w+") as errors,
        ):
            files = nothing.fileno(), output.fileno() if stdout is None else stdout, errors.fileno()
            server.connect(self._address)
            socket.send_fds(server, [json.dumps([arguments, str(directory), dict(environment)]).encode()], files)
            exit_code = server.recv(1)
            output.seek(0)
            errors.seek(0)
            assert exit_code, errors.read()
            return exit_code[0], output.read(), errors.read()


@contextmanager
def run_admin_processes() -> Iterator[AdminProcesses]:
    # Not in a directory of pytest: the address of a socket has at most 104 characters on macOS.
    with TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{directory}/admin")
        listener.listen()
        command = [*LEASH, sys.executable, "-m", __name__, str(listener.fileno())]
        with subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()]) as server:
            try:
                yield AdminProcesses(listener.getsockname())
            finally:
                server.terminate()


class _Command(BaseRequestHandler):
    """A forked process."""

    def handle(self) -> None:
        request, files, _, _ = socket.recv_fds(self.request, _LONGEST_REQUEST, 3)
        arguments, directory, environment = json.loads(request)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        for number, file in enumerate(files):
            os.dup2(file, number)
        encoding = environment.get("PYTHONIOENCODING")
        sys.stdin = os.fdopen(0, encoding=encoding)
        sys.stdout = os.fdopen(1, "w", encoding=encoding)
        sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace")
        try:
            main(arguments)
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            self.request.sendall(bytes([int(end.code or 0)]))


if __name__ == "__main__":
    with ForkingUnixStreamServer("", _Command, bind_and_activate=False) as server:
        server.socket = socket.socket(fileno=int(sys.argv[1]))
        server.serve_forever()

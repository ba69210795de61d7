"""DynamoDB as a function waits for it: the engine's replies, recorded once, then sent after a fixed time, over HTTPS.

The engine itself is slower than DynamoDB and would share the cores with the function that is measured.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import override
from urllib.parse import urlsplit

from benchmarks.costs import REQUEST_MS, TRANSACTION_MS
from benchmarks.tls import make_certificate

_KEYS = re.compile(r'"(?:pk|sk)": ?\{"S": ?"([^"]*)"\}')


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def run_replay(url: str, directory: Path) -> Iterator[Mapping[str, str]]:
    """Yields the environment variables that send an SDK to it instead of to the engine at the URL."""
    context, trusting = make_certificate(directory)
    engine = urlsplit(url).netloc
    replies: dict[str, _Reply] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        @override
        def handle(self) -> None:
            with suppress(OSError):  # the process of the function was killed
                super().handle()

        def do_POST(self) -> None:
            begun = time.perf_counter()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            name = _identify(operation, body.decode())
            reply = replies.get(name) or replies.setdefault(name, _forward(engine, dict(self.headers), body))
            wait = TRANSACTION_MS if operation == "TransactWriteItems" else REQUEST_MS
            time.sleep(max(0, begun + wait / 1000 - time.perf_counter()))
            head = [f"HTTP/1.1 {reply.status} _", *(f"{header}: {value}" for header, value in reply.headers.items())]
            self.wfile.write("\r\n".join([*head, f"Content-Length: {len(reply.body)}", "", ""]).encode() + reply.body)

        @override
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        @override
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a handshake of a process that was killed

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield {"AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{server.server_port}", **trusting}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _identify(operation: str, body: str) -> str:
    """What a request has in common with its repetition in a later call: not the times and the random tokens."""
    if operation == "Query":
        return f"{operation} {json.loads(body)['ExpressionAttributeValues']}"
    return f"{operation} {_KEYS.findall(body)}"


def _forward(engine: str, headers: Mapping[str, str], body: bytes) -> _Reply:
    connection = HTTPConnection(engine)
    connection.request("POST", "/", body, {name: value for name, value in headers.items() if name.lower() != "host"})
    response = connection.getresponse()
    kept = "Content-Type", "x-amz-crc32", "x-amzn-RequestId"
    return _Reply(
        response.status, {name: value for name in kept if (value := response.getheader(name))}, response.read()
    )

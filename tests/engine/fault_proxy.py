"""An HTTP server between functions and an AWS service. It refuses what IAM would refuse, and injects faults."""

import json
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, override
from urllib.parse import urlsplit

from tests.faults import Reply, cancel, json_reply, refuse
from tests.policies import ACCESS_DENIED, Policies, Seen

SLOW_SECONDS = 2.0
"""Longer than the clients' read timeout."""


class Hangup(Exception):
    """The proxy closes the connection, without a reply or after the first half of one."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply


type Request = dict[str, Any]
type Forward = Callable[[], Reply]
type Fault = Reply | Callable[[Forward, Request], Reply]
"""The reply, or what makes it. `Forward` sends the request to the service."""


def lose_request(_forward: Forward, _request: Request) -> Reply:
    raise Hangup


def lose_reply(forward: Forward, _request: Request) -> Reply:
    forward()
    raise Hangup


def halve_reply(forward: Forward, _request: Request) -> Reply:
    raise Hangup(forward())


def garble_reply(forward: Forward, _request: Request) -> Reply:
    return Reply(forward().status, b"\x00<html>not what you expected", {"Content-Type": "text/html"})


def delay_reply(forward: Forward, _request: Request) -> Reply:
    reply = forward()
    time.sleep(SLOW_SECONDS)
    return reply


def delay_request(_forward: Forward, _request: Request) -> Reply:
    time.sleep(SLOW_SECONDS)
    raise Hangup


def leave_unprocessed(_forward: Forward, request: Request) -> Reply:
    requested = request["RequestItems"]
    return json_reply(200, {"Responses": {table: [] for table in requested}, "UnprocessedKeys": requested})


_QUICK: dict[str, Fault] = {
    "lost request": lose_request,
    "lost reply": lose_reply,
    "half a reply": halve_reply,
    "garbage": garble_reply,
    "ThrottlingException": refuse("ThrottlingException"),
    "ProvisionedThroughputExceededException": refuse("ProvisionedThroughputExceededException"),
    "InternalServerError": refuse("InternalServerError", 500),
    "503": Reply(503, b""),
}
_SLOW: dict[str, Fault] = {"slow request": delay_request, "slow reply": delay_reply}
_SINGLE_WRITE: dict[str, Fault] = {"TransactionConflictException": refuse("TransactionConflictException")}
_OF_OPERATION: dict[str, dict[str, Fault]] = {
    "BatchGetItem": {"unprocessed keys": leave_unprocessed},
    "PutItem": _SINGLE_WRITE,
    "UpdateItem": _SINGLE_WRITE,
    "DeleteItem": _SINGLE_WRITE,
    "TransactWriteItems": {
        "cancelled: TransactionConflict": cancel("TransactionConflict", "None"),
        "cancelled: ThrottlingError": cancel("ThrottlingError", "None"),
        "cancelled: ProvisionedThroughputExceeded": cancel("ProvisionedThroughputExceeded", "None"),
        "TransactionInProgressException": refuse("TransactionInProgressException"),
    },
}

MOST_COMMON = "lost request", "lost reply", "ThrottlingException"
LOSES_REPLY = frozenset({"lost reply", "half a reply", "garbage", "slow reply"})
"""The faults after which the caller does not know that its request was executed."""


def faults_of(operation: str, *, slow: bool = False) -> dict[str, Fault]:
    """All faults that a request of this operation can meet, by name."""
    return {**_QUICK, **_OF_OPERATION.get(operation, {}), **(_SLOW if slow else {})}


type Choose = Callable[[str], Fault | None]
"""Chooses the fault of the next request by its operation."""


class FaultProxy:
    """Forwards what the policies allow. Injects no faults until a test asks for them."""

    def __init__(self, endpoint: str, policies: Policies) -> None:
        self._endpoint = urlsplit(endpoint)
        self._policies = policies
        self._connections = threading.local()
        self._lock = threading.Lock()
        self._choose: Choose = lambda _operation: None
        self.seen: list[Seen] = []
        """The allowed requests, in the order of their arrival."""
        self.faults = 0
        """How many requests met a fault."""

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.seen]

    @contextmanager
    def choosing(self, choose: Choose) -> Iterator[None]:
        self._choose, before = choose, self._choose
        try:
            yield
        finally:
            self._choose = before

    def failing(
        self, fault: Fault, operation: str, *, skip: int = 0, times: int | None = 1
    ) -> AbstractContextManager[None]:
        """After `skip` requests of the operation, the next `times` meet the fault, or all of them with None."""
        numbers = count(-skip)

        def choose(asked: str) -> Fault | None:
            if asked != operation:
                return None
            number = next(numbers)
            return fault if number >= 0 and (times is None or number < times) else None

        return self.choosing(choose)

    def disturbing(
        self, dice: random.Random, rate: float, *, spare: Collection[str] = ()
    ) -> AbstractContextManager[None]:
        """Injects a random fault, but no slow and no spared one, into this share of all requests."""

        def choose(operation: str) -> Fault | None:
            faults = [fault for name, fault in faults_of(operation).items() if name not in spare]
            return dice.choice(faults) if dice.random() < rate else None

        return self.choosing(choose)

    def answer(self, headers: dict[str, str], body: bytes) -> Reply:
        """Raises Hangup."""
        seen = Seen.read(headers, body)
        with self._lock:
            if self._policies.refuse(seen):
                return Reply(400, ACCESS_DENIED, {"Content-Type": "application/x-amz-json-1.0"})
            self.seen.append(seen)
            fault = self._choose(seen.operation)
            self.faults += fault is not None
        match fault:
            case None:
                return self._forward(headers, body)
            case Reply():
                if fault.after_the_effect:
                    self._forward(headers, body)
                return fault
            case _:
                return fault(lambda: self._forward(headers, body), json.loads(body))

    def _forward(self, headers: dict[str, str], body: bytes) -> Reply:
        """Uses one connection per thread. A thread serves one connection of a caller."""
        connection: HTTPConnection | None = getattr(self._connections, "kept", None)
        if connection is None:
            connection = HTTPConnection(self._endpoint.hostname or "", self._endpoint.port, timeout=30)
            self._connections.kept = connection
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            kept = {"Content-Type", "x-amz-crc32", "x-amzn-RequestId"}
            replied = {name: value for name, value in response.getheaders() if name in kept}
            return Reply(response.status, response.read(), replied)
        except (OSError, HTTPException):  # the service has ended
            connection.close()
            raise Hangup from None

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yields the URL of the proxy."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            @override
            def handle(self) -> None:
                with suppress(ConnectionError):  # the caller has gone
                    super().handle()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                try:
                    self._reply(proxy.answer(headers, body))
                except Hangup as hangup:
                    self.close_connection = True
                    if hangup.reply:
                        self._reply(hangup.reply, sent=len(hangup.reply.body) // 2)

            def _reply(self, reply: Reply, sent: int | None = None) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[:sent])

            @override
            def finish(self) -> None:
                super().finish()
                if kept := getattr(proxy._connections, "kept", None):
                    kept.close()

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass  # pytest shows what failed

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # with a full queue a caller would wait for a second
            daemon_threads = True

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

"""An endpoint that hands requests on to the real one, except what IAM refuses and what a test wants to go wrong."""

import json
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, override
from urllib.parse import urlsplit

from tests.policies import ACCESS_DENIED, Policies, Seen

SLOW_SECONDS = 2.0
"""Longer than the clients' read time-out."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Hangup(Exception):
    """The connection ends without a whole reply; what is given is sent before it does."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply


type Forward = Callable[[], Reply]
type Fault = Callable[[Forward, dict[str, Any]], Reply]


def refuse(code: str, status: int = 400, **details: Any) -> Fault:
    """DynamoDB's answer with this code; the engine never sees the request."""

    def fault(_forward: Forward, _request: dict[str, Any]) -> Reply:
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **details}
        return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})

    return fault


def cancel(code: str) -> Fault:
    """A transaction that is cancelled on account of its first item."""

    def fault(forward: Forward, request: dict[str, Any]) -> Reply:
        others = [{"Code": "None"}] * (len(request["TransactItems"]) - 1)
        return refuse("TransactionCanceledException", CancellationReasons=[{"Code": code}, *others])(forward, request)

    return fault


def lose_request(_forward: Forward, _request: dict[str, Any]) -> Reply:
    raise Hangup


def lose_reply(forward: Forward, _request: dict[str, Any]) -> Reply:
    forward()
    raise Hangup


def halve_reply(forward: Forward, _request: dict[str, Any]) -> Reply:
    raise Hangup(forward())


def garble_reply(forward: Forward, _request: dict[str, Any]) -> Reply:
    reply = forward()
    return Reply(reply.status, b"\x00<html>not what you expected", {"Content-Type": "text/html"})


def delay_reply(forward: Forward, _request: dict[str, Any]) -> Reply:
    reply = forward()
    time.sleep(SLOW_SECONDS)
    return reply


def delay_request(_forward: Forward, _request: dict[str, Any]) -> Reply:
    time.sleep(SLOW_SECONDS)
    raise Hangup


def leave_unprocessed(_forward: Forward, request: dict[str, Any]) -> Reply:
    body = {"Responses": {table: [] for table in request["RequestItems"]}, "UnprocessedKeys": request["RequestItems"]}
    return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})


_ANY = {
    "lost request": lose_request,
    "lost reply": lose_reply,
    "half a reply": halve_reply,
    "garbage": garble_reply,
    "ThrottlingException": refuse("ThrottlingException"),
    "ProvisionedThroughputExceededException": refuse("ProvisionedThroughputExceededException"),
    "InternalServerError": refuse("InternalServerError", 500),
    "503": lambda _forward, _request: Reply(503, b""),
}
_SINGLE_WRITE = {"TransactionConflictException": refuse("TransactionConflictException")}
_TRANSACTION = {
    "cancelled: TransactionConflict": cancel("TransactionConflict"),
    "cancelled: ThrottlingError": cancel("ThrottlingError"),
    "cancelled: ProvisionedThroughputExceeded": cancel("ProvisionedThroughputExceeded"),
    "TransactionInProgressException": refuse("TransactionInProgressException"),
}
_SLOW = {"slow request": delay_request, "slow reply": delay_reply}


LOSES_REPLY = frozenset({"lost reply", "half a reply", "garbage", "slow reply"})
"""Faults by which a request lands and the caller does not know."""


def faults_of(operation: str, *, slow: bool = False) -> dict[str, Fault]:
    """All that can befall a request of this operation, by name."""
    own: dict[str, Fault] = {}
    match operation:
        case "BatchGetItem":
            own = {"unprocessed keys": leave_unprocessed}
        case "PutItem" | "UpdateItem" | "DeleteItem":
            own = _SINGLE_WRITE
        case "TransactWriteItems":
            own = _TRANSACTION
    return {**_ANY, **own, **(_SLOW if slow else {})}


type Choose = Callable[[str], Fault | None]
"""The fault that the next request of an operation meets."""


class FaultProxy:
    """Stands before an engine. Without a fault that somebody asks for it lets through what the policies allow."""

    def __init__(self, endpoint: str, policies: Policies) -> None:
        self._endpoint = urlsplit(endpoint)
        self._policies = policies
        self._connections = threading.local()
        self._lock = threading.Lock()
        self._choose: Choose = lambda _operation: None
        self.seen: list[Seen] = []
        """In the order in which it came."""
        self.met = 0
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
        """After `skip` requests of the operation the next `times` meet the fault, or all with None."""
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
        """That share of all requests meets a quick fault of any kind but the spared ones."""

        def choose(operation: str) -> Fault | None:
            faults = [fault for name, fault in faults_of(operation).items() if name not in spare]
            return dice.choice(faults) if dice.random() < rate else None

        return self.choosing(choose)

    def answer(self, headers: dict[str, str], body: bytes) -> Reply:
        seen = Seen.read(headers, body)
        with self._lock:
            if self._policies.refuse(seen):
                return Reply(400, ACCESS_DENIED, {"Content-Type": "application/x-amz-json-1.0"})
            self.seen.append(seen)
            fault = self._choose(seen.operation)
            self.met += fault is not None
        return fault(lambda: self._forward(headers, body), json.loads(body)) if fault else self._forward(headers, body)

    def _forward(self, headers: dict[str, str], body: bytes) -> Reply:
        """Over the connection of this thread, which serves one connection of a caller."""
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
        except (OSError, HTTPException):  # the engine is gone
            connection.close()
            raise Hangup from None

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yields the endpoint's URL."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            @override
            def handle(self) -> None:
                with suppress(ConnectionError):  # who does not wait for an answer is no concern of ours
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
            request_queue_size = 128  # who comes while it is full waits a second
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

"""Execution environments: processes that run functions, one call at a time each."""

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.synchronize import Semaphore
from threading import Thread
from typing import Any
from unittest import mock

from contacts.storage.table import TableItem
from tests.events import ACME, Event, Tenant
from tests.handlers import call, invoke, load_handler
from tests.secrecy import note

# Forked from a process that has imported everything, so that a test can start and kill one in 0.1 s.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "pytest",
        __name__,
        "contacts.web.endpoint",
        "contacts.web.bodies.update_contact",
        "contacts.web.bodies.upsert_contacts",
        "contacts.web.idempotency",
        "contacts.events.queue",
        "contacts.events.messages",
        "contacts.storage.contacts",
        "tests.engine.preloaded",
    ]
)

_READY_TIMEOUT_SECONDS = 60

type Environment = multiprocessing.context.ForkServerProcess


class Pool(ProcessPoolExecutor):
    """Execution environments that wait for calls."""

    def __init__(self, endpoint: str, environments: int) -> None:
        _start_forkserver(endpoint)
        self._ready, self._go = _context.Semaphore(0), _context.Semaphore(0)
        super().__init__(environments, _context, _join_pool, (endpoint, self._ready, self._go))

    def call_at_once(
        self, calls: Sequence[tuple[str, Tenant, dict[str, Any]]], *, within_seconds: float = 0
    ) -> list[tuple[int, Any]]:
        """Status and body of each call, in the order of `calls`. Each call needs an environment of its own.

        The calls start when all environments are ready, or each at a random moment within that time.
        """
        note([request for _, _, request in calls])
        running = [self.submit(_call_when_told, random.uniform(0, within_seconds), *each) for each in calls]
        for _ in calls:
            assert self._ready.acquire(timeout=_READY_TIMEOUT_SECONDS)
        for _ in calls:
            self._go.release()
        return [each.result() for each in running]


@contextmanager
def run_pool(endpoint: str, environments: int) -> Iterator[Pool]:
    with Pool(endpoint, environments) as pool:
        # This starts all environments and their connections before the first race.
        pool.call_at_once([("get_contact_by_phone", ACME, {"query": {"phone": "00000"}})] * environments)
        yield pool


def start_invocation(endpoint: str, function: str, event: Event) -> Environment:
    """Starts an environment that handles one event and ends."""
    _start_forkserver(endpoint)
    environment = _context.Process(target=_invoke_once, args=(endpoint, function, event))
    environment.start()
    return environment


def _start_forkserver(endpoint: str) -> None:
    """The server finds pytest's path in PYTHONPATH only, see python/cpython#117378."""
    path = os.pathsep.join(sys.path)
    with mock.patch.dict(os.environ, PYTHONPATH=path, AWS_ENDPOINT_URL_DYNAMODB=endpoint):
        forkserver.ensure_running()


_start_signals: tuple[Semaphore, Semaphore]


def _join_pool(endpoint: str, ready: Semaphore, go: Semaphore) -> None:
    global _start_signals  # noqa: PLW0603 - an initializer has no other way to keep what it gets
    _start_signals = ready, go
    _use(endpoint)


def _call_when_told(delay: float, function: str, tenant: Tenant, request: dict[str, Any]) -> tuple[int, Any]:
    load_handler(function)
    ready, go = _start_signals
    ready.release()
    go.acquire()
    time.sleep(delay)
    return call(function, tenant, **request)


def _use(endpoint: str) -> None:
    if os.environ["AWS_ENDPOINT_URL_DYNAMODB"] != endpoint:  # the preloaded client has another one
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        TableItem._connection = None
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Else an environment of a pool would wait for its next call even if the parent was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _invoke_once(endpoint: str, function: str, event: Event) -> None:
    _use(endpoint)
    invoke(function, event)


def try_to_invoke(function: str, event: Event) -> Any:
    """The answer, or None after an exception: the exceptions of a queue's consumer cannot be pickled."""
    try:
        return invoke(function, event)
    except Exception:  # noqa: BLE001 - Lambda repeats the batch after any exception
        return None

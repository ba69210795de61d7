"""Functions in processes of their own, as many at once as callers ask for."""

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

# Forked off a process that has loaded everything once: cheap enough to kill one for each test.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "pytest",
        __name__,
        "contacts.web.endpoint",
        "contacts.web.bodies",
        "contacts.storage.contacts",
        "tests.engine.warm_client",
    ]
)

_PATIENCE_SECONDS = 60

type Victim = multiprocessing.context.ForkServerProcess


class Pool(ProcessPoolExecutor):
    """Each process takes one call at a time."""

    def __init__(self, endpoint: str, processes: int) -> None:
        _load_once(endpoint)
        self._ready, self._go = _context.Semaphore(0), _context.Semaphore(0)
        super().__init__(processes, _context, _join, (endpoint, self._ready, self._go))

    def call_at_once(
        self, calls: Sequence[tuple[str, Tenant, dict[str, Any]]], *, within_seconds: float = 0
    ) -> list[tuple[int, Any]]:
        """Status and body of each call, in their order. They start when all are ready, each in a process of its own."""
        note([request for _, _, request in calls])
        running = [self.submit(_call_in_step, random.uniform(0, within_seconds), *each) for each in calls]
        for _ in calls:
            assert self._ready.acquire(timeout=_PATIENCE_SECONDS)
        for _ in calls:
            self._go.release()
        return [each.result() for each in running]


@contextmanager
def run_pool(endpoint: str, processes: int) -> Iterator[Pool]:
    with Pool(endpoint, processes) as pool:
        # All of them have started, and none has a connection to set up when a race begins.
        pool.call_at_once([("get_contact_by_phone", ACME, {"query": {"phone": "00000"}})] * processes)
        yield pool


def run_victim(endpoint: str, function: str, event: Event) -> Victim:
    _load_once(endpoint)
    process = _context.Process(target=_invoke, args=(endpoint, function, event))
    process.start()
    return process


def _load_once(endpoint: str) -> None:
    """Starts what processes are forked off; it finds pytest's path by PYTHONPATH alone, see python/cpython#117378."""
    path = os.pathsep.join(sys.path)
    with mock.patch.dict(os.environ, PYTHONPATH=path, AWS_ENDPOINT_URL_DYNAMODB=endpoint):
        forkserver.ensure_running()


_start_line: tuple[Semaphore, Semaphore]


def _join(endpoint: str, ready: Semaphore, go: Semaphore) -> None:
    global _start_line  # noqa: PLW0603 - a pool hands what all its processes share to each of them as it starts
    _start_line = ready, go
    _use(endpoint)


def _call_in_step(delay: float, function: str, tenant: Tenant, request: dict[str, Any]) -> tuple[int, Any]:
    load_handler(function)
    ready, go = _start_line
    ready.release()
    go.acquire()
    time.sleep(delay)
    return call(function, tenant, **request)


def _use(endpoint: str) -> None:
    if os.environ["AWS_ENDPOINT_URL_DYNAMODB"] != endpoint:  # forked off for another one
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        TableItem._connection = None
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """However that ends: a pool waits for its next call for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _invoke(endpoint: str, function: str, event: Event) -> None:
    _use(endpoint)
    invoke(function, event)


def try_to_invoke(function: str, event: Event) -> Any:
    """None when it raises: a queue's exception does not survive the way from one process to another."""
    try:
        return invoke(function, event)
    except Exception:  # noqa: BLE001 - whatever it is, Lambda hands the batch on again
        return None

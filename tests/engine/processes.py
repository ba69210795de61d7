"""Functions in processes of their own, as many at once as callers ask for."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any

from tests.gateway import Event, Tenant, call, invoke

# Forked off a process that has loaded everything once: cheap enough to kill one for each test.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.engine.processes", "admin.tags", "contacts.repository", "contacts.models"])

type Victim = multiprocessing.context.ForkServerProcess


@contextmanager
def run_pool(endpoint: str, processes: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(processes, _context, _use, (endpoint,)) as pool:
        list(pool.map(abs, range(4 * processes)))  # all of them have started
        yield pool


def at_once(pool: ProcessPoolExecutor, calls: Sequence[tuple[str, Tenant, dict[str, Any]]]) -> list[tuple[int, Any]]:
    """Status and body of each call, in their order."""
    running = [pool.submit(call, function, tenant, **request) for function, tenant, request in calls]
    return [each.result() for each in running]


def run_victim(endpoint: str, function: str, event: Event) -> Victim:
    process = _context.Process(target=_invoke, args=(endpoint, function, event))
    process.start()
    return process


def _use(endpoint: str) -> None:
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
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

"""Sends batches side by side, as fast as the API allows."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from threading import Event, Lock
from typing import NamedTuple

from contacts_client import Conflict, Contacts, ContactsError
from contacts_client.cli.errors import Stopped
from contacts_client.cli.phones import spellings
from contacts_client.cli.rows import Row
from contacts_client.client import Match

BATCH = 100

_SIDE_BY_SIDE = 4
_SECONDS_OF_A_LOCK = 60
"""For longer than this no Idempotency-Key is in use after the process that sent it was killed."""
_OF_THE_ROWS = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.INTERNAL_SERVER_ERROR}
"""Refusals of a whole batch that others need not share. All other refusals end the push."""
_BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Outcome(NamedTuple):
    status: int
    reason: str
    """Empty if the row is done."""


class Pace:
    """A token bucket that holds one token, for all threads together."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0
        self._lock = Lock()
        self._stopped = Event()

    def wait(self) -> None:
        """Returns when the caller may send a request. Raises Stopped."""
        while seconds := self._take():
            self._stopped.wait(seconds)
            self.check()

    def pause(self, seconds: float) -> None:
        """Keeps all threads from sending for this time, and waits for the caller's turn after it. Raises Stopped."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
        self.wait()

    def stop(self) -> None:
        self._stopped.set()

    def check(self) -> None:
        """Raises Stopped after `stop`."""
        if self._stopped.is_set():
            raise Stopped

    def _take(self) -> float:
        """0 if the caller has the token now, else the seconds until there may be one."""
        with self._lock:
            now = time.monotonic()
            if self._next > now:
                return self._next - now
            self._next = now + self._interval
            return 0


class Sender:
    def __init__(self, client: Contacts, pace: Pace, run: str, match: Match | None) -> None:
        """`client` pauses with `pace.pause`. Batches of one run that are sent again are done once."""
        self._client = client
        self._pace = pace
        self._run = run
        self._match = match

    def send(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Outcome]]]:
        """In the order of the batches. One waits for those before it that have one of its phones.

        Raises ContactsError if the API does not take any more, and Stopped. What is in flight then is finished.
        """
        flying: deque[tuple[Sequence[Row], set[str], Future[list[Outcome]]]] = deque()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
            try:
                for batch in batches:
                    phones = {self._identity(row.phone) for row in batch if not row.refusal}
                    while len(flying) == _SIDE_BY_SIDE or not all(phones.isdisjoint(each) for _, each, _ in flying):
                        earlier, _, future = flying.popleft()
                        yield earlier, future.result()
                    with suppress(Stopped):  # which _upload raises in its turn, after those in flight
                        self._pace.wait()
                    flying.append((batch, phones, threads.submit(self._upload, batch)))
                for earlier, _, future in flying:
                    yield earlier, future.result()
            except BaseException:
                self._pace.stop()
                raise

    def _identity(self, phone: str) -> str:
        """Equal for two spellings that may be one contact."""
        return min(spellings(phone, alias=self._match == "alias"))

    def _upload(self, batch: Sequence[Row]) -> list[Outcome]:
        self._pace.check()
        results = iter(self._upsert([row for row in batch if not row.refusal]))
        return [Outcome(HTTPStatus.BAD_REQUEST, row.refusal) if row.refusal else next(results) for row in batch]

    def _upsert(self, rows: Sequence[Row]) -> list[Outcome]:
        if not rows:
            return []
        items = [row.item for row in rows]
        key = sha256(json.dumps([self._run, rows[0].number, items]).encode()).hexdigest()
        end = time.monotonic() + _SECONDS_OF_A_LOCK
        while True:
            try:
                results = self._client.upsert_batch(items, match=self._match, idempotency_key=key)
            except Conflict:
                if time.monotonic() > end:
                    raise
                self._pace.pause(1)  # a process that was killed sent this batch, and the API still works on it
            except ContactsError as error:
                if error.status not in _OF_THE_ROWS:
                    raise
                return [_outcome(error.status, error)] * len(rows)
            else:
                return [_outcome(each.status, each.error) for each in results]


def _outcome(status: int, error: ContactsError | None) -> Outcome:
    if error and status in _BUSY:
        raise error
    return Outcome(status, str(error or "").removeprefix(f"{status}: "))

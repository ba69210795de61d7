"""The client: one method for each endpoint, one place that sends and signs, and one that decides about retries."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

import httpx2

from contacts_client.errors import Conflict, ContactsError, NoAnswer, error_of
from contacts_client.objects import BatchResult, ChangePage, Contact, Identity, Tag, TagAssignment
from contacts_client.signing import canonical_text, sign

type _Json = dict[str, Any]
type _Query = Mapping[str, str | None]
"""None leaves a parameter out."""

Match = Literal["exact", "alias"]

_BATCH = 100
_FIRST_BACKOFF_SECONDS = 0.5
_RETRIED = HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE


class Contacts:
    """The contacts of one tenant, by its API key. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        signing_secret: str | None = None,
        timeout: float = 30,
        retry_seconds: float = 30,
        pause: Callable[[float], None] | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`timeout` is that of one attempt. No attempt begins later than `retry_seconds` after the call.

        `base_url` is the address without /v1; on AWS without a custom domain it ends with the stage.
        `pause` waits for some seconds before a retry, instead of time.sleep: threads can make all of them wait for one.
        Raises ValueError if the key is empty.
        """
        if not key.strip():
            raise ValueError("The API key is empty.")
        self._http = httpx2.Client(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            transport=transport,
        )
        self._secret = signing_secret
        self._retry_seconds = retry_seconds
        self._pause = pause or time.sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def upsert(
        self,
        phone: str,
        display_name: str | None = None,
        *,
        match: Match | None = None,
        idempotency_key: str | None = None,
    ) -> Contact:
        """Creates the contact, or refreshes it if it exists; None keeps its name."""
        body = {"phone": phone, "display_name": display_name}
        query = {"match": match}
        return Contact.parse(self._call("POST", "/contacts", body, query=query, idempotency_key=idempotency_key).json())

    def upsert_many(self, items: Iterable[Mapping[str, Any]], *, match: Match | None = None) -> Iterator[BatchResult]:
        """The results in the order of the items, 100 items per request.

        An item is {"phone": …, "display_name": …, "tags": [{"tag_id": …, "reason": …}]}. Items that the API could not
        do in time are sent again, for as long as the client retries.
        """
        rest = iter(items)
        while batch := list(islice(rest, _BATCH)):
            yield from self.upsert_batch(batch, match=match)

    def upsert_batch(
        self, items: Sequence[Mapping[str, Any]], *, match: Match | None = None, idempotency_key: str | None = None
    ) -> list[BatchResult]:
        """As upsert_many, for at most 100 items in one request, whose Idempotency-Key can be given.

        Items that are sent again are another request, with a key of its own. If that request fails, their results stay
        what they were.
        """
        results: dict[int, BatchResult] = {}
        left = list(range(len(items)))
        query, retries = {"match": match}, self._start_retries()
        while left:
            body = {"contacts": [items[place] for place in left]}
            try:
                response = self._call(
                    "POST", "/contacts/batch", body, query=query, idempotency_key=idempotency_key, retries=retries
                )
            except ContactsError:
                if not results:
                    raise
                break
            for place, result in zip(left, response.json()["results"], strict=True):
                results[place] = BatchResult.parse(result)
            left = [place for place in left if results[place].status in _RETRIED]
            idempotency_key = None
            if left and not retries.wait(response):
                break
        return [results[place] for place in range(len(items))]

    def get(self, contact_id: str) -> Contact:
        return Contact.parse(self._call("GET", f"/contacts/{_segment(contact_id)}").json())

    def by_phone(self, phone: str, *, match: Match | None = None) -> Contact:
        query = {"phone": phone, "match": match}
        return Contact.parse(self._call("GET", "/contacts/by-phone", query=query).json())

    def rename(self, contact_id: str, display_name: str | None, *, idempotency_key: str | None = None) -> Contact:
        """None clears the name."""
        path, body = f"/contacts/{_segment(contact_id)}", {"display_name": display_name}
        return Contact.parse(self._call("PATCH", path, body, idempotency_key=idempotency_key).json())

    def delete(self, contact_id: str, *, idempotency_key: str | None = None) -> None:
        self._call("DELETE", f"/contacts/{_segment(contact_id)}", idempotency_key=idempotency_key)

    def assign(
        self, contact_id: str, tag_id: str, reason: str | None = None, *, idempotency_key: str | None = None
    ) -> TagAssignment:
        path, body = f"/contacts/{_segment(contact_id)}/tags", {"tag_id": tag_id, "reason": reason}
        return TagAssignment.parse(self._call("POST", path, body, idempotency_key=idempotency_key).json())

    def remove(self, contact_id: str, tag_id: str, *, idempotency_key: str | None = None) -> None:
        """Succeeds too if the contact does not hold the tag."""
        path = f"/contacts/{_segment(contact_id)}/tags/{_segment(tag_id)}"
        self._call("DELETE", path, idempotency_key=idempotency_key)

    def contacts(self) -> Iterator[Contact]:
        """All contacts, by id. Turns the pages while you iterate."""
        return (Contact.parse(each) for each in self._pages("/contacts"))

    def tags(self, name: str | None = None) -> Iterator[Tag]:
        """The tags that can be assigned, by name; with a name, the one tag of that name, if there is one."""
        return (Tag.parse(each) for each in self._pages("/tags", {"name": name}))

    def changes(self, cursor: str | None = None) -> Iterator[ChangePage]:
        """The pages of changes after the cursor, until there are no more at once. Raises CursorExpired.

        Without a cursor it is one page without changes, whose `next_cursor` stands at now.
        """
        while True:
            page = ChangePage.parse(self._call("GET", "/changes", query={"cursor": cursor}).json())
            yield page
            if not page.has_more:
                return
            cursor = page.next_cursor

    def whoami(self) -> Identity:
        return Identity.parse(self._call("GET", "/whoami").json())

    def _pages(self, path: str, query: _Query | None = None) -> Iterator[_Json]:
        cursor: str | None = None
        while True:
            page = self._call("GET", path, query={**(query or {}), "cursor": cursor}).json()
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def _call(
        self,
        method: str,
        path: str,
        body: _Json | None = None,
        *,
        query: _Query | None = None,
        idempotency_key: str | None = None,
        retries: "_Retries | None" = None,
    ) -> httpx2.Response:
        """Sends until there is an answer that is worth no retry, or the time is up. Raises ContactsError."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"/v1{path}" + (f"?{urlencode(given, quote_via=quote)}" if given else "")
        content = b"" if body is None else json.dumps(body).encode()
        if method != "GET":
            idempotency_key = idempotency_key or str(uuid.uuid4())
        retries = retries or self._start_retries()
        is_repeated = False
        while True:
            response = None
            try:
                response = self._send(method, target, content, idempotency_key)
            except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError):
                raise  # nothing was sent, and another attempt would change nothing
            except httpx2.TransportError as error:
                failure: ContactsError = NoAnswer(f"No answer: {error}")
                failure.__cause__ = error
            else:
                if response.is_success:
                    return response
                failure = error_of(response.status_code, _json_or_none(response))
                # The attempt before got no answer and may still be running under the same Idempotency-Key.
                is_running = is_repeated and isinstance(failure, Conflict) and failure.limit is None
                if response.status_code not in _RETRIED and not is_running:
                    raise failure
            if not retries.wait(response):
                raise failure
            is_repeated = True

    def _start_retries(self) -> "_Retries":
        return _Retries(self._retry_seconds, self._pause)

    def _send(self, method: str, target: str, content: bytes, idempotency_key: str | None) -> httpx2.Response:
        """Signs each attempt anew, because a signature holds for 300 seconds only."""
        headers = {"Content-Type": "application/json"} if content else {}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        if self._secret:
            timestamp = str(int(time.time()))
            text = canonical_text(timestamp, method, target, idempotency_key, content)
            headers |= {"X-SigFollow-Timestamp": timestamp, "X-SigFollow-Signature": sign(self._secret, text)}
        return self._http.request(method, target, content=content, headers=headers)


class _Retries:
    """The waits of one call: Retry-After, else 0.5 s, doubled each time, with jitter. They end when its time is up."""

    def __init__(self, seconds: float, pause: Callable[[float], None]) -> None:
        self._end = time.monotonic() + seconds
        self._pause = pause
        self._backoff = _FIRST_BACKOFF_SECONDS

    def wait(self, response: httpx2.Response | None) -> bool:
        """Waits before the next attempt. False, at once, if the time does not suffice."""
        jittered = random.uniform(self._backoff / 2, self._backoff)  # noqa: S311 - not a secret
        seconds = _retry_after(response) or jittered
        if time.monotonic() + seconds > self._end:
            return False
        self._pause(seconds)
        self._backoff *= 2
        return True


def _retry_after(response: httpx2.Response | None) -> int | None:
    """In seconds, if the answer says it."""
    value = response.headers.get("Retry-After", "") if response else ""
    return int(value) if value.isdecimal() else None


def _segment(text: str) -> str:
    """As one segment of a path. A dot segment would be resolved away, so its dots are encoded too."""
    if not text:
        raise ValueError("An id must not be empty: without it the path is that of another endpoint.")
    return quote(text, safe="") if text.strip(".") else "%2E" * len(text)


def _json_or_none(response: httpx2.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None

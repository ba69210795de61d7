"""The client: one method for each endpoint, and one place that sends, signs and retries."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

import httpx2

from contacts_client.errors import NoAnswer, error_of
from contacts_client.objects import BatchResult, Contact, Identity, Tag, TagAssignment
from contacts_client.signing import canonical_text, sign

type _Json = dict[str, Any]
type _Query = dict[str, str | None]
"""None leaves a parameter out."""

Match = Literal["exact", "alias"]

_BATCH = 100
_RETRIED = {429, 503}


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
        """`timeout` is that of one attempt, `retry_seconds` bounds all attempts of a call together.

        `base_url` is the address without /v1; on AWS without a custom domain it ends with the stage.
        `pause` waits for some seconds before a retry, instead of time.sleep: threads can make all of them wait for one.
        """
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
        return Contact.parse(self._write("POST", "/contacts", body, idempotency_key, {"match": match}))

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

        Items that are sent again are another request, with a key of its own.
        """
        results: dict[int, BatchResult] = {}
        left = list(range(len(items)))
        end, pause = time.monotonic() + self._retry_seconds, 0.5
        while left:
            body = {"contacts": [items[place] for place in left]}
            answer = self._write("POST", "/contacts/batch", body, idempotency_key, {"match": match})
            for place, result in zip(left, answer["results"], strict=True):
                status, contact = result["status"], result.get("contact")
                error = None if contact else error_of(status, result["error"])
                results[place] = BatchResult(status, Contact.parse(contact) if contact else None, error)
            left = [place for place in left if results[place].status in _RETRIED]
            idempotency_key = None
            if left and time.monotonic() + pause > end:
                break
            if left:
                self._pause(pause)
                pause *= 2
        return [results[place] for place in range(len(items))]

    def get(self, contact_id: str) -> Contact:
        return Contact.parse(self._call("GET", f"/contacts/{_segment(contact_id)}"))

    def by_phone(self, phone: str, *, match: Match | None = None) -> Contact:
        return Contact.parse(self._call("GET", "/contacts/by-phone", query={"phone": phone, "match": match}))

    def rename(self, contact_id: str, display_name: str | None, *, idempotency_key: str | None = None) -> Contact:
        """None clears the name."""
        path, body = f"/contacts/{_segment(contact_id)}", {"display_name": display_name}
        return Contact.parse(self._write("PATCH", path, body, idempotency_key))

    def delete(self, contact_id: str, *, idempotency_key: str | None = None) -> None:
        self._write("DELETE", f"/contacts/{_segment(contact_id)}", None, idempotency_key)

    def assign(
        self, contact_id: str, tag_id: str, reason: str | None = None, *, idempotency_key: str | None = None
    ) -> TagAssignment:
        path, body = f"/contacts/{_segment(contact_id)}/tags", {"tag_id": tag_id, "reason": reason}
        return TagAssignment.parse(self._write("POST", path, body, idempotency_key))

    def remove(self, contact_id: str, tag_id: str, *, idempotency_key: str | None = None) -> None:
        """Succeeds too if the contact does not hold the tag."""
        path = f"/contacts/{_segment(contact_id)}/tags/{_segment(tag_id)}"
        self._write("DELETE", path, None, idempotency_key)

    def contacts(self) -> Iterator[Contact]:
        """All contacts, by id. Turns the pages while you iterate."""
        return (Contact.parse(each) for each in self._pages("/contacts"))

    def tags(self, name: str | None = None) -> Iterator[Tag]:
        """The tags that can be assigned, by name; with a name, the one tag of that name, if there is one."""
        return (Tag.parse(each) for each in self._pages("/tags", {"name": name}))

    def whoami(self) -> Identity:
        return Identity.parse(self._call("GET", "/whoami"))

    def _pages(self, path: str, query: _Query | None = None) -> Iterator[_Json]:
        cursor: str | None = None
        while True:
            page = self._call("GET", path, query={**(query or {}), "cursor": cursor})
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def _write(
        self, method: str, path: str, body: _Json | None, idempotency_key: str | None, query: _Query | None = None
    ) -> _Json:
        return self._call(method, path, body, idempotency_key or str(uuid.uuid4()), query)

    def _call(
        self,
        method: str,
        path: str,
        body: _Json | None = None,
        idempotency_key: str | None = None,
        query: _Query | None = None,
    ) -> _Json:
        """Sends until there is an answer that is worth no retry, or the time is up. Raises ContactsError."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"/v1{path}" + (f"?{urlencode(given, quote_via=quote)}" if given else "")
        content = b"" if body is None else json.dumps(body).encode()
        end, pause = time.monotonic() + self._retry_seconds, 0.5
        while True:
            wait = random.uniform(pause / 2, pause)  # noqa: S311 - jitter, not a secret
            try:
                response = self._send(method, target, content, idempotency_key)
            except httpx2.TransportError as error:
                failure: Exception = NoAnswer(f"No answer: {error}")
                failure.__cause__ = error
            else:
                if response.is_success:
                    return dict(response.json())
                failure = error_of(response.status_code, _json_or_none(response))
                if response.status_code not in _RETRIED:
                    raise failure
                wait = _seconds(response.headers.get("Retry-After")) or wait
            if time.monotonic() + wait > end:
                raise failure
            self._pause(wait)
            pause *= 2

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


def _segment(text: str) -> str:
    """As one segment of a path. A dot segment would be resolved away, so its dots are encoded too."""
    return quote(text, safe="") if text.strip(".") else "%2E" * len(text)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None


def _json_or_none(response: httpx2.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None

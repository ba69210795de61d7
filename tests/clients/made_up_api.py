"""As much of the API as `contacts push` and `contacts pull` call, in memory: fast, and it does what a test wants."""

import json
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import httpx2

BATCHES = "/v1/contacts/batch"
NOW = "2026-01-01T00:00:00.000Z"
TAGS = {"VIP": "cviptag0000", "New lead": "cleadtag000"}
KEY = {
    "tenantId": "ctenant0000", "keyId": "ckey0000000", "name": "made up", "scopes": ["contacts:read", "contacts:write"],
    "rateLimit": 80, "batchRateLimit": 8, "expiresAt": None, "requireSignature": False, "ipAllowlist": [],
    "sourceIp": "192.0.2.1",
}  # fmt: skip

type Intercept = Callable[[httpx2.Request, int], httpx2.Response | None]


class MadeUpApi:
    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self.requests: list[httpx2.Request] = []
        self.batches: list[tuple[float, httpx2.Request]] = []
        """With the times of their arrival."""
        self.intercept: Intercept = lambda _request, _number: None
        """Gets each batch and its number, and may answer itself."""
        self.kept: dict[str, httpx2.Response] = {}
        """By Idempotency-Key."""
        self._lock = Lock()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        with self._lock:
            self.requests.append(request)
            if request.url.path == BATCHES:
                self.batches.append((time.monotonic(), request))
            number = len(self.batches)
        return (request.url.path == BATCHES and self.intercept(request, number)) or self.answer(request)

    @property
    def keys(self) -> list[str]:
        return [each.headers["Idempotency-Key"] for _, each in self.batches]

    @property
    def names(self) -> dict[str, str | None]:
        """By phone."""
        return {phone: contact["displayName"] for phone, contact in self.contacts.items()}

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        match request.url.path.split("/"):
            case [_, _, "whoami"]:
                return httpx2.Response(200, json=KEY)
            case [_, _, "tags"]:
                name = request.url.params.get("name")
                found = [each for each in TAGS if name is None or each.casefold() == name.casefold()]
                other = {"description": None, "colour": None, "createdAt": NOW}
                return _page([{"id": TAGS[each], "name": each, **other} for each in found])
            case [_, _, "contacts"]:
                return _page([self.contacts[phone] for phone in sorted(self.contacts)])
            case [_, _, "contacts", "by-phone"]:
                contact = self.contacts.get(request.url.params["phone"])
                return httpx2.Response(200, json=contact) if contact else httpx2.Response(404, json={})
        with self._lock:
            key = request.headers["Idempotency-Key"]
            if key not in self.kept:
                results = [self._upsert(each) for each in json.loads(request.content)["contacts"]]
                self.kept[key] = httpx2.Response(200, json={"results": results})
            return self.kept[key]

    def _upsert(self, item: dict[str, Any]) -> dict[str, Any]:
        phone, is_new = item["phone"], item["phone"] not in self.contacts
        contact = self.contacts.setdefault(phone, _contact(phone))
        contact["displayName"] = item["display_name"] or contact["displayName"]
        held = {each["tagId"] for each in contact["tagAssignments"]}
        contact["tagAssignments"] += [_assignment(tag["tag_id"]) for tag in item["tags"] if tag["tag_id"] not in held]
        return {"status": 201 if is_new else 200, "contact": contact}


def _page(data: list[dict[str, Any]]) -> httpx2.Response:
    return httpx2.Response(200, json={"data": data, "nextCursor": None})


def _contact(phone: str) -> dict[str, Any]:
    times = dict.fromkeys(("firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"), NOW)
    return {
        "id": f"c{phone}",
        "tenantId": KEY["tenantId"],
        "phone": phone,
        "displayName": None,
        **times,
        "tagAssignments": [],
    }


def _assignment(tag_id: str) -> dict[str, Any]:
    return {
        "contactId": "c", "tagId": tag_id, "source": "API", "reason": None, "createdAt": NOW, "updatedAt": NOW,
    }  # fmt: skip

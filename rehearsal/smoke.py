"""`make smoke`: the HTTP cases that a deployed stage must pass, sent with a key that has both scopes and signs nothing.

They create one contact under a number that nobody can have, and delete it.
"""

import json
import os
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

_MOST_TRIES = 5
_MOST_PAGES_OF_CHANGES = 20
_TOO_LARGE = b" " * (10 * 1024 * 1024 + 1)
_NOBODYS_ID = "cnobodyhasthisid000000000"

type Expected = Any
"""JSON in which ... stands for any value."""


def _error(message: str, code: int, details: str, *, type_: str = "GraphMethodException", **data: str) -> Expected:
    described = {"details": details, **data}
    return {"error": {"message": message, "type": type_, "code": code, "error_data": described, "fbtrace_id": ...}}


UNAUTHORIZED = _error(
    "Unauthorized", 190, "The API key is missing, unknown, revoked or expired.", type_="OAuthException"
)
INVALID_PHONE = _error("Invalid parameter", 100, "phone must have 5 to 32 digits.", field="phone")
NO_ROUTE = _error("Not found", 100, "There is no such route.")
NO_CONTACT = _error("Not found", 100, "There is no such contact.")
NO_TAG = _error("Not found", 100, "There is no such tag.")
TOO_LARGE = _error("Request too large", 100, "The body is too large.")
TOO_MANY = _error("Too many requests", 4, "A rate limit is exceeded.", type_="OAuthException")
OK = {"ok": True}
NO_CHANGES = {"data": [], "contacts": [], "nextCursor": ..., "hasMore": False}
IDENTITY = {
    "tenantId": ...,
    "keyId": ...,
    "name": ...,
    "scopes": ["contacts:read", "contacts:write"],
    "rateLimit": ...,
    "batchRateLimit": ...,
    "expiresAt": ...,
    "requireSignature": False,
    "ipAllowlist": ...,
    "sourceIp": ...,
}


@dataclass(frozen=True)
class Outcome:
    case: str
    route: str
    status: int
    fault: str
    """What is wrong with the answer, or nothing."""

    def __str__(self) -> str:
        verdict, fault = ("FAILED", f": {self.fault}") if self.fault else ("ok    ", "")
        return f"{verdict} {self.status} {self.case} ({self.route}){fault}"


@dataclass
class Smoke:
    client: httpx.Client
    key: str
    phone: str = field(default_factory=lambda: f"999{secrets.randbelow(10**9):09}")
    outcomes: list[Outcome] = field(default_factory=list)

    def send(self, route: str, body: object = None, **headers: str | None) -> httpx.Response:
        """Waits and tries again while the key's limit is exceeded."""
        for _ in range(_MOST_TRIES):
            response = self.send_once(route, body, **headers)
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(1)
        return response

    def send_once(self, route: str, body: object = None, **headers: str | None) -> httpx.Response:
        """Sends no header whose value is None. Underscores in the names of headers are hyphens."""
        method, _, target = route.partition(" ")
        wanted = {"Authorization": f"Bearer {self.key}", **headers}
        return self.client.request(
            method,
            target,
            content=body if isinstance(body, bytes | None) else json.dumps(body),
            headers={name.replace("_", "-"): value for name, value in wanted.items() if value is not None},
        )

    def expect(
        self,
        case: str,
        route: str,
        status: int,
        answer: Expected,
        body: object = None,
        **headers: str | None,
    ) -> httpx.Response:
        response = self.send(route, body, **headers)
        self.judge(case, route, response, status, answer)
        return response

    def judge(self, case: str, route: str, response: httpx.Response, status: int, answer: Expected) -> None:
        """Prints no other answers than errors, because those hold contacts."""
        shown = _json(response)
        fault = f"expected {status}" if response.status_code != status else ""
        if not fault and not _matches(answer, shown):
            fault = "expected another body"
        if fault and isinstance(shown, dict) and "error" in shown:
            fault += f", got {json.dumps(shown)}"
        self.outcomes.append(Outcome(case, route, response.status_code, fault))


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _matches(expected: Expected, actual: object) -> bool:
    if expected is ...:
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(_matches(each, actual[key]) for key, each in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_matches, expected, actual))
    return bool(expected == actual)


def run(url: str, key: str, *, emulated: bool = False) -> list[Outcome]:
    """The emulated account takes bodies of any size. Raises httpx.HTTPError."""
    with httpx.Client(base_url=url, timeout=40, trust_env=False) as client:
        smoke = Smoke(client, key)
        refuse_strangers(smoke)
        identity = smoke.expect("a known key", "GET /v1/whoami", 200, IDENTITY)
        if not identity.is_success:
            return smoke.outcomes
        use_a_contact(smoke)
        if not emulated:
            smoke.expect("a body over 10 MB", "POST /v1/contacts", 413, TOO_LARGE, _TOO_LARGE)
        meet_the_rate_limit(smoke, identity.json()["rateLimit"])
    return smoke.outcomes


def refuse_strangers(smoke: Smoke) -> None:
    nobodys = f"Bearer sflo_live_{secrets.token_urlsafe(32)}"
    smoke.expect("no key", "GET /v1/whoami", 401, UNAUTHORIZED, Authorization=None)
    smoke.expect("an unknown key", "GET /v1/whoami", 401, UNAUTHORIZED, Authorization=nobodys)
    smoke.expect("an unknown route", "GET /v1/no-such-route", 404, NO_ROUTE)
    smoke.expect("an unknown method", "PUT /v1/whoami", 404, NO_ROUTE)


def use_a_contact(smoke: Smoke) -> None:
    """Calls each endpoint of contacts and tags."""
    times = dict.fromkeys(("firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"), ...)
    contact = {"id": ..., "tenantId": ..., "phone": smoke.phone, "displayName": "Smoke test", **times}
    body = {"phone": f"+{smoke.phone}", "display_name": "Smoke test"}
    once = {"Idempotency_Key": secrets.token_hex(16)}
    changes = smoke.expect("a cursor for changes", "GET /v1/changes", 200, NO_CHANGES)
    smoke.expect("a malformed phone", "POST /v1/contacts", 400, INVALID_PHONE, {"phone": "1"})
    created = smoke.expect("a new contact", "POST /v1/contacts", 201, contact, body, **once)
    if not created.is_success:
        return
    contact = created.json()
    by_id = f"/v1/contacts/{contact['id']}"
    try:
        replayed = smoke.expect("the same request again", "POST /v1/contacts", 201, contact, body, **once)
        _expect_header(smoke, replayed, "POST /v1/contacts", "Idempotency-Replayed", "true")
        smoke.expect(
            "a known contact", "POST /v1/contacts", 200, {**contact, "lastSeenAt": ..., "updatedAt": ...}, body
        )
        whole = {**contact, "lastSeenAt": ..., "updatedAt": ..., "tagAssignments": []}
        smoke.expect("a contact by its phone", f"GET /v1/contacts/by-phone?phone={smoke.phone}", 200, whole)
        smoke.expect("a contact by its id", f"GET {by_id}", 200, whole)
        renamed = {**contact, "displayName": "Renamed", "lastSeenAt": ..., "updatedAt": ...}
        smoke.expect("another name", f"PATCH {by_id}", 200, renamed, {"display_name": "Renamed"})
        batch, results = {"contacts": [{"phone": smoke.phone}]}, {"results": [{"status": 200, "contact": ...}]}
        smoke.expect("a batch", "POST /v1/contacts/batch", 200, results, batch)
        smoke.expect("a page of contacts", "GET /v1/contacts?limit=1", 200, {"data": [...], "nextCursor": ...})
        assign_a_tag(smoke, by_id)
        if changes.is_success:
            follow_changes(smoke, changes.json()["nextCursor"], contact["id"])
    finally:
        smoke.expect("the deletion of a contact", f"DELETE {by_id}", 200, OK)
    gone = {"error": {**NO_CONTACT["error"], "fbtrace_id": "smoke-test"}}
    answer = smoke.expect(
        "a deleted contact, and an X-Request-Id", f"GET {by_id}", 404, gone, X_Request_Id="smoke-test"
    )
    _expect_header(smoke, answer, f"GET {by_id}", "X-Request-Id", "smoke-test")


def assign_a_tag(smoke: Smoke, by_id: str) -> None:
    """The tenant's first tag, if it has tags."""
    page = smoke.expect("a page of tags", "GET /v1/tags?limit=1", 200, {"data": ..., "nextCursor": ...})
    tag_ids = [tag["id"] for tag in page.json()["data"]] if page.is_success else []
    route = f"POST {by_id}/tags"
    if tag_ids:
        assignment = {
            "contactId": ...,
            "tagId": tag_ids[0],
            "source": "API",
            "reason": None,
            "createdAt": ...,
            "updatedAt": ...,
        }
        smoke.expect("a tag", route, 201, assignment, {"tag_id": tag_ids[0]})
    else:
        smoke.expect("an unknown tag", route, 404, NO_TAG, {"tag_id": _NOBODYS_ID})
    smoke.expect("no tag any more", f"DELETE {by_id}/tags/{[*tag_ids, _NOBODYS_ID][0]}", 200, OK)


def follow_changes(smoke: Smoke, cursor: str, contact_id: str) -> None:
    """Changes are usually there within two seconds. Other callers make some, too."""
    page: Expected = {"data": ..., "contacts": ..., "nextCursor": ..., "hasMore": ...}
    for _ in range(_MOST_PAGES_OF_CHANGES):
        answer = smoke.send(route := f"GET /v1/changes?cursor={cursor}")
        if not answer.is_success:
            break
        shown = answer.json()
        if any(each["contactId"] == contact_id for each in shown["data"]):
            break
        cursor = shown["nextCursor"]
        time.sleep(0 if shown["hasMore"] else 1)
    else:
        page = {**page, "data": [f"a change of {contact_id}"]}
    smoke.judge("the changes of a contact", route, answer, 200, page)


def meet_the_rate_limit(smoke: Smoke, rate_limit: int) -> None:
    """API Gateway throttles by best effort, so three times the burst is sent."""
    with ThreadPoolExecutor(2 + rate_limit // 5) as senders:
        answers = list(senders.map(lambda _: smoke.send_once("GET /v1/whoami"), range(3 * rate_limit + 5)))
    refused = next((each for each in answers if not each.is_success), answers[0])
    smoke.judge("too many requests", "GET /v1/whoami", refused, 429, TOO_MANY)
    _expect_header(smoke, refused, "GET /v1/whoami", "Retry-After", "1")


def _expect_header(smoke: Smoke, response: httpx.Response, route: str, name: str, value: str) -> None:
    fault = "" if response.headers.get(name) == value else f"expected {value}"
    smoke.outcomes.append(Outcome(f"its {name}", route, response.status_code, fault))


def main() -> None:
    url, key = os.environ.get("URL"), os.environ.get("KEY")
    if not url or not key:
        sys.exit("Which stage, and with which key? make smoke URL=https://... KEY=sflo_live_...")
    try:
        outcomes = run(url.rstrip("/"), key)
    except httpx.HTTPError as error:
        sys.exit(f"Error: {url} did not answer: {error!r}")
    print(*outcomes, sep="\n")
    sys.exit(any(each.fault for each in outcomes))


if __name__ == "__main__":
    main()

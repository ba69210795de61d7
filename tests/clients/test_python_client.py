"""The Python client against answers that are made up: what it sends, repeats and raises."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from contacts_client import (
    Conflict,
    ContactNotFound,
    Contacts,
    ContactsError,
    Forbidden,
    InvalidParameter,
    NoAnswer,
    RateLimited,
    ServerError,
    Unauthorized,
)
from contacts_client.signing import canonical_text, sign
from local import ROOT
from tests.document import document

CONTACT = {
    "id": "cm3contact0ada0sample0001",
    "tenantId": "cm3tenant0acme0sample0001",
    "phone": "491512345678",
    "displayName": None,
    "firstSeenAt": "2026-01-01T00:00:00.000Z",
    "lastSeenAt": "2026-01-01T00:00:00.000Z",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
    "aFieldOfALaterVersion": 1,
}
VECTORS = json.loads((ROOT / "tests/vectors/signing.json").read_text())["vectors"]

type Answer = httpx2.Response | Exception


class Server:
    """Answers the requests in turn, and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers: Iterator[Answer] = iter(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, body: object, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers=headers)


def refusal(status: int, code: int = 100, **data: object) -> httpx2.Response:
    return answer(
        status, {"error": {"message": "No", "type": "T", "code": code, "error_data": data, "fbtrace_id": "f"}}
    )


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which nobody waits for: they move the clock of the client."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    return pauses


def connect(server: Server, **options: Any) -> Contacts:
    return Contacts("https://api.example.com/", "sflo_live_x", transport=httpx2.MockTransport(server), **options)


def test_unknown_fields_of_an_answer_are_ignored() -> None:
    contact = connect(Server(answer(201, CONTACT))).upsert("491512345678")
    assert (contact.id, contact.phone, contact.tag_assignments) == (CONTACT["id"], CONTACT["phone"], None)


@pytest.mark.parametrize(
    "fault", [httpx2.ConnectError("no"), httpx2.ReadTimeout("late"), refusal(503, 131000), refusal(429, 4)]
)
def test_a_write_is_repeated_with_the_same_idempotency_key(pauses: list[float], fault: Answer) -> None:
    server = Server(fault, fault, answer(200, CONTACT))
    connect(server).upsert("491512345678", "Ada")
    keys = {request.headers["Idempotency-Key"] for request in server.requests}
    assert (len(server.requests), len(keys)) == (3, 1)
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1


def test_every_write_has_a_key_of_its_own_unless_it_is_given_one() -> None:
    server = Server(*[answer(200, CONTACT)] * 3)
    contacts = connect(server)
    contacts.upsert("491512345678")
    contacts.upsert("491512345678")
    contacts.rename("c1", "Ada", idempotency_key="mine")
    first, second, third = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first != second
    assert third == "mine"


def test_retry_after_is_waited_for(pauses: list[float]) -> None:
    limited = refusal(429, 4)
    limited.headers["Retry-After"] = "7"
    connect(Server(limited, answer(200, CONTACT))).get("c1")
    assert pauses == [7]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(httpx2.ConnectError("no"), NoAnswer), (refusal(503), ServerError), (refusal(429, 4), RateLimited)],
)
def test_after_30_seconds_the_client_gives_up(pauses: list[float], fault: Answer, error: type[ContactsError]) -> None:
    with pytest.raises(error):
        connect(Server(*[fault] * 50)).get("c1")
    assert 14 < sum(pauses) <= 30


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidParameter),
        (401, Unauthorized),
        (403, Forbidden),
        (404, ContactNotFound),
        (409, Conflict),
        (413, InvalidParameter),
        (422, InvalidParameter),
        (500, ServerError),
    ],
)
def test_other_refusals_are_raised_at_once(pauses: list[float], status: int, error: type[ContactsError]) -> None:
    server = Server(refusal(status, 7, details="Because.", field="phone", reason="bad_signature", limit=20))
    with pytest.raises(error) as raised:
        connect(server).get("c1")
    found = raised.value
    assert (found.status, found.code, found.field, found.reason, found.limit, found.fbtrace_id) == (
        status, 7, "phone", "bad_signature", 20, "f",
    )  # fmt: skip
    assert str(found) == f"{status}: Because."
    assert pauses == []


def test_a_refusal_that_is_not_json_is_an_error_too() -> None:
    with pytest.raises(ServerError, match="502: no error object in the answer"):
        connect(Server(httpx2.Response(502, text="<html>"))).get("c1")


def test_pages_are_turned() -> None:
    pages = [answer(200, {"data": [CONTACT] * 2, "nextCursor": "c9"}), answer(200, {"data": [], "nextCursor": None})]
    server = Server(*pages)
    assert len(list(connect(server).contacts())) == 2
    assert [request.url.raw_path for request in server.requests] == [b"/v1/contacts", b"/v1/contacts?cursor=c9"]


def test_many_contacts_are_sent_in_batches_of_100_and_503_items_again(pauses: list[float]) -> None:
    done, busy = {"status": 201, "contact": CONTACT}, {"status": 503, "error": {"code": 131000}}
    bad = {"status": 400, "error": {"code": 100, "error_data": {"details": "x", "field": "phone"}}}
    server = Server(
        answer(207, {"results": [bad, *[done] * 98, busy]}),
        answer(200, {"results": [done]}),
        answer(200, {"results": [done]}),
    )
    results = list(connect(server).upsert_many({"phone": str(10_000 + number)} for number in range(101)))
    assert [each.status for each in results] == [400, *[201] * 100]
    assert results[0].error is not None
    assert results[0].error.field == "phone"
    sent = [json.loads(request.content)["contacts"] for request in server.requests]
    assert [[each["phone"] for each in batch][-1] for batch in sent] == ["10099", "10099", "10100"]
    assert [len(batch) for batch in sent] == [100, 1, 1]


def test_a_batch_takes_an_idempotency_key_and_what_is_left_of_it_gets_another(pauses: list[float]) -> None:
    done, busy = {"status": 201, "contact": CONTACT}, {"status": 503, "error": {"code": 131000}}
    server = Server(answer(207, {"results": [busy, done]}), answer(200, {"results": [done]}))
    items = [{"phone": "10001"}, {"phone": "10002"}]
    results = connect(server).upsert_batch(items, match="alias", idempotency_key="mine")
    assert [each.status for each in results] == [201, 201]
    assert [request.url.query for request in server.requests] == [b"match=alias"] * 2
    first, second = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first == "mine" != second


def test_the_caller_can_decide_how_a_retry_waits() -> None:
    waited: list[float] = []
    limited, busy = refusal(429, 4), {"results": [{"status": 503, "error": {"code": 131000}}]}
    limited.headers["Retry-After"] = "7"
    done = {"results": [{"status": 201, "contact": CONTACT}]}
    server = Server(limited, answer(207, busy), answer(200, done))
    (result,) = connect(server, pause=waited.append).upsert_batch([{"phone": "10001"}])
    assert result.status == 201
    assert waited == [7, 0.5]


@pytest.mark.parametrize("vector", VECTORS, ids=[each["name"] for each in VECTORS])
def test_signatures_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    stage = f"/{vector['stage']}" if vector["stage"] else ""  # the base URL has the stage, so a target has none
    target = vector["path"].removeprefix(stage) + (f"?{vector['query']}" if vector["query"] else "")
    text = canonical_text(
        vector["timestamp"], vector["method"], target, vector["idempotencyKey"], vector["body"].encode()
    )
    assert text == vector["canonical"]
    assert sign(vector["secret"], text) == vector["signature"]


def test_each_attempt_is_signed_for_its_own_time(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_767_225_600 + len(pauses))
    server = Server(refusal(503), answer(200, CONTACT))
    connect(server, signing_secret="secret").get("c1")
    assert [request.headers["X-SigFollow-Timestamp"] for request in server.requests] == ["1767225600", "1767225601"]
    assert len({request.headers["X-SigFollow-Signature"] for request in server.requests}) == 2


METHODS: dict[str, Callable[[Contacts], object]] = {
    "getContactByPhone": lambda contacts: contacts.by_phone("+49 151", match="alias"),
    "getContact": lambda contacts: contacts.get("c1"),
    "listContacts": lambda contacts: list(contacts.contacts()),
    "upsertContact": lambda contacts: contacts.upsert("+49 151", match="exact"),
    "upsertContacts": lambda contacts: list(contacts.upsert_many([{"phone": "+49 151"}])),
    "updateContact": lambda contacts: contacts.rename("c1", None),
    "deleteContact": lambda contacts: contacts.delete("c1"),
    "assignTag": lambda contacts: contacts.assign("c1", "ctag", "asked"),
    "removeTag": lambda contacts: contacts.remove("c1", "ctag"),
    "listTags": lambda contacts: list(contacts.tags("VIP")),
    "whoami": lambda contacts: contacts.whoami(),
}


def test_every_operation_of_openapi_has_its_method() -> None:
    operations = {
        operation["operationId"]: (method.upper(), path)
        for path, item in document().raw_schema["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert METHODS.keys() == operations.keys()
    for name, call in METHODS.items():
        method, path = operations[name]
        schema = document().raw_schema["components"]["responses"]
        body = _example(document().raw_schema["paths"][path][method.lower()]["responses"], schema)
        server = Server(answer(200, body))
        call(connect(server))
        (request,) = server.requests
        template = path.replace("{contactId}", "c1").replace("{tagId}", "ctag")
        assert (request.method, request.url.path) == (method, template)


def _example(responses: dict[str, Any], components: dict[str, Any]) -> Any:
    response = responses.get("200") or responses["201"]
    if "$ref" in response:
        response = components[response["$ref"].rpartition("/")[2]]
    content = response["content"]["application/json"]
    return content["example"] if "example" in content else next(iter(content["examples"].values()))["value"]

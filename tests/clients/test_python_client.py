"""The Python client against answers that are made up: what it sends, repeats and raises."""

import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import httpx2
import pytest

from contacts_client import (
    Change,
    ChangePage,
    Conflict,
    Contact,
    ContactNotFound,
    Contacts,
    ContactsError,
    CursorExpired,
    Forbidden,
    Identity,
    InvalidParameter,
    NoAnswer,
    RateLimited,
    ServerError,
    Tag,
    TagAssignment,
    Unauthorized,
)
from contacts_client.signing import canonical_text, sign
from local import ROOT
from tests.document import OPERATIONS, Operation, document

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

DONE: dict[str, Any] = {"status": 201, "contact": CONTACT}
BUSY: dict[str, Any] = {"status": 503, "error": {"code": 131000}}

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
    """The pauses, each as long as jitter allows. Nobody waits for them: they move the clock of the client."""
    pauses: list[float] = []
    monkeypatch.setattr(random, "uniform", lambda _shortest, longest: longest)
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
    server = Server(fault, fault, fault, answer(200, CONTACT))
    connect(server).upsert("491512345678", "Ada")
    keys = {request.headers["Idempotency-Key"] for request in server.requests}
    assert (len(server.requests), len(keys)) == (4, 1)
    assert pauses == [0.5, 1, 2]


def test_jitter_shortens_a_pause_to_no_less_than_half(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda shortest, _longest: shortest)
    connect(Server(refusal(503), refusal(503), answer(200, CONTACT))).get("c1")
    assert pauses == [0.25, 0.5]


def test_a_request_that_cannot_be_sent_is_not_repeated(pauses: list[float]) -> None:
    with pytest.raises(httpx2.UnsupportedProtocol):
        Contacts("api.example.com", "sflo_live_x").get("c1")
    assert pauses == []


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


def test_a_retry_after_that_is_longer_than_the_time_left_ends_the_call(pauses: list[float]) -> None:
    limited = refusal(429, 4)
    limited.headers["Retry-After"] = "31"
    with pytest.raises(RateLimited):
        connect(Server(limited)).get("c1")
    assert pauses == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [(httpx2.ConnectError("no"), NoAnswer), (refusal(503), ServerError), (refusal(429, 4), RateLimited)],
)
def test_after_30_seconds_the_client_gives_up(pauses: list[float], fault: Answer, error: type[ContactsError]) -> None:
    with pytest.raises(error):
        connect(Server(*[fault] * 50)).get("c1")
    assert pauses == [0.5, 1, 2, 4, 8]  # the next one would end after 31.5 seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidParameter),
        (401, Unauthorized),
        (403, Forbidden),
        (404, ContactNotFound),
        (409, Conflict),
        (410, CursorExpired),
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


def test_a_repeated_write_waits_for_its_own_first_attempt(pauses: list[float]) -> None:
    in_progress = refusal(409, 131000)
    connect(Server(httpx2.ReadError("reset"), in_progress, in_progress, answer(201, CONTACT))).upsert("491512345678")
    assert pauses == [0.5, 1, 2]


def test_a_repeated_write_that_finds_20_tags_is_refused(pauses: list[float]) -> None:
    with pytest.raises(Conflict):
        connect(Server(refusal(503), refusal(409, 131000, limit=20))).assign("c1", "ctag")
    assert pauses == [0.5]


@pytest.mark.parametrize("body", ["<html>", "[]", '"no"', '{"error": "no"}'])
def test_a_refusal_that_is_not_the_apis_is_an_error_too(body: str) -> None:
    with pytest.raises(ServerError, match="502: no error object in the answer"):
        connect(Server(httpx2.Response(502, text=body))).get("c1")


@pytest.mark.parametrize(("contact_id", "path"), [("a/b?c", b"/v1/contacts/a%2Fb%3Fc"), ("..", b"/v1/contacts/%2E%2E")])
def test_an_id_of_any_shape_is_one_segment_of_the_path(contact_id: str, path: bytes) -> None:
    server = Server(answer(200, CONTACT))
    connect(server).get(contact_id)
    assert server.requests[0].url.raw_path == path


def test_an_empty_id_is_refused_before_it_becomes_the_path_of_a_list() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        connect(Server()).get("")


def test_pages_are_turned() -> None:
    pages = [answer(200, {"data": [CONTACT] * 2, "nextCursor": "c9"}), answer(200, {"data": [], "nextCursor": None})]
    server = Server(*pages)
    assert len(list(connect(server).contacts())) == 2
    assert [request.url.raw_path for request in server.requests] == [b"/v1/contacts", b"/v1/contacts?cursor=c9"]


def test_pages_of_changes_are_turned_until_there_are_no_more_at_once() -> None:
    created = {
        "id": "1-0",
        "type": "contact.created",
        "contactId": "c1",
        "source": "API",
        "at": "2026-01-01T00:00:00.000Z",
    }
    assigned = created | {"id": "2-0", "type": "tag.assigned", "tagId": "ctag", "aFieldOfALaterVersion": 1}
    server = Server(
        answer(200, {"data": [created], "contacts": [CONTACT], "nextCursor": "8", "hasMore": True}),
        answer(200, {"data": [assigned], "contacts": [], "nextCursor": "9", "hasMore": False}),
    )
    first, last = connect(server).changes("7")
    assert [request.url.raw_path for request in server.requests] == [b"/v1/changes?cursor=7", b"/v1/changes?cursor=8"]
    assert first.data == (Change("1-0", "contact.created", "c1", None, "API", "2026-01-01T00:00:00.000Z"),)
    assert [contact.id for contact in first.contacts] == [CONTACT["id"]]
    assert (last.data[0].tag_id, last.contacts, last.next_cursor) == ("ctag", (), "9")


def test_many_contacts_are_sent_in_batches_of_100_and_503_items_again(pauses: list[float]) -> None:
    bad = {"status": 400, "error": {"code": 100, "error_data": {"details": "x", "field": "phone"}}}
    server = Server(
        answer(207, {"results": [bad, *[DONE] * 98, BUSY]}),
        answer(200, {"results": [DONE]}),
        answer(200, {"results": [DONE]}),
    )
    results = list(connect(server).upsert_many({"phone": str(10_000 + number)} for number in range(101)))
    assert [each.status for each in results] == [400, *[201] * 100]
    assert results[0].error is not None
    assert results[0].error.field == "phone"
    sent = [json.loads(request.content)["contacts"] for request in server.requests]
    assert [[each["phone"] for each in batch][-1] for batch in sent] == ["10099", "10099", "10100"]
    assert [len(batch) for batch in sent] == [100, 1, 1]
    assert pauses == [0.5]


def test_a_batch_takes_an_idempotency_key_and_what_is_left_of_it_gets_another(pauses: list[float]) -> None:
    server = Server(answer(207, {"results": [BUSY, DONE]}), answer(200, {"results": [DONE]}))
    items = [{"phone": "10001"}, {"phone": "10002"}]
    results = connect(server).upsert_batch(items, match="alias", idempotency_key="mine")
    assert [each.status for each in results] == [201, 201]
    assert [request.url.query for request in server.requests] == [b"match=alias"] * 2
    first, second = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first == "mine" != second


def test_retry_after_is_waited_for_before_items_are_sent_again(pauses: list[float]) -> None:
    busy = answer(207, {"results": [BUSY]}, **{"Retry-After": "1"})
    connect(Server(busy, answer(200, {"results": [DONE]}))).upsert_batch([{"phone": "10001"}])
    assert pauses == [1]


def test_items_and_requests_share_the_30_seconds_of_a_batch(pauses: list[float]) -> None:
    busy = answer(207, {"results": [BUSY]})
    server = Server(refusal(503), busy, httpx2.ReadTimeout("late"), busy, refusal(429, 4), busy)
    (result,) = connect(server).upsert_batch([{"phone": "10001"}])
    assert (result.status, type(result.error)) == (503, ServerError)
    assert pauses == [0.5, 1, 2, 4, 8]


@pytest.mark.parametrize("fault", [refusal(401, 190), httpx2.ReadTimeout("late")])
def test_results_are_kept_if_sending_the_rest_again_fails(pauses: list[float], fault: Answer) -> None:
    server = Server(answer(207, {"results": [DONE, BUSY]}), *[fault] * 50)
    results = connect(server).upsert_batch([{"phone": "10001"}, {"phone": "10002"}])
    assert [each.status for each in results] == [201, 503]


def test_a_batch_that_is_refused_as_a_whole_raises() -> None:
    with pytest.raises(Unauthorized):
        connect(Server(refusal(401, 190))).upsert_batch([{"phone": "10001"}])


def test_the_caller_can_decide_how_a_retry_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _shortest, longest: longest)
    waited: list[float] = []
    limited = refusal(429, 4)
    limited.headers["Retry-After"] = "7"
    server = Server(limited, answer(207, {"results": [BUSY]}), answer(200, {"results": [DONE]}))
    (result,) = connect(server, pause=waited.append).upsert_batch([{"phone": "10001"}])
    assert result.status == 201
    assert waited == [7, 1]


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
    "upsertContact": lambda contacts: contacts.upsert("+49 151", "Ada", match="exact"),
    "upsertContacts": lambda contacts: list(contacts.upsert_many([{"phone": "+49 151"}] * 2, match="alias")),
    "updateContact": lambda contacts: contacts.rename("c1", None),
    "deleteContact": lambda contacts: contacts.delete("c1"),
    "assignTag": lambda contacts: contacts.assign("c1", "ctag", "asked"),
    "removeTag": lambda contacts: contacts.remove("c1", "ctag"),
    "listTags": lambda contacts: list(contacts.tags("VIP")),
    "listChanges": lambda contacts: list(contacts.changes("7")),
    "whoami": lambda contacts: contacts.whoami(),
}
"""By operationId, with every argument that becomes a part of the request."""


def test_every_operation_of_openapi_has_its_method() -> None:
    assert METHODS.keys() == {each.described["operationId"] for each in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.described["operationId"])
def test_a_method_sends_what_openapi_describes(operation: Operation) -> None:
    last_page: dict[str, object] = {"data": [], "nextCursor": None}
    is_list = operation.function.startswith("list_")
    first_answer = _example(operation) | ({"nextCursor": "c9"} if is_list else {})
    server = Server(answer(200, first_answer), *([answer(200, last_page)] if is_list else []))
    METHODS[operation.described["operationId"]](connect(server))
    request = server.requests[-1]
    path = operation.path.replace("{contactId}", "c1").replace("{tagId}", "ctag")
    assert (request.method, request.url.path) == (operation.method, path)
    described = document().find_operation_by_path(operation.method.lower(), operation.path)
    assert {*request.url.params} == {each.name for each in described.query} - {"limit"}
    assert ("Idempotency-Key" in request.headers) == operation.takes_idempotency_key
    assert bool(request.content) == ("requestBody" in operation.described)
    if request.content:
        schema = _resolve(operation.described["requestBody"]["content"]["application/json"]["schema"])
        identity = {"phone"} if operation.function == "update_contact" else set()  # a body that names it is refused
        assert json.loads(request.content).keys() == schema["properties"].keys() - identity


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ("ContactWithTags", Contact),
        ("TagAssignment", TagAssignment),
        ("Tag", Tag),
        ("Identity", Identity),
        ("Change", Change),
        ("Changes", ChangePage),
    ],
)
def test_an_object_has_the_fields_that_openapi_describes(schema: str, kind: type) -> None:
    described = _resolve({"$ref": f"#/components/schemas/{schema}"})
    assert {each.name for each in fields(kind)} == {_snake_case(name) for name in described["properties"]}
    hints = get_type_hints(kind)
    of_reads_only = {"tag_assignments"}
    assert {name for name, hint in hints.items() if type(None) in get_args(hint)} - of_reads_only == {
        _snake_case(name)
        for name, property_schema in described["properties"].items()
        if name not in described["required"] or "'null'" in str(property_schema)
    }


def test_an_error_has_the_fields_that_openapi_describes() -> None:
    described, data = (
        _resolve({"$ref": f"#/components/schemas/{each}"})["properties"] for each in ("ErrorObject", "ErrorData")
    )
    in_the_message = {"message", "details"}
    implied_by_the_class = {"type"}
    names = {*described, *data} - {"error_data"}
    assert vars(ContactsError("")).keys() == names - in_the_message - implied_by_the_class | {"status"}


def _example(operation: Operation) -> Any:
    responses = operation.described["responses"]
    content = _resolve(responses.get("200") or responses["201"])["content"]["application/json"]
    return content["example"] if "example" in content else next(iter(content["examples"].values()))["value"]


def _resolve(described: dict[str, Any]) -> dict[str, Any]:
    """Follows a reference to a component."""
    while "$ref" in described:
        _, kind, name = described["$ref"].rsplit("/", 2)
        described = document().raw_schema["components"][kind][name]
    return described


def _snake_case(name: str) -> str:
    return re.sub("(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("key", ["", " \n"])
def test_an_empty_key_is_refused_before_any_request(key: str) -> None:
    with pytest.raises(ValueError, match="The API key is empty"):
        Contacts("https://api.example.com", key)

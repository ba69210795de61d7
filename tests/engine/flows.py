"""Every call that writes or reads, request by request, and what it shows when nothing goes wrong."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tests.conftest import forget
from tests.engine.fault_proxy import FaultProxy
from tests.engine.table import Row, Table
from tests.events import ACME, REQUEST_ID, Event, build_event
from tests.handlers import check_isolation, invoke

PHONE = "491512345678"
"""Of a contact that each of the two tenants has, with a tag on it."""

NEW_PHONE = "4915199999"


@dataclass(frozen=True)
class Call:
    function: str
    request: dict[str, Any]
    flow: tuple[str, ...]

    @property
    def keeps_answer(self) -> bool:
        return "headers" in self.request

    @property
    def with_idempotency_key(self) -> "Call":
        request = self.request | {"headers": {"Idempotency-Key": "once"}}
        return Call(self.function, request, ("PutItem", *self.flow, "UpdateItem"))

    def event(self, contact_id: str) -> Event:
        path = {"contactId": contact_id} if "contactId" in self.request else {}
        return build_event(self.function, ACME, **self.request | path)


def _call(function: str, flow: str, **request: Any) -> Call:
    return Call(function, request, tuple(flow.split()))


def _by_id(function: str, flow: str, **request: Any) -> Call:
    return _call(function, flow, contactId="", **request)


CALLS = {
    "by phone": _call("get_contact_by_phone", "GetItem", query={"phone": PHONE}),
    "by id": _by_id("get_contact", "GetItem GetItem"),
    "create": _call(
        "upsert_contact", "UpdateItem TransactWriteItems", json_body={"phone": NEW_PHONE, "display_name": "Grace"}
    ),
    "refresh": _call("upsert_contact", "UpdateItem", json_body={"phone": PHONE, "display_name": "Grace"}),
    "patch": _by_id("update_contact", "GetItem UpdateItem", json_body={"display_name": "Grace"}),
    "patch nothing": _by_id("update_contact", "GetItem GetItem", json_body={}),
    "delete": _by_id("delete_contact", "GetItem TransactWriteItems"),
    "assign": _by_id("assign_tag", "BatchGetItem UpdateItem", json_body={"tag_id": ACME.tag_ids[1], "reason": "new"}),
    "assign again": _by_id("assign_tag", "BatchGetItem UpdateItem", json_body={"tag_id": ACME.tag_ids[0]}),
    "remove": _by_id("remove_tag", "GetItem UpdateItem", tagId=ACME.tag_ids[0]),
}
WRITES = "create", "refresh", "patch", "delete", "assign", "remove"
CALLS |= {f"{name} once": CALLS[name].with_idempotency_key for name in WRITES}


class Step(NamedTuple):
    """One request of a call's flow: which of the requests of its operation it is, counted from 0."""

    call: str
    operation: str
    number: int


STEPS = [
    Step(name, operation, each.flow[:position].count(operation))
    for name, each in CALLS.items()
    for position, operation in enumerate(each.flow)
]


class Outcome(NamedTuple):
    """What a caller and the table show, twice in a row, without what differs from run to run."""

    answer: Any
    rows: Any
    answer_to_repetition: Any


class Scene:
    """Two tenants, and a call of one of them."""

    def __init__(self, proxy: FaultProxy, table: Table, first_rows: list[Row]) -> None:
        self._proxy = proxy
        self._table = table
        self._first_rows = first_rows
        self.contact_id = next(row["id"]["S"] for row in first_rows if row["pk"]["S"] == f"{ACME.id}#{PHONE}")
        self.expected = cache(self._expect)

    @property
    def rows(self) -> Any:
        return sorted(self._masked(self._table.rows()), key=json.dumps)  # masked: without the order of their ids

    @property
    def rows_before(self) -> Any:
        return sorted(self._masked(self._first_rows), key=json.dumps)

    def play(self, call: Call) -> Any:
        """The whole answer, from a function that knows nothing yet."""
        forget()
        answer = invoke(*self.event(call))
        check_isolation(ACME, answer)
        return self._masked(answer)

    def event(self, call: Call) -> tuple[str, Event]:
        """The function and what it is handed."""
        return call.function, call.event(self.contact_id)

    def _expect(self, name: str) -> Outcome:
        """Without a fault."""
        call = CALLS[name]
        already = len(self._proxy.seen)
        answer, rows = self.play(call), self.rows
        assert self._proxy.operations[already:] == list(call.flow)
        again = self.play(call)
        self._table.replace(self._first_rows)
        if call.keeps_answer:
            self.expected(name.removesuffix(" once"))  # which check_repetition() asks for when the table is another
        return Outcome(answer, rows, again)

    def _masked(self, value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False).replace(self.contact_id, "the contact")
        old = set(_TIME.findall(json.dumps(self._first_rows)))
        text = _TIME.sub(lambda found: found[0] if found[0] in old else "now", text)
        for pattern, name in _FRESH.items():
            text = re.sub(pattern, name, text)
        return json.loads(text)

    def check_repetition(self, name: str) -> None:
        """All or nothing is done, whatever the caller was told; and the same call, made again, is right."""
        expected, before = self.expected(name), self.rows_before
        done = _contacts(self.rows)
        assert done in (_contacts(before), _contacts(expected.rows))
        records = self._table.rows_of(ACME.key_id)
        for record in records:
            self._table.put(record | {"in_progress_until": {"N": "0"}})  # as after the function's time-out
        if done == _contacts(before):
            right = expected.answer
        elif "COMPLETED" in (record["status"]["S"] for record in records):
            right = expected.answer_to_repetition
        else:  # what was done is found done: a created contact is there, a deleted one is not
            right = self.expected(name.removesuffix(" once")).answer_to_repetition
        assert self.play(CALLS[name]) == right


_TIME = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+Z")
_FRESH = {
    r"\bc(?!acme|globex)[a-z0-9]{24}\b": "an id",
    rf"(?!{REQUEST_ID})[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}": "a nonce",
    r"#IDS#\d+": "#IDS",
    r"[0-9a-f]{64}": "a digest",
    r"\b[0-9a-f]{2}#(\w+)#IDEMPOTENCY": r"\1#IDEMPOTENCY",
    r'"1[78]\d{8,11}"': '"a time"',
}


def _contacts(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row["pk"]["S"].endswith("#IDEMPOTENCY")]

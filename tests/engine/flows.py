"""Every call of an endpoint with its flow of DynamoDB requests, and its outcome without a fault."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tests.conftest import forget
from tests.engine.fault_proxy import FaultProxy
from tests.engine.table import Row, Table, rows_of
from tests.events import ACME, REQUEST_ID, Event, Tenant, build_event
from tests.handlers import check_isolation, deliver, invoke

PHONE, ALIAS = "5511987654321", "551187654321"
"""The phone of a contact with one tag, and its other spelling. Each of the two tenants has such a contact."""

NEW_PHONE = "4915199999"
LONG, SHORT = "5215512345678", "525512345678"
ALIASES = {LONG: SHORT, SHORT: LONG}
"""Two spellings of one number. At first no contact has them."""


def contact_id(tenant: Tenant) -> str:
    """The id of the tenant's contact."""
    return f"{tenant.mark}contact".ljust(25, "0")


CONTACT_ID = contact_id(ACME)


def item(phone: str, *tag_ids: str, reason: str = "batch", **fields: object) -> dict[str, Any]:
    """Of a batch."""
    return {"phone": phone, "tags": [{"tag_id": each, "reason": reason} for each in tag_ids], **fields}


def put_tags(table: Table, number: int) -> list[str]:
    """Creates more tags for ACME and returns their ids."""
    ids = [f"cacmeracetag{each:02}" for each in range(number)]
    for tag_id in ids:
        now, pk = {"S": "2026-11-24T09:00:00.000Z"}, {"S": f"{ACME.id}#TAGS"}
        table.put({"pk": pk, "sk": {"S": tag_id}, "name": {"S": tag_id}, "created_at": now})
        table.put({"pk": pk, "sk": {"S": f"NAME#{tag_id}"}, "tag_id": {"S": tag_id}})
    return ids


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

    @property
    def event(self) -> Event:
        return build_event(self.function, ACME, **self.request)


def _call(function: str, flow: str, **request: Any) -> Call:
    return Call(function, request, tuple(flow.split()))


def _by_id(function: str, flow: str, **request: Any) -> Call:
    return _call(function, flow, contactId=CONTACT_ID, **request)


CALLS = {
    "by phone": _call("get_contact_by_phone", "GetItem", query={"phone": PHONE}),
    "by alias": _call("get_contact_by_phone", "BatchGetItem", query={"phone": ALIAS, "match": "alias"}),
    "by id": _by_id("get_contact", "GetItem GetItem"),
    "list": _call("list_contacts", "Query BatchGetItem", query={"cursor": CONTACT_ID[:-1], "limit": "1"}),
    "changes": _call("list_changes", "Query BatchGetItem BatchGetItem", query={"cursor": "0"}),
    "list tags": _call("list_tags", "GetItem Query BatchGetItem", query={"cursor": ACME.tag_ids[0]}),
    "create": _call(
        "upsert_contact", "UpdateItem TransactWriteItems", json_body={"phone": NEW_PHONE, "display_name": "Grace"}
    ),
    "refresh": _call("upsert_contact", "UpdateItem", json_body={"phone": PHONE, "display_name": "Grace"}),
    "batch": _call(
        "upsert_contacts",
        "BatchGetItem UpdateItem TransactWriteItems",
        json_body={"contacts": [item(NEW_PHONE, ACME.tag_ids[1])]},
    ),
    "patch": _by_id("update_contact", "GetItem UpdateItem", json_body={"display_name": "Grace"}),
    "patch nothing": _by_id("update_contact", "GetItem GetItem", json_body={}),
    "delete": _by_id("delete_contact", "GetItem TransactWriteItems"),
    "assign": _by_id("assign_tag", "BatchGetItem UpdateItem", json_body={"tag_id": ACME.tag_ids[1], "reason": "new"}),
    "assign again": _by_id("assign_tag", "BatchGetItem UpdateItem", json_body={"tag_id": ACME.tag_ids[0]}),
    "remove": _by_id("remove_tag", "GetItem UpdateItem", tagId=ACME.tag_ids[0]),
}
WRITES = "create", "refresh", "batch", "patch", "delete", "assign", "remove"
CALLS |= {f"{name} once": CALLS[name].with_idempotency_key for name in WRITES}


class Step(NamedTuple):
    """One request in the flow of a call. `number` counts the requests of its operation, from 0."""

    call: str
    operation: str
    number: int


STEPS = [
    Step(name, operation, each.flow[:position].count(operation))
    for name, each in CALLS.items()
    for position, operation in enumerate(each.flow)
]


class Outcome(NamedTuple):
    """The masked answer to a call, the masked rows after it, and the masked answer to the same call again."""

    answer: Any
    rows: Any
    answer_to_repetition: Any


class Scene:
    """Plays calls of ACME. Masks ids and times in answers and rows, so that two runs can be compared."""

    def __init__(self, proxy: FaultProxy, table: Table, first_rows: list[Row]) -> None:
        self._proxy = proxy
        self._table = table
        self._first_rows = first_rows
        self.expected = cache(self._expect)
        self._rows_after: dict[tuple[str, str], list[Row]] = {}
        self._old_times = set(_TIME.findall(json.dumps(first_rows)))
        self.rows_before = self._sorted(first_rows)

    @property
    def rows(self) -> list[Row]:
        return self._sorted(self._table.rows())

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """Sorts after masking, because ids differ from run to run."""
        return sorted(self._masked(rows), key=json.dumps)

    def play(self, call: Call) -> Any:
        """The whole answer of a function with empty caches."""
        forget()
        answer = invoke(call.function, call.event)
        check_isolation(ACME, answer)
        return self._masked(answer)

    def rows_after(self, function: str, message: dict[str, Any]) -> list[Row]:
        """The rows after a message of a queue. A test asks for them before it changes the table."""
        key = function, json.dumps(message)
        if key not in self._rows_after:
            assert deliver_anew(function, message) == []
            self._rows_after[key] = self.rows
            self._table.replace(self._first_rows)
        return self._rows_after[key]

    def _expect(self, name: str) -> Outcome:
        call = CALLS[name]
        already = len(self._proxy.seen)
        answer, rows = self.play(call), self.rows
        assert self._proxy.operations[already:] == list(call.flow)
        again = self.play(call)
        self._table.replace(self._first_rows)
        if call.keeps_answer:
            self.expected(name.removesuffix(" once"))  # fills the cache while the table has its first rows
        return Outcome(answer, rows, again)

    def _masked(self, value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False)
        text = _TIME.sub(lambda found: found[0] if found[0] in self._old_times else "now", text)
        for pattern, name in _FRESH.items():
            text = re.sub(pattern, name, text)
        return json.loads(text)

    def check_repetition(self, name: str) -> None:
        """Asserts that the call wrote all or nothing, whatever it answered, and that its repetition answers right."""
        expected, before = self.expected(name), self.rows_before
        rows = self._table.rows()
        done = _contacts(self._sorted(rows))
        assert done in (_contacts(before), _contacts(expected.rows))
        records = rows_of(ACME.key_id, rows)
        for record in records:
            self._table.put(record | {"in_progress_until": {"N": "0"}})  # as after the timeout of the function
        if done == _contacts(before):
            right = expected.answer
        elif "COMPLETED" in (record["status"]["S"] for record in records):
            right = expected.answer_to_repetition
        else:  # the call finds its own effect: the contact exists already, or is already gone
            right = self.expected(name.removesuffix(" once")).answer_to_repetition
        assert self.play(CALLS[name]) == right


def deliver_anew(function: str, message: dict[str, Any]) -> list[int]:
    """Delivers the message to a function with empty caches."""
    forget()
    return deliver(function, message)


_TIME = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+Z")
_FRESH = {
    r"\bc(?!acme|globex)[a-z0-9]{24}\b": "an id",
    rf"(?!{REQUEST_ID})[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}": "a nonce",
    r'("written_by": {"S": ")[\w-]{12}"': r'\1a nonce"',
    r"#IDS#\d+": "#IDS",
    r"[0-9a-f]{64}": "a digest",
    r"\b[0-9a-f]{2}#(\w+)#IDEMPOTENCY": r"\1#IDEMPOTENCY",
    r'"1[78]\d{8,11}"': '"a time"',
}


def _contacts(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row["pk"]["S"].endswith("#IDEMPOTENCY")]

"""Random calls of several clients on one number, and a model of the contract for Wing and Gong's check.

The number has two spellings, so there are up to two contacts. What the contract says of a page or a batch, it says of
each contact by itself: a page shows each as it is when it is read, and a batch is as good as its items one after the
other. So each spelling has a history of its own, in which a call takes part with what its answer says of it.
"""

import json
import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

from contacts.domain.source import Source
from contacts.runtime import timestamps
from contacts.storage.contacts import COOLDOWN
from tests.engine.environments import try_to_invoke
from tests.engine.flows import ALIASES, LONG, SHORT
from tests.engine.linearizability import Event, is_linearizable
from tests.events import ACME, build_batch, build_event
from tests.handlers import call as call_function

CLIENTS = 4
UNKNOWN = "an id that no answer has shown"
FUNCTIONS = {
    "get_contact_by_phone": 2,
    "get_contact": 3,
    "list_contacts": 2,
    "upsert_contact": 3,
    "upsert_contacts": 3,
    "update_contact": 2,
    "delete_contact": 1,
    "assign_tag": 3,
    "remove_tag": 2,
    "record_inbound_message": 1,
    "apply_tag_command": 2,
}
"""How often each function is called, relative to the others."""

BY_ID = {"get_contact", "update_contact", "delete_contact", "assign_tag", "remove_tag", "apply_tag_command"}
MATCHING = {"get_contact_by_phone", "upsert_contact", "upsert_contacts"}
MAY_HAVE_KEY = {"upsert_contact", "upsert_contacts", "update_contact", "delete_contact", "assign_tag", "remove_tag"}
READS = {"get_contact_by_phone", "get_contact", "list_contacts"}
WITH_TEXT = {"upsert_contact", "update_contact", "assign_tag", "record_inbound_message"}
NAMES = "Ada", "Grace", None
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
END = "d"
"""Follows all ids."""


@dataclass(frozen=True)
class Call:
    """As a client makes it, or as the contact of one spelling sees it. There each item of a batch is a call."""

    function: str
    contact_id: str = ""
    tag_id: str = ""
    text: str | None = None
    """The display name or the reason. An item of a batch has it as both."""
    action: str = ""
    """ASSIGN or REMOVE for a tag command. Its source AI_TOOL has a lower weight than API."""
    key: str = ""
    """The Idempotency-Key, if there is one."""
    number: int = 0
    """Unique for each call and item."""
    phone: str = LONG
    """The contact's, also for a call by id."""
    match: str = "exact"
    items: tuple["Call", ...] = ()
    tag_ids: frozenset[str] = frozenset()
    """Of an item."""
    after: int = 0
    """The number of the item that must come first."""
    creates: bool = True
    """False for an upsert that looks for this contact because it is the alias of another number."""
    limit: int = 1
    first: str = ""
    last: str = END
    """The ids on a page are behind `first`, its cursor, and go up to `last`."""


type Answer = tuple[Any, ...]
"""The status and the fields of the contact that the call shows. A kept answer begins with REPLAYED."""

REPLAYED = "replayed"
IN_PROGRESS: Answer = (409,)


@dataclass(frozen=True)
class Tag:
    id: str
    reason: str | None
    source: Source
    assigned_by: int
    """The number of the call that created the assignment. A repeated request of this call still answers 201."""


@dataclass(frozen=True)
class State:
    """The contact, and the kept answers by Idempotency-Key."""

    id: str | None
    name: str | None = None
    tags: frozenset[Tag] = frozenset()
    kept: frozenset[tuple[str, Answer]] = frozenset()
    done: frozenset[int] = frozenset()
    """The numbers of the items of batches so far."""


class Exchange(NamedTuple):
    call: Call
    answer: Any
    """The whole one, or None after an exception."""
    start: float
    end: float


_numbers = count(1)

type History = list[Event[Call, Answer]]


def create_first() -> dict[str, State]:
    """The long spelling has a contact."""
    _, contact = call_function("upsert_contact", ACME, json_body={"phone": LONG})
    return {LONG: State(contact["id"]), SHORT: State(None)}


def play(pool: ProcessPoolExecutor, first: dict[str, State], seed: int, calls_each: int) -> list[Exchange]:
    """`first` has the contacts by their phones."""
    exchanges, keyed_calls = list[Exchange](), list[Call]()
    known = [(phone, state.id) for phone, state in first.items() if state.id]
    ready = threading.Barrier(CLIENTS)

    def client(number: int) -> None:
        dice, cursor = random.Random(f"{seed} {number}"), ""
        ready.wait()
        for _ in range(calls_each):
            chosen = _numbered(_choose(dice, known, keyed_calls, cursor))
            if chosen.key:
                keyed_calls.append(chosen)
            start = time.monotonic()
            answer = pool.submit(try_to_invoke, chosen.function, _event(chosen)).result()
            exchanges.append(Exchange(chosen, answer, start, time.monotonic()))
            if answer and "body" in answer:
                body = json.loads(answer["body"])
                cursor = body.get("nextCursor", cursor) or ""
                shown = [body, *body.get("data", ()), *(each.get("contact", {}) for each in body.get("results", ()))]
                known.extend((each["phone"], each["id"]) for each in shown if each.get("phone") in first)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return exchanges


def unexplained(
    exchanges: Sequence[Exchange], first: dict[str, State], *, replies_get_lost: bool = False
) -> list[History]:
    """The histories that are not linearizable."""
    histories: dict[str, History] = {phone: [] for phone in first}
    for exchange in exchanges:
        for call, answer in _observe(exchange.call, exchange.answer, replies_get_lost=replies_get_lost):
            # A call without an answer may still have its effect later.
            end = exchange.end if answer else float("inf")
            histories[call.phone].append(Event(call, answer, exchange.start, end))
    if replies_get_lost:
        histories = {phone: with_repetitions(history) for phone, history in histories.items()}
    return [history for phone, history in histories.items() if not is_linearizable(history, first[phone], step)]


def with_repetitions(history: History) -> History:
    """Replies were lost, so each write may have been executed more than once."""
    return [each if each.call.function in READS else replace(each, may_land_again=True) for each in history]


def step(state: State, call: Call, answer: Answer | None) -> list[State]:
    """A linearizability.Step."""
    if call.key and answer == IN_PROGRESS:
        return [state]
    if call.after and call.after not in state.done:
        return []
    if kept := dict(state.kept).get(call.key):
        return [state] if answer == (REPLAYED, *kept) else []
    following = []
    for before in _possibilities(state, call, answer):
        right, after = _apply(before, call, answer)
        if answer in (None, right):
            if call.key and answer and answer[0] < 300:
                after = replace(after, kept=after.kept | {(call.key, answer)})
            if call.function == "upsert_contacts" and answer:
                after = replace(after, done=after.done | {call.number})
            following.append(after)
    return list(dict.fromkeys(following))


def _possibilities(state: State, call: Call, answer: Answer | None) -> list[State]:
    """If no answer has shown the contact's id yet, it may or may not be the id that this call names or shows."""
    if state.id != UNKNOWN:
        return [state]
    if call.contact_id:
        return [state, replace(state, id=call.contact_id)]
    return [replace(state, id=answer[1])] if answer and len(answer) > 1 else [state]


def _apply(state: State, call: Call, answer: Answer | None) -> tuple[Answer, State]:  # noqa: C901, PLR0911 - one line per call
    is_there = state.id is not None and call.contact_id in ("", state.id)
    held = next((tag for tag in state.tags if tag.id == call.tag_id), None)
    others = state.tags - {held}
    match call.function:
        case "upsert_contact" | "upsert_contacts" if state.id or call.creates:
            id_ = state.id or (answer[1] if answer and len(answer) > 1 else UNKNOWN)
            tags = _assign(state.tags, call.tag_ids, call, Source.API)
            after = replace(state, id=id_, name=call.text or state.name, tags=tags)
            return (200 if state.id else 201, after.id, after.name), after
        case "record_inbound_message":
            id_, name = (state.id, state.name or call.text) if is_there else (UNKNOWN, call.text)
            return (200,), replace(state, id=id_, name=name)
        case "remove_tag":
            return (200,), replace(state, tags=others) if is_there else state
        case "apply_tag_command":
            if not is_there or (held and held.source.weight > Source.AI_TOOL.weight):
                return (200,), state
            tags = _assign(state.tags, {call.tag_id}, call, Source.AI_TOOL) if call.action == "ASSIGN" else others
            return (200,), replace(state, tags=tags)
        case _ if not is_there:
            return (404,), state
        case "update_contact":
            return (200, state.id, call.text), replace(state, name=call.text)
        case "delete_contact":
            return (200,), State(None, kept=state.kept, done=state.done)
        case "assign_tag":
            tags = _assign(state.tags, {call.tag_id}, call, Source.API)
            is_new = any(tag.id == call.tag_id and tag.assigned_by == call.number for tag in tags)
            return (201 if is_new else 200, call.text), replace(state, tags=tags)
        case "list_contacts" if not _is_on_page(call, state.id or ""):
            return (404,), state
    return (200, state.id, state.name, frozenset((tag.id, tag.reason, tag.source) for tag in state.tags)), state


def _is_on_page(call: Call, contact_id: str) -> bool:
    if contact_id == UNKNOWN:
        return (call.first, call.last) == ("", END)
    return call.first < contact_id <= call.last


def _assign(tags: frozenset[Tag], tag_ids: Iterable[str], call: Call, source: Source) -> frozenset[Tag]:
    origins = {tag.id: tag.assigned_by for tag in tags}
    assigned = frozenset(Tag(each, call.text, source, origins.get(each, call.number)) for each in tag_ids)
    return assigned | {tag for tag in tags if tag.id not in tag_ids}


def _choose(dice: random.Random, known: list[tuple[str, str]], keyed_calls: list[Call], cursor: str) -> Call:
    """A new call, or sometimes a repetition of a call with an Idempotency-Key, which may still be in progress."""
    if keyed_calls and dice.random() < 0.15:
        return dice.choice(keyed_calls[-3:])
    [function] = dice.choices([*FUNCTIONS], [*FUNCTIONS.values()])
    phone, contact_id = dice.choice(known[-3:]) if function in BY_ID else (dice.choice([*ALIASES]), "")
    return Call(
        function,
        contact_id,
        dice.choice(ACME.tag_ids[:2]) if function in {"assign_tag", "remove_tag", "apply_tag_command"} else "",
        dice.choice(NAMES) if function in WITH_TEXT else None,
        dice.choice(["ASSIGN", "REMOVE"]) if function == "apply_tag_command" else "",
        f"{dice.getrandbits(64):x}" if function in MAY_HAVE_KEY and dice.random() < 0.5 else "",
        phone=phone,
        match=dice.choice(["exact", "alias"]) if function in MATCHING else "exact",
        items=tuple(_choose_item(dice) for _ in range(dice.randint(1, 3))) if function == "upsert_contacts" else (),
        limit=dice.choice([1, 100]),
        first=cursor,
    )


def _choose_item(dice: random.Random) -> Call:
    tag_ids = frozenset(dice.sample(ACME.tag_ids[:2], dice.randint(0, 2)))
    return Call("upsert_contacts", text=dice.choice(NAMES), phone=dice.choice([*ALIASES]), tag_ids=tag_ids)


def _numbered(call: Call) -> Call:
    return replace(call, number=next(_numbers), items=tuple(_numbered(item) for item in call.items))


def _event(call: Call) -> dict[str, Any]:
    if call.function in {"record_inbound_message", "apply_tag_command"}:
        return build_batch(call.function, _message(call))
    headers = {"Idempotency-Key": call.key} if call.key else {}
    return build_event(call.function, ACME, headers=headers, **_request(call))


def _message(call: Call) -> dict[str, Any]:
    at = timestamps.to_text(LONG_AGO + call.number * COOLDOWN)  # outside the cooldown of every other message
    if call.function == "record_inbound_message":
        return {"tenantId": ACME.id, "phone": call.phone, "displayName": call.text, "receivedAt": at}
    return {
        "tenantId": ACME.id,
        "contactId": call.contact_id,
        "tagId": call.tag_id,
        "action": call.action,
        "source": Source.AI_TOOL,
        "issuedAt": at,
    }


def _request(call: Call) -> dict[str, Any]:
    request: dict[str, Any] = {"contactId": call.contact_id} if call.contact_id else {}
    if call.function in MATCHING:
        request["query"] = {"match": call.match}
    match call.function:
        case "get_contact_by_phone":
            request["query"] |= {"phone": call.phone}
        case "list_contacts":
            request["query"] = {"limit": str(call.limit)} | ({"cursor": call.first} if call.first else {})
        case "upsert_contact":
            request["json_body"] = {"phone": call.phone, "display_name": call.text}
        case "upsert_contacts":
            request["json_body"] = {"contacts": [_item(each) for each in call.items]}
        case "update_contact":
            request["json_body"] = {"display_name": call.text}
        case "assign_tag":
            request["json_body"] = {"tag_id": call.tag_id, "reason": call.text}
        case "remove_tag":
            request["tagId"] = call.tag_id
    return request


def _item(call: Call) -> dict[str, Any]:
    tags = [{"tag_id": each, "reason": call.text} for each in sorted(call.tag_ids)]
    return {"phone": call.phone, "display_name": call.text, "tags": tags}


type Seen = tuple[Call, Answer | None]
"""A call as the contact of its phone sees it. Without an answer the call may or may not have had its effect."""


def _observe(call: Call, answer: Any, *, replies_get_lost: bool) -> Iterator[Seen]:
    """An answer of a call with an alias says of one spelling what it shows, and of the other that it was missing.

    Unless the exact number has a contact, because it wins.
    """
    for asked, phone, seen in _read(call, answer):
        yield replace(asked, phone=phone), seen
        if call.match == "exact" or seen == IN_PROGRESS or (seen and seen[0] == REPLAYED):
            continue
        other = ALIASES[phone]
        if seen and (phone != asked.phone or seen[0] in {201, 404}):
            yield Call("get_contact_by_phone", phone=other), (404,)
        if call.function not in READS and (replies_get_lost or not seen):
            yield replace(asked, phone=other, creates=False), None


def _read(call: Call, answer: Any) -> Iterator[tuple[Call, str, Answer | None]]:
    """The call or each of its items, the phone of the contact that the answer shows or else its own, and the answer."""
    status, headers, body = 503, {}, {}
    if answer:  # a queue's consumer answers without a status
        status, headers = answer.get("statusCode", 200), answer.get("headers", {})
        body = json.loads(answer.get("body", "{}"))
    replayed = (REPLAYED,) if "Idempotency-Replayed" in headers else ()
    match call.function, status:
        case "upsert_contacts", 200 | 207:
            yield from _read_items(call, body["results"], replayed)
        case "upsert_contacts", 503:
            yield from ((item, item.phone, None) for item in call.items)
        case "upsert_contacts", 409 if call.key:
            pass  # in progress
        case "list_contacts", 200:
            page = replace(call, last=body["nextCursor"] or END)
            shown = {contact["phone"]: contact for contact in body["data"]}
            for phone in ALIASES:
                yield page, phone, _see(call, 200, shown[phone]) if phone in shown else (404,)
        case function, 503:
            if function not in READS:
                yield call, call.phone, None
        case _:
            yield call, body.get("phone", call.phone), (*replayed, *_see(call, status, body))


def _read_items(call: Call, results: list[Any], replayed: tuple[str, ...]) -> Iterator[tuple[Call, str, Answer | None]]:
    is_kept = call.key and all(each["status"] < 500 for each in results)
    latest: dict[str, int] = {}
    for place, (item, result) in enumerate(zip(call.items, results, strict=True)):
        if result["status"] == 503:
            yield item, item.phone, None
        else:
            contact, key = result["contact"], f"{call.key} {place}" if is_kept else ""
            asked = replace(item, key=key, after=latest.get(contact["phone"], 0))
            yield asked, contact["phone"], (*replayed, *_see(item, result["status"], contact))
            if not replayed:
                latest[contact["phone"]] = item.number


def _see(call: Call, status: int, body: Any) -> Answer:
    match status, call.function:
        case 200 | 201, "upsert_contact" | "upsert_contacts" | "update_contact":
            return status, body["id"], body["displayName"]
        case 200 | 201, "assign_tag":
            return status, body["reason"]
        case 200, function if function in READS:
            tags = frozenset((each["tagId"], each["reason"], each["source"]) for each in body["tagAssignments"])
            return status, body["id"], body["displayName"], tags
    return (status,)

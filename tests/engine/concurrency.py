"""Random calls of several clients on one contact, and a model of the contract for Wing and Gong's check."""

import json
import random
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from contacts.domain.source import Source
from contacts.runtime import timestamps
from contacts.storage.contacts import COOLDOWN
from tests.engine.environments import try_to_invoke
from tests.engine.flows import NEW_PHONE
from tests.engine.linearizability import Event
from tests.events import ACME, build_batch, build_event

CLIENTS = 4
UNKNOWN = "an id that no answer has shown"
FUNCTIONS = {
    "get_contact_by_phone": 2,
    "get_contact": 3,
    "upsert_contact": 3,
    "update_contact": 2,
    "delete_contact": 1,
    "assign_tag": 3,
    "remove_tag": 2,
    "record_inbound_message": 1,
    "apply_tag_command": 2,
}
"""How often each function is called, relative to the others."""

BY_PHONE = {"get_contact_by_phone", "upsert_contact", "record_inbound_message"}
MAY_HAVE_KEY = {"upsert_contact", "update_contact", "delete_contact", "assign_tag", "remove_tag"}
WITH_TEXT = {"upsert_contact", "update_contact", "assign_tag", "record_inbound_message"}
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    function: str
    contact_id: str = ""
    tag_id: str = ""
    text: str | None = None
    """The display name or the reason."""
    action: str = ""
    """ASSIGN or REMOVE for a tag command. Its source AI_TOOL has a lower weight than API."""
    key: str = ""
    """The Idempotency-Key, if there is one."""
    number: int = 0
    """Unique for each call."""


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


_numbers = count(1)

type History = list[Event[Call, Answer]]


def play(pool: ProcessPoolExecutor, first: State, seed: int, calls_each: int) -> History:
    history: History = []
    known_ids, keyed_calls = [first.id or ""], list[Call]()
    ready = threading.Barrier(CLIENTS)

    def client(number: int) -> None:
        dice = random.Random(f"{seed} {number}")
        ready.wait()
        for _ in range(calls_each):
            chosen = replace(_choose(dice, known_ids, keyed_calls), number=next(_numbers))
            if chosen.key:
                keyed_calls.append(chosen)
            start = time.monotonic()
            answer = _read(chosen, pool.submit(try_to_invoke, chosen.function, _event(chosen)).result())
            # A call without an answer may still have its effect later.
            history.append(Event(chosen, answer, start, time.monotonic() if answer else float("inf")))
            if answer and chosen.function == "upsert_contact" and answer[0] in {200, 201}:
                known_ids.append(answer[1])

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return history


def with_repetitions(history: History) -> History:
    """Replies were lost, so each write may have been executed more than once."""
    return [each if "get" in each.call.function else replace(each, may_land_again=True) for each in history]


def step(state: State, call: Call, answer: Answer | None) -> list[State]:
    """A linearizability.Step."""
    if call.key and answer == IN_PROGRESS:
        return [state]
    if kept := dict(state.kept).get(call.key):
        return [state] if answer == (REPLAYED, *kept) else []
    following = []
    for before in _possibilities(state, call, answer):
        right, after = _apply(before, call, answer)
        if answer in (None, right):
            if call.key and answer and answer[0] < 300:
                after = replace(after, kept=after.kept | {(call.key, answer)})
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
        case "upsert_contact" if state.id is None:
            created = replace(state, id=answer[1] if answer and len(answer) > 1 else UNKNOWN, name=call.text)
            return (201, created.id, created.name), created
        case "upsert_contact":
            refreshed = replace(state, name=call.text or state.name)
            return (200, refreshed.id, refreshed.name), refreshed
        case "record_inbound_message":
            id_, name = (state.id, state.name or call.text) if is_there else (UNKNOWN, call.text)
            return (200,), replace(state, id=id_, name=name)
        case "remove_tag":
            return (200,), replace(state, tags=others) if is_there else state
        case "apply_tag_command":
            if not is_there or (held and held.source.weight > Source.AI_TOOL.weight):
                return (200,), state
            assigned = {_assign(held, call, Source.AI_TOOL)} if call.action == "ASSIGN" else set()
            return (200,), replace(state, tags=others | assigned)
        case _ if not is_there:
            return (404,), state
        case "update_contact":
            return (200, state.id, call.text), replace(state, name=call.text)
        case "delete_contact":
            return (200,), State(None, kept=state.kept)
        case "assign_tag":
            tag = _assign(held, call, Source.API)
            return (201 if tag.assigned_by == call.number else 200, call.text), replace(state, tags=others | {tag})
    return (200, state.id, state.name, frozenset((tag.id, tag.reason, tag.source) for tag in state.tags)), state


def _assign(held: Tag | None, call: Call, source: Source) -> Tag:
    return Tag(call.tag_id, call.text, source, held.assigned_by if held else call.number)


def _choose(dice: random.Random, known_ids: list[str], keyed_calls: list[Call]) -> Call:
    """A new call, or sometimes a repetition of a call with an Idempotency-Key, which may still be in progress."""
    if keyed_calls and dice.random() < 0.15:
        return dice.choice(keyed_calls[-3:])
    [function] = dice.choices([*FUNCTIONS], [*FUNCTIONS.values()])
    return Call(
        function,
        "" if function in BY_PHONE else dice.choice(known_ids[-2:]),
        dice.choice(ACME.tag_ids[:2]) if "tag" in function else "",
        dice.choice(["Ada", "Grace", None]) if function in WITH_TEXT else None,
        dice.choice(["ASSIGN", "REMOVE"]) if function == "apply_tag_command" else "",
        f"{dice.getrandbits(64):x}" if function in MAY_HAVE_KEY and dice.random() < 0.5 else "",
    )


def _event(call: Call) -> dict[str, Any]:
    if call.function in {"record_inbound_message", "apply_tag_command"}:
        return build_batch(call.function, _message(call))
    headers = {"Idempotency-Key": call.key} if call.key else {}
    return build_event(call.function, ACME, headers=headers, **_request(call))


def _message(call: Call) -> dict[str, Any]:
    at = timestamps.to_text(LONG_AGO + call.number * COOLDOWN)  # outside the cooldown of every other message
    if call.function == "record_inbound_message":
        return {"tenantId": ACME.id, "phone": NEW_PHONE, "displayName": call.text, "receivedAt": at}
    return {
        "tenantId": ACME.id,
        "contactId": call.contact_id,
        "tagId": call.tag_id,
        "action": call.action,
        "source": Source.AI_TOOL,
        "issuedAt": at,
    }


def _request(call: Call) -> dict[str, Any]:
    path = {"contactId": call.contact_id} if call.contact_id else {}
    match call.function:
        case "get_contact_by_phone":
            return {"query": {"phone": NEW_PHONE}}
        case "upsert_contact":
            return {"json_body": {"phone": NEW_PHONE, "display_name": call.text}}
        case "update_contact":
            return path | {"json_body": {"display_name": call.text}}
        case "assign_tag":
            return path | {"json_body": {"tag_id": call.tag_id, "reason": call.text}}
        case "remove_tag":
            return path | {"tagId": call.tag_id}
    return path


def _read(call: Call, answer: dict[str, Any] | None) -> Answer | None:
    """None if the call may or may not have had its effect."""
    if answer is None or answer.get("statusCode") == 503:
        return None
    seen = _seen(call, answer["statusCode"], json.loads(answer["body"])) if "body" in answer else (200,)
    return (REPLAYED, *seen) if "Idempotency-Replayed" in answer.get("headers", {}) else seen


def _seen(call: Call, status: int, body: Any) -> Answer:
    match status, call.function:
        case 200 | 201, "upsert_contact" | "update_contact":
            return status, body["id"], body["displayName"]
        case 200 | 201, "assign_tag":
            return status, body["reason"]
        case 200, "get_contact" | "get_contact_by_phone":
            tags = frozenset((each["tagId"], each["reason"], each["source"]) for each in body["tagAssignments"])
            return status, body["id"], body["displayName"], tags
    return (status,)

"""What several clients do to one contact at once, and the contract as they can see it."""

import random
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from tests.engine.flows import NEW_PHONE
from tests.engine.linearizability import Event
from tests.gateway import ACME, call

CLIENTS = 4
UNKNOWN = "an id that nobody was told"


@dataclass(frozen=True)
class Call:
    function: str
    contact_id: str = ""
    tag_id: str = ""
    text: str | None = None
    """The name or the reason."""


type Tags = frozenset[tuple[str, str | None]]
type Answer = tuple[Any, ...]
"""The status, and what the call can see of the contact."""


@dataclass(frozen=True)
class State:
    """Of the one contact."""

    id: str | None
    name: str | None = None
    tags: Tags = frozenset()


type History = list[Event[Call, Answer]]


def play(pool: ProcessPoolExecutor, first: State, seed: int, calls_each: int) -> History:
    history: History = []
    known_ids = [first.id or ""]
    ready = threading.Barrier(CLIENTS)

    def client(number: int) -> None:
        dice = random.Random(f"{seed} {number}")
        ready.wait()
        for _ in range(calls_each):
            chosen = _choose(dice, known_ids)
            start = time.monotonic()
            answer = _read(chosen, *pool.submit(call, chosen.function, ACME, **_request(chosen)).result())
            # What was not answered may have happened at any time, even later.
            history.append(Event(chosen, answer, start, time.monotonic() if answer else float("inf")))
            if answer and chosen.function == "upsert_contact":
                known_ids.append(answer[1])

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return history


def with_repetitions(history: History) -> History:
    """Where replies get lost, a write may have landed before it was sent again, twice at most."""
    return [each if "get" in each.call.function else replace(each, landings=2) for each in history]


def step(state: State, call: Call, answer: Answer | None) -> list[State]:
    """As linearizability.Step."""
    following = []
    for before in _possibilities(state, call, answer):
        right, after = _apply(before, call, answer)
        if answer in (None, right):
            following.append(after)
    return list(dict.fromkeys(following))


def _possibilities(state: State, call: Call, answer: Answer | None) -> list[State]:
    """An id that nobody was told is the one that somebody comes with, or not."""
    if state.id != UNKNOWN:
        return [state]
    if call.contact_id:
        return [state, replace(state, id=call.contact_id)]
    return [replace(state, id=answer[1])] if answer and len(answer) > 1 else [state]


def _apply(state: State, call: Call, answer: Answer | None) -> tuple[Answer, State]:  # noqa: PLR0911 - a call, a line
    is_there = state.id is not None and call.contact_id in ("", state.id)
    tags = dict(state.tags)
    match call.function:
        case "upsert_contact" if state.id is None:
            created = State(answer[1] if answer and len(answer) > 1 else UNKNOWN, call.text)
            return (201, created.id, created.name), created
        case "upsert_contact":
            refreshed = replace(state, name=call.text or state.name)
            return (200, refreshed.id, refreshed.name), refreshed
        case "remove_tag":
            held = {tag_id: reason for tag_id, reason in tags.items() if tag_id != call.tag_id}
            return (200,), replace(state, tags=frozenset(held.items())) if is_there else state
        case _ if not is_there:
            return (404,), state
        case "update_contact":
            return (200, state.id, call.text), replace(state, name=call.text)
        case "delete_contact":
            return (200,), State(None)
        case "assign_tag":
            held = tags | {call.tag_id: call.text}
            return (200 if call.tag_id in tags else 201, call.text), replace(state, tags=frozenset(held.items()))
    return (200, state.id, state.name, state.tags), state


def _choose(dice: random.Random, known_ids: list[str]) -> Call:
    functions = {
        "get_contact_by_phone": 2,
        "get_contact": 3,
        "upsert_contact": 3,
        "update_contact": 2,
        "delete_contact": 1,
        "assign_tag": 3,
        "remove_tag": 2,
    }
    [function] = dice.choices([*functions], [*functions.values()])
    return Call(
        function,
        "" if function in {"get_contact_by_phone", "upsert_contact"} else dice.choice(known_ids[-2:]),
        dice.choice(ACME.tag_ids[:2]) if "tag" in function else "",
        dice.choice(["Ada", "Grace", None]) if function in {"upsert_contact", "update_contact", "assign_tag"} else None,
    )


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


def _read(call: Call, status: int, body: Any) -> Answer | None:
    match status, call.function:
        case 503, _:
            return None
        case 200 | 201, "upsert_contact" | "update_contact":
            return status, body["id"], body["displayName"]
        case 200 | 201, "assign_tag":
            return status, body["reason"]
        case 200, "get_contact" | "get_contact_by_phone":
            tags = frozenset((each["tagId"], each["reason"]) for each in body["tagAssignments"])
            return status, body["id"], body["displayName"], tags
    return (status,)

"""A reader of a list beside writers that create and delete what is on it."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

from contacts.storage.tags import TagCatalog
from tests.engine.flows import CONTACT_ID
from tests.events import ACME
from tests.handlers import call

WRITERS = 3
STANDING = 40
"""How many contacts or tags stay from the beginning to the end, besides those of the first rows."""

SECONDS_BETWEEN_PAGES = 0.1
"""So that much happens during a listing."""


@dataclass
class Life:
    """When a contact or tag may have been there, and when it certainly was: a write has its effect while it lasts."""

    creating: float = 0
    created: float = 0
    deleting: float = inf
    deleted: float = inf


@dataclass
class Churn:
    lives: dict[str, Life]
    """By id."""
    listings: list[tuple[float, float, list[str]]] = field(default_factory=list)
    """Start, end and the ids of all pages."""
    pages: int = 0

    @property
    def operations(self) -> int:
        """How many contacts or tags were created or deleted."""
        return sum((life.created > 0) + (life.deleted < inf) for life in self.lives.values())

    @contextmanager
    def creating(self) -> Iterator[list[str]]:
        """Yields the list that the ids are put into."""
        start, ids = time.monotonic(), list[str]()
        yield ids
        self.lives |= {each: Life(start, time.monotonic()) for each in ids}

    @contextmanager
    def deleting(self, id_: str) -> Iterator[None]:
        self.lives[id_].deleting = time.monotonic()
        yield
        self.lives[id_].deleted = time.monotonic()

    def list_all(self, pool: ProcessPoolExecutor, function: str, limit: int) -> None:
        start, shown, query = time.monotonic(), list[str](), {"limit": str(limit)}
        while True:
            status, page = pool.submit(call, function, ACME, query=query).result()
            assert status == 200
            shown += [each["id"] for each in page["data"]]
            self.pages += 1
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
            time.sleep(SECONDS_BETWEEN_PAGES)
        self.listings.append((start, time.monotonic(), shown))

    def check(self) -> None:
        """What was there from the start of a listing to its end is on it once, and nothing that was never there."""
        for start, end, shown in self.listings:
            throughout = {id_ for id_, life in self.lives.items() if life.created < start and end < life.deleting}
            meanwhile = {id_ for id_, life in self.lives.items() if life.creating < end and start < life.deleted}
            assert len(shown) == len(set(shown))
            assert throughout <= set(shown) <= meanwhile


def churn_contacts(pool: ProcessPoolExecutor, seed: int, operations: int) -> Churn:
    """Creates contacts one by one and in batches, and deletes them. There are few phones, so most come back."""
    churn = Churn({CONTACT_ID: Life()})

    def create(phones: list[str]) -> list[tuple[str, str]]:
        with churn.creating() as ids:
            body = {"contacts": [{"phone": phone} for phone in phones]}
            _, answer = pool.submit(call, "upsert_contacts", ACME, json_body=body).result()
            assert {each["status"] for each in answer["results"]} == {201}
            ids += [each["contact"]["id"] for each in answer["results"]]
        return list(zip(phones, ids, strict=True))

    def write(number: int) -> None:
        dice, left = random.Random(f"{seed} {number}"), operations // WRITERS
        free, held = [f"{81 + number}{each:03}" for each in range(150)], list[tuple[str, str]]()
        while left > 0:
            if free and (not held or dice.random() < 0.2):
                phones = dice.sample(free, min(dice.choice([1, 3, 30]), left, len(free)))
                held += create(phones)
                free = [each for each in free if each not in phones]
                left -= len(phones)
            else:
                phone, contact_id = held.pop(dice.randrange(len(held)))
                with churn.deleting(contact_id):
                    assert pool.submit(call, "delete_contact", ACME, contactId=contact_id).result()[0] == 200
                free.append(phone)
                left -= 1

    create([f"80{number:03}" for number in range(STANDING)])
    _read_beside(churn, pool, "list_contacts", seed, [write] * WRITERS)
    return churn


def churn_tags(pool: ProcessPoolExecutor, seed: int, operations: int) -> Churn:
    """An operator creates and deletes tags. There are few names, so most come back."""
    churn = Churn({tag_id: Life() for tag_id in ACME.tag_ids[:2]})
    catalog = TagCatalog(ACME.id)

    def create(name: str) -> str:
        with churn.creating() as ids:
            ids.append(catalog.create(name, None, None).id)
        return ids[0]

    def write(number: int) -> None:
        dice = random.Random(f"{seed} {number}")
        held: dict[str, str] = {}
        for _ in range(operations):
            name = f"Name {dice.randrange(40):02}"
            if name in held:
                with churn.deleting(held[name]):
                    catalog.delete(held.pop(name))
            else:
                held[name] = create(name)

    for number in range(STANDING // 3):
        create(f"Name {2 * number:02} stays")
    _read_beside(churn, pool, "list_tags", seed, [write])
    return churn


def _read_beside(
    churn: Churn, pool: ProcessPoolExecutor, function: str, seed: int, writers: list[Callable[[int], Any]]
) -> None:
    """Lists all again and again while the writers write, and once more when they have ended."""
    dice = random.Random(f"{seed} reader")
    with ThreadPoolExecutor(len(writers)) as threads:
        running = [threads.submit(write, number) for number, write in enumerate(writers)]
        while not all(each.done() for each in running):
            churn.list_all(pool, function, dice.choice([20, 50, 100]))
    for each in running:
        each.result()
    churn.list_all(pool, function, 100)

"""Synchronization: a CRM sends its contacts with two tags each, by single calls and by batches."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched, count, islice
from multiprocessing import get_context
from statistics import mean
from typing import Any

import httpx
from rich.progress import track

from admin.keys import create_key
from benchmarks.costs import BATCH_SIZE
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_groups
from benchmarks.processes import ENGINE, ROLES, meter_cpu
from benchmarks.spread import Spread, describe_noise, judge
from benchmarks.workload import NAME, Workload
from contacts.access.keys import SCOPES

CLIENTS, TAGS = 4, 2
ROUNDS = 5
CONTACTS = {"single calls": 400, "batches": 2_000}
"""In a round. Single calls are so slow that fewer have to do."""
RATE_LIMIT = 10_000  # and so 1,000 batches a second: more than a machine can answer
GOALS = {"existing": 0.2}
"""The longest time that a contact may take by batches, as a ratio to its time by single calls."""

RETRIED = httpx.codes.SERVICE_UNAVAILABLE

type Way = Callable[[httpx.Client, Sequence[str], Sequence[str]], None]
"""Sends the contacts with these phones and these tags, one request after the other."""


def send_single_calls(client: httpx.Client, phones: Sequence[str], tag_ids: Sequence[str]) -> None:
    for phone in phones:
        contact = _post(client, "/v1/contacts", {"phone": phone, "display_name": NAME})
        for tag_id in tag_ids:
            _post(client, f"/v1/contacts/{contact['id']}/tags", {"tag_id": tag_id})


def send_batches(client: httpx.Client, phones: Sequence[str], tag_ids: Sequence[str]) -> None:
    tags = [{"tag_id": tag_id} for tag_id in tag_ids]
    for batch in batched(phones, BATCH_SIZE, strict=False):
        contacts = [{"phone": phone, "display_name": NAME, "tags": tags} for phone in batch]
        while contacts:
            results = _post(client, "/v1/contacts/batch", {"contacts": contacts})["results"]
            if unexpected := {result["status"] for result in results} - {200, 201, RETRIED}:
                raise RuntimeError(f"Contacts were refused with {unexpected}.")
            contacts = [each for each, result in zip(contacts, results, strict=True) if result["status"] == RETRIED]


def _post(client: httpx.Client, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
    """Repeats what was not done in time, as every client should."""
    while (answer := client.post(path, json=body)).status_code == RETRIED:
        pass
    return answer.raise_for_status().json()


WAYS = {"single calls": send_single_calls, "batches": send_batches}


@dataclass(frozen=True)
class Crm:
    base_url: str
    key: str = field(repr=False)
    tag_ids: Sequence[str]

    def send(self, way: Way, phones: Sequence[str]) -> None:
        """By CLIENTS clients, with a connection and a share of the phones each."""

        def send_share(number: int) -> None:
            headers = {"Authorization": f"Bearer {self.key}"}
            with httpx.Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False) as client:
                way(client, phones[number::CLIENTS], self.tag_ids)

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(send_share, range(CLIENTS)))


@dataclass(frozen=True)
class Cost:
    """Of one contact."""

    seconds: float
    cpu_seconds: Mapping[str, float]
    """By role of the processes."""


type Costs = Mapping[str, Mapping[str, list[Cost]]]
"""By state of the contacts and by way, one for each round."""


def measure(workload: Workload, base_url: str) -> Section:
    key = create_key(workload.tenant.id, name="Synchronization", scopes=SCOPES, rate_limit=RATE_LIMIT).key
    crm = Crm(base_url, key, workload.tenant.tag_ids[:TAGS])
    phones = map(str, count(491700000000))
    costs: Costs = {state: {name: [] for name in WAYS} for state in ("existing", "new")}
    # The gateway runs in this process, so the clients need another one.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        for way in WAYS.values():  # starts the execution environments
            process.submit(crm.send, way, list(islice(phones, CLIENTS * BATCH_SIZE))).result()
        for _ in track(range(ROUNDS), "Synchronization"):
            for name, way in WAYS.items():
                contacts = list(islice(phones, CONTACTS[name]))
                for state in "new", "existing":
                    with meter_cpu() as cpu_seconds:
                        started = time.perf_counter()
                        process.submit(crm.send, way, contacts).result()
                        seconds = time.perf_counter() - started
                    spent = {role: each / len(contacts) for role, each in cpu_seconds.items()}
                    costs[state][name].append(Cost(seconds / len(contacts), spent))
    rates = {
        state: {name: Spread.of(1 / each.seconds for each in of_way) for name, of_way in of_state.items()}
        for state, of_state in costs.items()
    }
    return Section(
        "Synchronization",
        [_rate_table(costs, rates), _cpu_table(costs)],
        draw_groups(f"Contacts with {TAGS} tags", "contacts per second", rates, "batches"),
        describe_noise(rates["existing"]["single calls"]),
    )


def _rate_table(costs: Costs, rates: Mapping[str, Mapping[str, Spread]]) -> Table:
    rows = []
    for state, of_state in costs.items():
        pairs = zip(of_state["batches"], of_state["single calls"], strict=True)
        ratio = Spread.of(batches.seconds / single.seconds for batches, single in pairs)
        verdict = judge(ratio.median, GOALS.get(state), rates[state]["single calls"])
        rows.append([state, *map(str, rates[state].values()), str(ratio), *verdict])
    sent = [f"{name}, of {ROUNDS * each:,}" for name, each in CONTACTS.items()]
    return Table(["contacts per second", *sent, "ratio of the times", "goal", "verdict"], rows)


def _cpu_table(costs: Costs) -> Table:
    rows = []
    for state, of_state in costs.items():
        for name, of_way in of_state.items():
            spent = {role: mean(each.cpu_seconds[role] for each in of_way) for role in of_way[0].cpu_seconds}
            share = spent[ENGINE] / sum(spent.values())
            rows.append([f"{state}, {name}", *(f"{1000 * each:.1f}" for each in spent.values()), f"{share:.2f}"])
    return Table(["CPU of a contact, ms", *ROLES, "engine's share"], rows)

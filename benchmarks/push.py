"""`python -m benchmarks.push ROWS`: `contacts push` beside single calls, killed ten times, and with 1 % of faults.

Run it against a system of your own, because it leaves contacts behind: CONTACTS_URL and CONTACTS_KEY say which, and the
rate limit of the key should not be what is measured.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path
from unittest import mock

import httpx2

from contacts_client import Contacts
from contacts_client.cli import commands

_KILLS = 10
_SINGLE = 300
"""Rows for the loop of single calls."""
_FAULTS = 0.01

type Content = dict[str, tuple[str | None, frozenset[str]]]
"""By the number of a row: name and tag ids."""


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as directory, _connect() as client:
        tags = {tag.name: tag.id for tag in islice(client.tags(), 2)}
        wanted: Content = {f"{number:07}": (f"Contact {number}", frozenset(tags.values())) for number in range(rows)}
        files = {name: Path(directory, f"{name}.csv") for name in ("whole", "killed", "faulty", "single")}
        prefixes = {name: f"49{random.randrange(10**10):010}" for name in files}
        for name, file in files.items():
            _write(file, prefixes[name], wanted, "|".join(tags))

        begin = time.monotonic()
        _push(files["whole"]).check_returncode()
        seconds = time.monotonic() - begin
        pushed, single = rows / seconds, _single_calls(client, prefixes["single"], [*tags.values()])
        print(f"push: {pushed:.0f} rows/s; single calls: {single:.1f} rows/s; ratio {pushed / single:.1f}")

        kills = _push_and_kill(files["killed"], seconds)
        _push_with_faults(files["faulty"])
        found: dict[str, Content] = {name: {} for name in files}
        for contact in client.contacts():
            for name, prefix in prefixes.items():
                if contact.phone.startswith(prefix):
                    held = frozenset(each.tag_id for each in contact.tag_assignments or ())
                    found[name][contact.phone.removeprefix(prefix)] = contact.display_name, held
        for name in "whole", "killed", "faulty":
            print(f"{name}: {len(found[name])} contacts, as wanted: {found[name] == wanted}")
        print(f"killed {kills} times")


def _connect() -> Contacts:
    return Contacts(os.environ["CONTACTS_URL"], os.environ["CONTACTS_KEY"])


def _write(file: Path, prefix: str, wanted: Content, tags: str) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["Phone", "Name", "Tags"])
        writer.writerows([prefix + number, name, tags] for number, (name, _) in wanted.items())


def _push(file: Path, seconds: float | None = None) -> subprocess.CompletedProcess[bytes]:
    """Kills the command after the given time. Raises TimeoutExpired then."""
    command = [sys.executable, "-m", "contacts_client.cli", "push", str(file), "--yes"]
    return subprocess.run(command, timeout=seconds, check=False)


def _push_and_kill(file: Path, whole_seconds: float) -> int:
    for kill in range(_KILLS):
        try:
            _push(file, random.uniform(0, 2 * whole_seconds / _KILLS)).check_returncode()
        except subprocess.TimeoutExpired:
            continue
        return kill
    _push(file).check_returncode()
    return _KILLS


def _push_with_faults(file: Path) -> None:
    """A batch gets a 429 or a 503 instead of being done, or a 503 although it was done."""
    real = httpx2.HTTPTransport()

    def handle(request: httpx2.Request) -> httpx2.Response:
        dice = random.random() if request.method == "POST" else 1
        if dice < _FAULTS / 3:
            return httpx2.Response(429, headers={"Retry-After": "1"})
        if dice < 2 * _FAULTS / 3:
            return httpx2.Response(503, headers={"Retry-After": "1"})
        answer = real.handle_request(request)
        if dice < _FAULTS:
            answer.read()
            return httpx2.Response(503)
        return answer

    connect = partial(Contacts, transport=httpx2.MockTransport(handle))
    with mock.patch.object(commands, "Contacts", connect):
        try:
            commands.run(["push", str(file), "--yes"])
        except SystemExit as ended:
            print(f"with {_FAULTS:.0%} of 429 and 503: exit code {ended.code}")


def _single_calls(client: Contacts, prefix: str, tag_ids: list[str]) -> float:
    begin = time.monotonic()
    for number in range(_SINGLE):
        contact = client.upsert(f"{prefix}{number:07}", f"Contact {number}")
        for tag_id in tag_ids:
            client.assign(contact.id, tag_id)
    return _SINGLE / (time.monotonic() - begin)


if __name__ == "__main__":
    main(int(sys.argv[1]))

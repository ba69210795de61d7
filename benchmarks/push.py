"""`python -m benchmarks.push speed|kills|faults ROWS`: pushes, beside single calls, killed ten times, or with faults.

Run it against a system of your own, because it leaves contacts behind: CONTACTS_URL and CONTACTS_KEY say which.
The rate limit of the key should be above what is measured.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path
from unittest import mock

import httpx2

from contacts_client import Contacts
from contacts_client.cli import commands
from contacts_client.cli.sending import BATCH

_KILLS = 10
_SECONDS_OF_A_BATCH = 2
_SINGLE = 200
"""Rows for the loop of single calls."""
_SHARE_OF_FAULTS, _FEWEST_FAULTS = 0.01, 10

type Content = dict[str, tuple[str | None, frozenset[str]]]
"""By phone: name and tag ids."""


def measure_speed(client: Contacts, file: Path, wanted: Content) -> None:
    begin = time.monotonic()
    subprocess.run(_command(file), check=True)
    pushed = len(wanted) / (time.monotonic() - begin)
    single = _single_calls(client, wanted)
    print(f"push: {pushed:.0f} rows/s; single calls: {single:.1f} rows/s; ratio {pushed / single:.1f}")


def push_and_kill(_client: Contacts, file: Path, wanted: Content) -> None:
    for rows in sorted(random.sample(range(len(wanted)), _KILLS)):
        with subprocess.Popen(_command(file)) as process:
            while process.poll() is None and _done(file) < rows:
                time.sleep(0.1)
            time.sleep(random.uniform(0, _SECONDS_OF_A_BATCH))
            process.kill()
        print(f"killed after {rows} rows or more")
    subprocess.run(_command(file), check=True)


def push_with_faults(_client: Contacts, file: Path, wanted: Content) -> None:
    """A batch gets a 429 or a 503 instead of being done, or a 503 although it was done."""
    share = max(_SHARE_OF_FAULTS, _FEWEST_FAULTS * BATCH / len(wanted))
    real, faults = httpx2.HTTPTransport(), Counter[str]()

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" or random.random() > share:
            return real.handle_request(request)
        fault = random.choice(["429", "503", "503 afterwards"])
        faults[fault] += 1
        if fault == "503 afterwards":
            real.handle_request(request).read()
        return httpx2.Response(int(fault[:3]), headers={"Retry-After": "1"})

    with mock.patch.object(commands, "Contacts", partial(Contacts, transport=httpx2.MockTransport(handle))):
        try:
            commands.run(["push", str(file), "--yes"])
        except SystemExit as ended:
            print(f"exit code {ended.code} with faults: {dict(faults)}")


def main(step: str, rows: int) -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        Contacts(os.environ["CONTACTS_URL"], os.environ["CONTACTS_KEY"]) as client,
    ):
        tags = {tag.name: tag.id for tag in islice(client.tags(), 2)}
        prefix = f"49{random.randrange(10**8):08}"
        wanted: Content = {
            f"{prefix}{number:07}": (f"Contact {number}", frozenset(tags.values())) for number in range(rows)
        }
        file = Path(directory, "contacts.csv")
        with file.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(["Phone", "Name", "Tags"])
            writer.writerows([phone, name, "|".join(tags)] for phone, (name, _) in wanted.items())
        {"speed": measure_speed, "kills": push_and_kill, "faults": push_with_faults}[step](client, file, wanted)
        found = {
            each.phone: (each.display_name, frozenset(tag.tag_id for tag in each.tag_assignments or ()))
            for each in client.contacts()
            if each.phone.startswith(prefix)
        }
        print(f"{len(found)} contacts, as wanted: {found == wanted}")


def _command(file: Path) -> list[str]:
    return [sys.executable, "-m", "contacts_client.cli", "push", str(file), "--yes"]


def _done(file: Path) -> int:
    """The rows that FILE.csv.progress records; -1 until it exists."""
    progress = Path(f"{file}.progress")
    return BATCH * (progress.read_bytes().count(b"\n") - 1) if progress.exists() else -1


def _single_calls(client: Contacts, wanted: Content) -> float:
    """Rows per second, for other contacts with as many tags."""
    begin = time.monotonic()
    for phone, (name, tag_ids) in islice(wanted.items(), _SINGLE):
        contact = client.upsert(f"1{phone}", name)
        for tag_id in tag_ids:
            client.assign(contact.id, tag_id)
    return _SINGLE / (time.monotonic() - begin)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

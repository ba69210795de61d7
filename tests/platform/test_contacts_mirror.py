"""`contacts mirror` against the running system, killed again and again."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from local.stack import Stack
from tests.system import Customer, new_phone

KILLS = 3


def mirror(stack: Stack, customer: Customer, file: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "contacts_client.cli", "mirror", str(file), *options],
        env=os.environ | {"CONTACTS_URL": stack.base_url, "CONTACTS_KEY": str(customer.full.key)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def mirrored(file: Path) -> dict[str, Any]:
    """Phone, name and number of tags, by id."""
    tags = "SELECT count(*) FROM tag_assignments WHERE contact_id = id"
    query = f"SELECT id, phone, display_name, ({tags}) FROM contacts"
    with closing(sqlite3.connect(file)) as db:
        return {id_: rest for id_, *rest in map(tuple, db.execute(query))}


def there(customer: Customer) -> dict[str, Any]:
    contacts: dict[str, Any] = {}
    cursor: str | None = ""
    while cursor is not None:
        _, page = customer.full.call("GET", f"/v1/contacts{cursor and f'?cursor={cursor}'}")
        for each in page["data"]:
            contacts[each["id"]] = [each["phone"], each["displayName"], len(each["tagAssignments"])]
        cursor = page["nextCursor"]
    return contacts


def change(customer: Customer, number: int) -> None:
    items = [{"phone": new_phone(), "tags": [{"tag_id": customer.tag_ids[0]}]} for _ in range(5)]
    _, answer = customer.full.call("POST", "/v1/contacts/batch", json_body={"contacts": items})
    renamed, deleted, *_ = (each["contact"]["id"] for each in answer["results"])
    customer.full.call("PATCH", f"/v1/contacts/{renamed}", json_body={"display_name": f"Ada {number}"})
    customer.full.call("DELETE", f"/v1/contacts/{deleted}")


def test_a_mirror_that_is_killed_again_and_again_is_equal_in_the_end(
    stack: Stack, customer: Customer, tmp_path: Path
) -> None:
    file = tmp_path / "contacts.sqlite"
    for number in range(KILLS):
        process = mirror(stack, customer, file)
        deadline = time.monotonic() + random.uniform(0.5, 2)
        while time.monotonic() < deadline:
            change(customer, number)
            time.sleep(0.1)
        process.kill()
        process.wait()
    wanted, deadline = there(customer), time.monotonic() + 30
    while time.monotonic() < deadline:
        assert mirror(stack, customer, file, "--once").wait() == 0
        if mirrored(file) == wanted:
            break
        time.sleep(0.5)  # until the last change is there
    assert mirrored(file) == wanted

"""`contacts push`, as a process of its own, against the running system."""

import os
import subprocess
import sys
import time
from pathlib import Path

from contacts_client import Contacts
from local.stack import Stack
from tests.clients.command import write
from tests.system import Customer

ROWS = 150


def test_a_push_that_is_killed_and_resumed_makes_the_contacts_of_one_run(
    customers: list[Customer], stack: Stack, tmp_path: Path
) -> None:
    key = customers[1].full.key
    assert key is not None
    command = [sys.executable, "-m", "contacts_client.cli", "push", "crm.csv", "--yes"]
    environment = os.environ | {"CONTACTS_URL": stack.base_url, "CONTACTS_KEY": key}
    names = {f"4915188{number:05}": f"Name {number}" for number in range(ROWS)}
    write(tmp_path / "crm.csv", *[[phone, name, "VIP|new lead"] for phone, name in names.items()])

    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    while process.poll() is None and not (tmp_path / "crm.csv.progress").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    process.kill()
    _, errors = process.communicate()
    assert process.returncode == -9, errors

    resumed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (resumed.returncode, resumed.stdout) == (0, f"created: {ROWS}.\n"), resumed.stderr
    with Contacts(stack.base_url, key) as client:
        tags = {tag.id for tag in client.tags() if tag.name in {"VIP", "New lead"}}
        found = {
            each.phone: (each.display_name, {tag.tag_id for tag in each.tag_assignments or ()})
            for each in client.contacts()
            if each.phone in names
        }
    assert found == {phone: (name, tags) for phone, name in names.items()}

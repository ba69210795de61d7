"""The Python client, built as a wheel and installed alone, against the running system."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contacts_client import ContactNotFound, Contacts
from local import ROOT
from local.stack import Stack
from tests.system import Customer


@pytest.fixture
def contacts(customer: Customer, stack: Stack) -> Iterator[Contacts]:
    assert customer.full.key is not None
    with Contacts(stack.base_url, customer.full.key) as contacts:
        yield contacts


def test_every_method_works(contacts: Contacts, customer: Customer, phone: str) -> None:
    cursor = next(contacts.changes()).next_cursor
    ada = contacts.upsert(phone, "Ada")
    assert contacts.by_phone(f"+{phone}", match="alias") == contacts.get(ada.id)
    assert contacts.rename(ada.id, "Ada King").display_name == "Ada King"
    assert contacts.assign(ada.id, customer.tag_ids[0], "asked").reason == "asked"
    assignments = contacts.get(ada.id).tag_assignments
    assert assignments is not None
    assert [each.tag_id for each in assignments] == [customer.tag_ids[0]]
    contacts.remove(ada.id, customer.tag_ids[0])
    results = list(contacts.upsert_many([{"phone": phone}, {"phone": "x"}]))
    assert [each.status for each in results] == [200, 400]
    assert ada.id in {each.id for each in contacts.contacts()}
    (vip,) = contacts.tags("vip")
    assert vip.id in {each.id for each in contacts.tags()}
    assert contacts.whoami().tenant_id == customer.tenant_id
    contacts.delete(ada.id)
    with pytest.raises(ContactNotFound):
        contacts.get(ada.id)
    changes: list[str] = []
    deadline = time.monotonic() + 30  # they come after the answers, from the table's stream
    while "contact.deleted" not in changes and time.monotonic() < deadline:
        time.sleep(0.2)
        changes = [each.type for page in contacts.changes(cursor) for each in page.data if each.contact_id == ada.id]
    assert changes == ["contact.created", "contact.renamed", "tag.assigned", "tag.removed", "contact.deleted"]


def test_readme_works_with_the_wheel_alone(customer: Customer, stack: Stack, tmp_path: Path) -> None:
    """With a key that requires signatures. What the wheel needs is taken from this environment."""
    project = ROOT / "clients" / "python"
    build = ["uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", str(tmp_path)]
    subprocess.run([*build, str(project)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    install = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)]
    subprocess.run(install, check=True)
    assert (tmp_path / "site" / "contacts_client" / "py.typed").exists()
    demo = next(each for each in stack.demo["tenants"] if each["tenant_id"] == customer.tenant_id)["keys"]["signed"]
    sample = (project / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    options = f"key={demo['key']!r}, signing_secret={demo['secret']!r}"
    script = sample.replace("http://127.0.0.1:3000", stack.base_url).replace('key="sflo_live_…"', options)
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "site", check=True, capture_output=True, text=True
    ).stdout
    taken, refused, *listed = output.splitlines()
    assert "phone='12125550147'" in taken
    assert refused == "400: phone must contain digits and the usual separators only."
    (ada,) = (line for line in listed if line.startswith("491512345678 Ada Lovelace "))
    assert "reason='imported'" in ada

    settings = {"CONTACTS_URL": stack.base_url, "CONTACTS_KEY": demo["key"], "CONTACTS_SECRET": demo["secret"]}
    site = tmp_path / "site"
    whoami = subprocess.run(
        [site / "bin" / "contacts", "whoami", "--json"],
        env=os.environ | settings | {"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
    ).stdout
    assert json.loads(whoami)["require_signature"] is True

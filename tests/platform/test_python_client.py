"""The Python client, built as a wheel and installed alone, against the running system."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from contacts_client import ContactNotFound, Contacts
from local import ROOT
from local.stack import Stack
from tests.system import Customer

SCRIPT = """
    import json, sys
    from contacts_client import Contacts
    with Contacts(sys.argv[1], sys.argv[2], signing_secret=sys.argv[3]) as contacts:
        ada = contacts.upsert("+49 151 77 0001", "Ada")
        print(json.dumps([ada.phone, contacts.get(ada.id).display_name, contacts.whoami().require_signature]))
"""


@pytest.fixture
def contacts(customer: Customer, stack: Stack) -> Iterator[Contacts]:
    assert customer.full.key is not None
    with Contacts(stack.base_url, customer.full.key) as contacts:
        yield contacts


def test_every_method_works(contacts: Contacts, customer: Customer, phone: str) -> None:
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


def test_the_wheel_works_in_an_environment_of_its_own(customer: Customer, stack: Stack, tmp_path: Path) -> None:
    """With a key that requires signatures. Its one dependency is taken from this environment."""
    build = ["uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", str(tmp_path)]
    subprocess.run([*build, str(ROOT / "clients" / "python")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    install = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)]
    subprocess.run(install, check=True)
    demo = next(each for each in stack.demo["tenants"] if each["tenant_id"] == customer.tenant_id)["keys"]["signed"]
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), stack.base_url, demo["key"], demo["secret"]],
        cwd=tmp_path / "site",
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert json.loads(output) == ["49151770001", "Ada", True]

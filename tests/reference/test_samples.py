"""The code samples of the reference page, run as they are against the running system."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from local.reference.document import Ids, build_document
from local.stack import Stack
from tests import secrecy
from tests.document import OPERATIONS, Operation, referred
from tests.languages import compile_java, run_javascript, run_python, run_shell, start_java
from tests.system import Caller, lift_rate_limit, new_phone

LANGUAGES = "curl", "JavaScript", "Python", "Java"

ADA = {"phone": "+49 151 2345678", "display_name": "Ada Lovelace"}

NEW_TENANT = """
import json
from local.demo import make_key, make_tenant
tenant = make_tenant("Samples")
key = make_key(tenant["tenant_id"], "full")
print(json.dumps({"id": tenant["tenant_id"], "tag": tenant["tags"][0]["id"], "key": key}))
"""


@dataclass(frozen=True)
class Tenant:
    id: str
    tag: str
    api: Caller


@pytest.fixture(scope="module")
def tenant(stack: Stack, anonymous: Caller) -> Tenant:
    """One whose lists are short, unlike those of the demo tenants."""
    command = [sys.executable, "-c", NEW_TENANT]
    output = subprocess.run(command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, check=True).stdout
    secrecy.note(output)
    made = json.loads(output)
    lift_rate_limit(stack)
    return Tenant(made["id"], made["tag"], Caller(anonymous.client, made["key"]))


def create(api: Caller, body: dict[str, str]) -> str:
    """The id of the contact, new or not."""
    status, contact = api.call("POST", "/v1/contacts", json_body=body)
    assert status in {200, 201}
    return str(contact["id"])


class Samples:
    """The samples of one language."""

    def __init__(self, language: str, base_url: str, tenant: Tenant, directory: Path) -> None:
        self.ids = Ids(tenant.id, create(tenant.api, ADA), create(tenant.api, {"phone": new_phone()}), tenant.tag)
        self._document = build_document(base_url, self.ids)
        self._language = language
        self._directory = directory
        self._environment = {"PATH": os.environ["PATH"], "CONTACTS_KEY": str(tenant.api.key)}

    @contextmanager
    def runner(self) -> Iterator[Callable[[Operation], str]]:
        """A function that runs the sample of an operation and returns what it prints."""
        if self._language == "Java":
            compile_java(self._directory, **{class_name(each): self._source(each) for each in OPERATIONS})
            with start_java(self._directory, self._environment) as run_class:
                yield lambda operation: run_class(class_name(operation))
        else:
            run = {"curl": run_shell, "JavaScript": run_javascript, "Python": run_python}[self._language]
            yield lambda operation: run(self._source(operation), self._directory, self._environment)

    def documented_answer(self, operation: Operation) -> Any:
        response = next(iter(self._described(operation)["responses"].values()))
        content = referred(response, self._document)["content"]["application/json"]
        return content["example"] if "example" in content else next(iter(content["examples"].values()))["value"]

    def _source(self, operation: Operation) -> str:
        samples = {each["label"]: each["source"] for each in self._described(operation)["x-codeSamples"]}
        assert tuple(samples) == LANGUAGES
        return str(samples[self._language])

    def _described(self, operation: Operation) -> dict[str, Any]:
        described: dict[str, Any] = self._document["paths"][operation.path][operation.method.lower()]
        return described


def class_name(operation: Operation) -> str:
    name: str = operation.described["operationId"]
    return name[0].upper() + name[1:]


@pytest.fixture(scope="module", params=LANGUAGES)
def samples(
    request: pytest.FixtureRequest, stack: Stack, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> Samples:
    return Samples(request.param, stack.base_url, tenant, tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def run(samples: Samples) -> Iterator[Callable[[Operation], str]]:
    with samples.runner() as run:
        yield run


def comparable(value: Any, ids: Ids, name: str = "") -> Any:
    """Without what differs from one call or one key to the next: times, other ids, cursors, 201 or 200, the address."""
    if isinstance(value, dict):
        return {name: comparable(each, ids, name) for name, each in value.items()}
    if isinstance(value, list):
        return [comparable(each, ids, name) for each in value]
    if name == "status":
        return value // 100
    is_other_id = isinstance(value, str) and re.fullmatch(r"c[a-z0-9]{24}", value) and value not in astuple(ids)
    differs = name.endswith("At") or name == "nextCursor"
    return name if is_other_id or (value and differs) or name in {"name", "sourceIp"} else value


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.described["operationId"])
def test_a_sample_gets_the_documented_answer(
    samples: Samples, run: Callable[[Operation], str], operation: Operation, tenant: Tenant
) -> None:
    documented = ADA | {"tags": [{"tag_id": tenant.tag, "reason": "asked for the price list"}]}
    status, _ = tenant.api.call("POST", "/v1/contacts/batch", json_body={"contacts": [documented]})
    assert status == 200
    answer = json.loads(run(operation))
    if operation.function == "list_contacts":
        answer["data"] = [each for each in answer["data"] if each["id"] == samples.ids.contact]
    assert comparable(answer, samples.ids) == comparable(samples.documented_answer(operation), samples.ids)

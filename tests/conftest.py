"""For all tests: the environment variables of a function, its table in moto, two tenants."""

import math
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

import boto3
import hypothesis
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID, MockAWS
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table as MotoTable
from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider  # type: ignore[import-untyped]
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from contacts.access import secrets
from contacts.runtime import threads, timestamps
from contacts.runtime.observability import logger
from contacts.runtime.settings import table_name
from contacts.storage import contacts
from contacts.storage.items import TagItem, TagName
from contacts.storage.table import TableItem, connection
from local import ROOT
from tests import cheap_moto, secrecy
from tests.admin_processes import AdminProcesses, run_admin_processes
from tests.deployed import deployed_resources
from tests.events import ACME, GLOBEX, Tenant
from tests.handlers import PEPPER
from tests.policies import Policies, enforce

if TYPE_CHECKING:
    from logging import StreamHandler

pytest_plugins = ["tests.system"]

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]  # the developer's own account must not be used
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "STAGE": "local",
    "TABLE_NAME": "contacts-local",
    "KEY_PEPPER_SECRET": "contacts/local/key-pepper",
    "SIGNING_ROOT_SECRET": "contacts/local/signing-root",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
secrets._kept[os.environ["KEY_PEPPER_SECRET"]] = math.inf, {1: PEPPER}  # only tests of the secrets themselves read them


cheap_moto.cheapen()
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

OF_THE_RUNNING_SYSTEM = "gateway", "isolation", "openapi", "platform", "reference"
"""Folders whose tests share one stack, which takes longer to start than most of them."""


def needs_running_system(nodeid: str) -> bool:
    path, is_by_http = Path(nodeid.partition("::")[0]), re.search(r"[\[-]http[-\]]", nodeid)
    return (
        path.parent.name in OF_THE_RUNNING_SYSTEM
        or path.name == "test_local_stack.py"
        or (path.parent.name == "behaviour" and is_by_http is not None)
    )


LONGEST = "the running system", "the rehearsal", "the engine", "the performance"


def scope_of(nodeid: str) -> str:
    """One process runs all tests of a scope: of the running system, of a folder that shares what is slow to make, or of
    another file.
    """
    if needs_running_system(nodeid):
        return "the running system"
    file = nodeid.partition("::")[0]
    folder = Path(file).parent.name
    return f"the {folder}" if f"the {folder}" in LONGEST else file


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first."""
    order = {scope: number for number, scope in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(scope_of(item.nodeid), len(order)))


@cache
def template_resources(stage: str = "local") -> dict[str, Any]:
    """The resources of template.yaml by logical id, as SAM resolves them."""
    with warnings.catch_warnings(action="ignore"):  # SAM's own deprecations
        stacks, _ = SamLocalStackProvider.get_stacks(
            str(ROOT / "template.yaml"),
            parameter_overrides={"Stage": stage, "Architecture": "x86_64"},
            language_extensions_enabled=True,
        )
        resources: dict[str, Any] = stacks[0].resources
    return resources


@pytest.fixture
def resources() -> dict[str, Any]:
    return template_resources()


@pytest.fixture(scope="session")
def policies() -> Iterator[Policies]:
    """Those of the deployed template. In the end no function has asked for anything that they refuse."""
    policies = Policies(deployed_resources())
    yield policies
    assert policies.refused == set()


@pytest.fixture(scope="session", autouse=True)
def function_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The log of all functions that run in this process or in processes that it forks."""
    log = tmp_path_factory.mktemp("log") / "functions.log"
    os.environ["FUNCTION_LOG"] = str(log)
    secrecy.keep(log)
    yield log
    secrecy.texts.add(PEPPER)
    assert secrecy.find(log) == set()


@pytest.fixture(scope="session")
def admin_processes() -> Iterator[AdminProcesses]:
    with run_admin_processes() as processes:
        yield processes


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Returns the standard output of the functions: log lines, then metrics."""
    handler = cast("StreamHandler[Any]", logger.registered_handler)
    written = StringIO()
    former = handler.setStream(written)
    yield lambda: written.getvalue() + capsys.readouterr().out
    handler.setStream(former)


@cache
def _dynamodb() -> DynamoDBServiceResource:
    """Made once, because that takes longer than most tests."""
    return boto3.resource("dynamodb")


def forget() -> None:
    """Empties the caches of the functions, as in a new process."""
    contacts._known_phones.clear()
    contacts._recent_messages.clear()


def use_endpoint(patch: pytest.MonkeyPatch, url: str) -> None:
    """Makes the functions of this process send their DynamoDB requests to the URL."""
    patch.setattr(TableItem, "_connection", None)
    patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)


@contextmanager
def run_moto(policies: Policies) -> Iterator[MockAWS]:
    """AWS in this process. It takes one request at a time, because moto copies its tables while it writes."""
    with mock_aws() as moto, mock.patch.object(threads, "MOST_THREADS", 1):
        enforce(policies, connection().client)
        yield moto


def _moto_tables() -> dict[str, MotoTable]:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][os.environ["AWS_DEFAULT_REGION"]].tables


@cache
def _created_table() -> tuple[Table, MotoTable]:
    """The template's table, and what moto keeps of it. Made once, because that takes longer than most tests."""
    properties = template_resources()["Table"]["Properties"]
    on_creation = "TableName", "BillingMode", "AttributeDefinitions", "KeySchema"
    table = _dynamodb().create_table(**{name: properties[name] for name in on_creation})
    return table, _moto_tables()[table.name]


def create_table() -> Table:
    """The template's table in moto, for functions that remember nothing."""
    forget()
    table, created = _created_table()
    empty = copy(created)
    empty.items = defaultdict(dict)
    _moto_tables()[table.name] = empty
    return table


@pytest.fixture(scope="module")
def moto(policies: Policies) -> Iterator[MockAWS]:
    """Started once per file, because that takes longer than a reset."""
    with run_moto(policies) as moto:
        yield moto


@pytest.fixture
def table(moto: MockAWS) -> Table:
    """The template's table, empty, in moto, which holds nothing else."""
    moto.reset()
    return create_table()


_tags: dict[str, Any] = {}
"""By tenant, the items that moto holds of its tags."""


def create_tags(tenant: Tenant) -> None:
    """Written once per process and copied from then on, because writing them takes longer than most tests."""
    items = _moto_tables()[table_name()].items
    partition = DynamoType({"S": TagItem.key(tenant.id, "")[0]})
    if tenant.id not in _tags:
        _write_tags(tenant)
        _tags[tenant.id] = items[partition]
    items[partition] = deepcopy(_tags[tenant.id])


def _write_tags(tenant: Tenant) -> None:
    now = timestamps.now()
    with TagItem.batch_write() as batch:
        for tag_id in tenant.tag_ids:
            batch.save(TagItem(*TagItem.key(tenant.id, tag_id), name=tag_id, created_at=now))
            batch.save(TagName(*TagName.key(tenant.id, tag_id), tag_id=tag_id))
        batch.save(TagItem(*TagItem.key(tenant.id, tenant.deleted_tag_id), name="", created_at=now, deleted_at=now))


@pytest.fixture
def acme(table: Table) -> Tenant:
    """A tenant with one tag more than a contact can take."""
    create_tags(ACME)
    return ACME


@pytest.fixture
def globex(table: Table) -> Tenant:
    """Another tenant."""
    create_tags(GLOBEX)
    return GLOBEX

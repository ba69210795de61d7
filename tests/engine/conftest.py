"""DynamoDB Local behind a fault proxy. The functions of this process and the execution environments use the proxy."""

import json
from collections.abc import Iterator

import pytest

from admin.table_check import Finding, check_table
from contacts.domain.changes import Change
from contacts.runtime import timestamps
from contacts.storage.changes import ChangeLog
from contacts.storage.items import ContactPointer, TagItem, TagName
from contacts.storage.table import connection
from local.emulator.engine import create_table, run_engine
from tests.conftest import forget, use_endpoint
from tests.engine.environments import Pool, run_pool
from tests.engine.fault_proxy import FaultProxy
from tests.engine.flows import PHONE, Scene, contact_id
from tests.engine.table import PROPERTIES, Row, Table, rows_of
from tests.events import ACME, GLOBEX, Tenant
from tests.handlers import call
from tests.policies import Policies, give_credentials


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of DynamoDB Local with the template's table."""
    with run_engine(tmp_path_factory.mktemp("engine"), in_memory=True) as server:
        create_table(server.wait(), PROPERTIES)
        yield server.url


@pytest.fixture(scope="session")
def shared_proxy(engine: str, policies: Policies) -> FaultProxy:
    return FaultProxy(engine, policies)


@pytest.fixture(scope="session")
def endpoint(shared_proxy: FaultProxy) -> Iterator[str]:
    """The URL of the proxy."""
    with shared_proxy.serving() as url:
        yield url


@pytest.fixture(scope="module")
def proxy(shared_proxy: FaultProxy, endpoint: str) -> Iterator[FaultProxy]:
    """The proxy, which the functions of this process use now."""
    with pytest.MonkeyPatch.context() as patch:
        use_endpoint(patch, endpoint)
        give_credentials(connection().client)
        yield shared_proxy


@pytest.fixture(scope="session")
def whole_table(engine: str) -> Table:
    return Table(engine)


@pytest.fixture(scope="module")
def first_rows(proxy: FaultProxy, whole_table: Table) -> list[Row]:
    """The rows before each test: two tenants that have tags with the same names, a contact with the same phone, and a
    change log with one entry.

    The ids of the contacts are fixed. Ids, names and reasons contain the mark of the tenant, which check_isolation()
    looks for.
    """
    whole_table.replace([])
    fixed_ids: dict[str, str] = {}
    for tenant in ACME, GLOBEX:
        _create_tags(tenant)
        _, contact = call("upsert_contact", tenant, json_body={"phone": PHONE, "display_name": f"{tenant.mark} Ada"})
        body = {"tag_id": tenant.tag_ids[0], "reason": f"{tenant.mark} asked"}
        call("assign_tag", tenant, contactId=contact["id"], json_body=body)
        ChangeLog(tenant.id).append([Change(f"{contact_id(tenant)}-1-0", "contact.created", None, "API", 1)])
        random, fixed = (ContactPointer.key(tenant.id, each) for each in (contact["id"], contact_id(tenant)))
        fixed_ids |= dict(zip(random, fixed, strict=True))
    rows = json.dumps(whole_table.rows())
    for random_id, fixed_id in fixed_ids.items():
        rows = rows.replace(f'"{random_id}"', f'"{fixed_id}"')
    whole_table.replace(json.loads(rows))
    return whole_table.rows()


@pytest.fixture
def table(first_rows: list[Row], whole_table: Table) -> Iterator[Table]:
    """Has the first rows. Afterwards the table must be consistent, and the rows of GLOBEX must be as before."""
    forget()
    yield whole_table
    found = findings()
    rows = whole_table.replace(first_rows)
    assert rows_of(GLOBEX.id, rows) == rows_of(GLOBEX.id, first_rows)
    assert found == []


@pytest.fixture(scope="module")
def scene(proxy: FaultProxy, whole_table: Table, first_rows: list[Row]) -> Scene:
    return Scene(proxy, whole_table, first_rows)


@pytest.fixture(scope="module")
def pool(endpoint: str) -> Iterator[Pool]:
    """Eight execution environments."""
    with run_pool(endpoint, 8) as pool:
        yield pool


@pytest.fixture(scope="module")
def large_pool(endpoint: str) -> Iterator[Pool]:
    """An execution environment for each caller of the largest race, and one for the other tenant."""
    with run_pool(endpoint, 65 + 1) as pool:
        yield pool


def findings() -> list[Finding]:
    return list(check_table(lambda _: None))


def _create_tags(tenant: Tenant) -> None:
    now = timestamps.now()
    for number, tag_id in enumerate(tenant.tag_ids[:2]):
        TagItem(*TagItem.key(tenant.id, tag_id), name=f"Tag {number}", created_at=now).save()
        TagName(*TagName.key(tenant.id, f"tag {number}"), tag_id=tag_id).save()
    TagItem(*TagItem.key(tenant.id, tenant.deleted_tag_id), name="Gone", created_at=now, deleted_at=now).save()

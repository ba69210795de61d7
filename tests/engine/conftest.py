"""The real engine, a proxy before it that can do harm, and in this process all functions, which call the proxy."""

import json
from collections.abc import Iterator

import pytest

from admin.table_check import Finding, check_table
from contacts.runtime import timestamps
from contacts.storage.items import ContactPointer, TagItem, TagName
from contacts.storage.table import TableItem, connection
from local.emulator.engine import create_table, run_engine
from tests.conftest import forget
from tests.engine.fault_proxy import FaultProxy
from tests.engine.flows import PHONE, Scene
from tests.engine.processes import Pool, run_pool
from tests.engine.table import PROPERTIES, Row, Table
from tests.events import ACME, GLOBEX, Tenant
from tests.handlers import call
from tests.policies import Policies, give_credentials


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL. It has the template's table."""
    with run_engine(tmp_path_factory.mktemp("engine"), in_memory=True) as server:
        create_table(server.wait(), PROPERTIES)
        yield server.url


@pytest.fixture(scope="session")
def shared_proxy(engine: str, policies: Policies) -> FaultProxy:
    return FaultProxy(engine, policies)


@pytest.fixture(scope="session")
def endpoint(shared_proxy: FaultProxy) -> Iterator[str]:
    """The proxy's URL."""
    with shared_proxy.serving() as url:
        yield url


@pytest.fixture(scope="module")
def proxy(shared_proxy: FaultProxy, endpoint: str) -> Iterator[FaultProxy]:
    """The functions of this process reach the engine through it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TableItem, "_connection", None)
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        give_credentials(connection().client)
        yield shared_proxy


@pytest.fixture(scope="session")
def whole_table(engine: str) -> Table:
    return Table(engine)


@pytest.fixture(scope="module")
def first_rows(proxy: FaultProxy, whole_table: Table) -> list[Row]:
    """What each test finds: two tenants with the same tag names, and a contact of each with the same phone.

    Of GLOBEX's, the id, name and reason bear its mark as well: so they can be told wherever they show.
    """
    whole_table.replace([])
    for tenant in ACME, GLOBEX:
        _create_tags(tenant)
        _, contact = call("upsert_contact", tenant, json_body={"phone": PHONE, "display_name": f"{tenant.mark} Ada"})
        body = {"tag_id": tenant.tag_ids[0], "reason": f"{tenant.mark} asked"}
        call("assign_tag", tenant, contactId=contact["id"], json_body=body)
    marked_id = f"{GLOBEX.mark}contact".ljust(len(contact["id"]), "0")
    shard, _ = ContactPointer.key(GLOBEX.id, contact["id"])
    marked_shard, _ = ContactPointer.key(GLOBEX.id, marked_id)
    rows = json.dumps(whole_table.rows()).replace(contact["id"], marked_id).replace(shard, marked_shard)
    whole_table.replace(json.loads(rows))
    return whole_table.rows()


@pytest.fixture
def table(first_rows: list[Row], whole_table: Table) -> Iterator[Table]:
    """Whatever a test of ACME's does, the table is whole after it, and nothing of GLOBEX's has changed."""
    whole_table.replace(first_rows)
    forget()
    before = whole_table.rows_of(GLOBEX.id)
    yield whole_table
    assert whole_table.rows_of(GLOBEX.id) == before
    assert findings() == []


@pytest.fixture(scope="module")
def scene(proxy: FaultProxy, whole_table: Table, first_rows: list[Row]) -> Scene:
    return Scene(proxy, whole_table, first_rows)


@pytest.fixture(scope="module")
def pool(endpoint: str) -> Iterator[Pool]:
    """Processes that play functions, each one call at a time."""
    with run_pool(endpoint, 8) as pool:
        yield pool


@pytest.fixture(scope="module")
def crowd(endpoint: str) -> Iterator[Pool]:
    """As many as the largest race has callers, and one of the other tenant."""
    with run_pool(endpoint, 64 + 1) as crowd:
        yield crowd


def findings() -> list[Finding]:
    return list(check_table(lambda _: None))


def _create_tags(tenant: Tenant) -> None:
    now = timestamps.now()
    for number, tag_id in enumerate(tenant.tag_ids[:2]):
        TagItem(*TagItem.key(tenant.id, tag_id), name=f"Tag {number}", created_at=now).save()
        TagName(*TagName.key(tenant.id, f"tag {number}"), tag_id=tag_id).save()
    TagItem(*TagItem.key(tenant.id, tenant.deleted_tag_id), name="Gone", created_at=now, deleted_at=now).save()

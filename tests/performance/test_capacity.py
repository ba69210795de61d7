"""The requests that each endpoint sends to DynamoDB in each case, and the capacity that they consume."""

import json
import string
from itertools import count
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from admin.jobs import READ_PRICE, WRITE_PRICE
from benchmarks.capacity import Consumption, item_size
from benchmarks.flows import meter_flows
from contacts.access.keys import hash_key
from contacts.runtime import timestamps
from contacts.storage import contacts
from contacts.storage.contacts import ContactRepository
from contacts.storage.items import ApiKeyItem
from tests.events import Tenant
from tests.handlers import PEPPER

KEY = "sflo_live_" + 43 * "k"

BATCH = 12
"""The number of contacts in a batch and on a page here, one for each shard of the pointers."""


def flows_with(batch: int) -> dict[str, Consumption]:
    return {
        "authorizer, first time in five minutes": Consumption(["GetItem", "UpdateItem"], 1, 1),
        "authorizer": Consumption(["GetItem"], 1, 0),
        "authorizer, unknown key": Consumption(["GetItem"], 1, 0),
        "authorizer, malformed key": Consumption([], 0, 0),
        "upsert, new": Consumption(["UpdateItem", "TransactWriteItems"], 0, 5),
        "upsert, existing": Consumption(["UpdateItem"], 0, 1),
        "by phone": Consumption(["GetItem"], 1, 0),
        "by phone, missing": Consumption(["GetItem"], 1, 0),
        "by id, first time": Consumption(["GetItem", "GetItem"], 2, 0),
        "by id": Consumption(["GetItem"], 1, 0),
        "by id, missing": Consumption(["GetItem"], 1, 0),
        "by id, malformed": Consumption([], 0, 0),
        "patch": Consumption(["UpdateItem"], 0, 1),
        "patch, no fields": Consumption(["GetItem"], 1, 0),
        "assign tag": Consumption(["BatchGetItem", "UpdateItem"], 1, 1),
        "assign tag, again": Consumption(["BatchGetItem", "UpdateItem"], 1, 1),
        "remove tag": Consumption(["UpdateItem"], 0, 1),
        "remove tag, missing": Consumption(["UpdateItem"], 0, 1),
        "patch, Idempotency-Key": Consumption(["PutItem", "UpdateItem", "UpdateItem"], 0, 3),
        "patch, replayed": Consumption(["PutItem"], 0, 1),
        "delete": Consumption(["TransactWriteItems"], 0, 4),
        "delete, missing": Consumption(["GetItem"], 1, 0),
        "list tags": Consumption(["Query", "BatchGetItem"], 1 + 21, 0),
        "list tags, by name": Consumption(["GetItem"] * 2, 2, 0),
        "batch, new": Consumption(["UpdateItem", "TransactWriteItems"] * batch, 0, 5 * batch),
        "list contacts": Consumption(["Query"] * 12 + ["BatchGetItem"], 12 + batch, 0),
        "batch, existing": Consumption(["UpdateItem"] * batch, 0, batch),
        "batch, existing, 3 tags": Consumption(["BatchGetItem"] + ["UpdateItem"] * batch, 3, batch),
        "one of a batch, new, with an alias": Consumption(["UpdateItem", "UpdateItem", "TransactWriteItems"], 0, 6),
        "one of a batch, existing under its alias": Consumption(["UpdateItem"] * 2, 0, 2),
        "publish, 1 refresh": Consumption([], 0, 0),
        "publish, 1 change": Consumption(["Query", "PutItem", "UpdateItem"], 1, 2),
        "publish, 20 changes": Consumption(["Query", "PutItem", "UpdateItem"], 1, 3),
        "publish, 20 changes, again": Consumption(["Query", "PutItem", "UpdateItem"], 1, 4),
        "changes, 20 new ones": Consumption(["Query", "BatchGetItem", "BatchGetItem"], 1 + 20 + 20, 0),
        "changes, up to date": Consumption(["Query"], 1, 0),
        "inbound message, new": Consumption(["GetItem", "TransactWriteItems"], 0.5, 4),
        "inbound message, existing": Consumption(["GetItem", "UpdateItem"], 0.5, 1),
        "inbound message, within the cooldown": Consumption([], 0, 0),
        "tag command, assign": Consumption(["BatchGetItem", "UpdateItem"], 1, 1),
        "tag command, remove": Consumption(["GetItem", "UpdateItem"], 1, 1),
        "by phone, 20 tags": Consumption(["GetItem"], 1, 0),
        "upsert, 20 tags": Consumption(["UpdateItem"], 0, 4),
        "one of a batch, 20 tags, second attempt": Consumption(["BatchGetItem", "UpdateItem", "UpdateItem"], 3, 8),
        "assign tag, 20 tags": Consumption(["BatchGetItem", "UpdateItem"], 1, 4),
        "by phone, largest": Consumption(["GetItem"], 11, 0),
        "upsert, largest": Consumption(["UpdateItem"], 0, 44),
        "delete, largest": Consumption(["TransactWriteItems"], 0, 90),
    }


@pytest.fixture(autouse=True)
def ids_in_every_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many Queries a page takes depends on the ids."""
    shards = (string.digits + string.ascii_lowercase)[::3]
    ids = (f"c{shards[number % 12]}x{number:022}" for number in count())
    monkeypatch.setattr(contacts, "new_id", lambda: next(ids))


@pytest.fixture
def api_key(acme: Tenant) -> str:
    ApiKeyItem(
        *ApiKeyItem.key(hash_key(KEY, PEPPER)),
        tenant_id=acme.id,
        key_id=acme.key_id,
        name="Benchmark",
        prefix=KEY[:14],
        scopes=["contacts:read", "contacts:write"],
        status="ACTIVE",
        created_at=timestamps.now(),
    ).save()
    return KEY


def test_flows_cost_what_they_should(acme: Tenant, api_key: str) -> None:
    assert meter_flows(acme, api_key, batch_size=BATCH) == flows_with(BATCH)


def test_a_change_costs_at_most_0_4_write_units_at_20_changes_a_second() -> None:
    """In price: a read unit costs a fifth of a write unit."""
    flow = flows_with(BATCH)["publish, 20 changes, again"]  # each batch follows one of its size
    assert (flow.write_units + READ_PRICE / WRITE_PRICE * flow.read_units) / 20 <= 0.4


def test_a_large_table_with_many_tenants_costs_no_more(table: Table, acme: Tenant, api_key: str) -> None:
    contact, _ = ContactRepository("cother").upsert("4916000000", "Ada Lovelace")
    contact_and_pointer = [item for item in table.scan()["Items"] if "cother" in str(item["pk"])]
    assert len(contact_and_pointer) == 2
    with table.batch_writer() as batch:
        for number in range(200):
            for tenant_id in acme.id, f"cother{number}":
                for item in contact_and_pointer:
                    text = json.dumps(item).replace("cother", tenant_id).replace("4916", f"4917{number:04}")
                    batch.put_item(json.loads(text.replace(contact.id, f"c{number:024}")))
    page_of_one_shard = {"list contacts": Consumption(["Query", "BatchGetItem"], 2 + 100, 0)}
    assert meter_flows(acme, api_key, batch_size=BATCH) == flows_with(BATCH) | page_of_one_shard


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "Grüße"}, 7),
        ({"N": "7"}, 2),
        ({"N": "-1200"}, 2),
        ({"N": "1756427025"}, 6),
        ({"BOOL": False}, 1),
        ({"M": {}}, 3),
        ({"M": {"ab": {"S": "c"}}}, 7),
        ({"L": [{"S": "abc"}, {"NULL": True}]}, 9),
    ],
)
def test_the_size_of_an_item_counts_names_and_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == 4 + size


@pytest.mark.parametrize(
    ("operation", "request_", "sizes", "units"),
    [
        ("GetItem", {"ConsistentRead": True}, [4096], (1, 0)),
        ("GetItem", {"ConsistentRead": True}, [4097], (2, 0)),
        ("GetItem", {}, [0], (0.5, 0)),
        ("BatchGetItem", {"RequestItems": {"table": {"ConsistentRead": True}}}, [10, 4097], (3, 0)),
        ("UpdateItem", {}, [0], (0, 1)),
        ("PutItem", {}, [1025], (0, 2)),
        ("DeleteItem", {}, [1024], (0, 1)),
        ("TransactWriteItems", {}, [1024, 1025], (0, 6)),
        ("Query", {"ConsistentRead": True}, [2048, 2048], (1, 0)),
        ("Query", {"ConsistentRead": True}, [2048, 2049], (2, 0)),
        ("Query", {}, [], (0.5, 0)),
    ],
)
def test_units_depend_on_operation_and_size(
    operation: str, request_: dict[str, Any], sizes: list[int], units: tuple[float, int]
) -> None:
    consumption = Consumption()
    consumption.add(operation, request_, sizes)
    assert consumption == Consumption([operation], *units)

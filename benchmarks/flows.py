"""Each endpoint in each case that sends different requests to DynamoDB, with the capacity that they consume."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import boto3

from benchmarks.capacity import Consumption, metered
from contacts.access.authorizer import Unauthorized
from contacts.domain.contact import TAG_LIMIT
from contacts.runtime.settings import table_name
from contacts.storage.items import ContactItem
from contacts.storage.table import connection
from tests.events import Tenant, sample_event
from tests.handlers import call, deliver, invoke
from tests.streams import build_record, build_stream_event

SMALL = {"phone": "491519999999", "display_name": "Ada Lovelace"}
CHANGES_PER_SECOND = 20
UNKNOWN_KEY = "sflo_live_" + 43 * "u"
BRAZILIAN, ITS_ALIAS = "5511987654321", "551187654321"
LARGEST_NAME, LARGEST_REASON = 128 * "😀", 500 * "😀"


def meter_flows(
    tenant: Tenant, api_key: str, *, batch_size: int, settle: Callable[[], object] = lambda: None
) -> dict[str, Consumption]:
    """The tenant needs one tag more than a contact can hold, and an API key that was never used.

    `batch_size` is the number of contacts in the batches, and on the page of the list unless the tenant has others.
    `settle` waits until the consumer of the table's stream, if one runs, has nothing more to append.
    """
    observer = boto3.client("dynamodb")
    flows: dict[str, Consumption] = {}

    def meter(name: str, function: str, **request: Any) -> Any:  # noqa: ANN401 - JSON
        with metered(connection().client, observer) as flows[name]:
            return call(function, tenant, **request)[1]

    def assign_all(contact_id: str, reason: str | None) -> None:
        for tag_id in tenant.tag_ids[:TAG_LIMIT]:
            call("assign_tag", tenant, contactId=contact_id, json_body={"tag_id": tag_id, "reason": reason})

    for name, key in (
        ("authorizer, first time in five minutes", api_key),
        ("authorizer", api_key),
        ("authorizer, unknown key", UNKNOWN_KEY),
        ("authorizer, malformed key", "sflo_live_"),
    ):
        with metered(connection().client, observer) as flows[name], suppress(Unauthorized):
            invoke("authorizer", sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {key}"}})

    contact = meter("upsert, new", "upsert_contact", json_body=SMALL)
    by_id, rename = {"contactId": contact["id"]}, {"display_name": "Grace Hopper"}
    first, last = ({"tag_id": tenant.tag_ids[number]} for number in (0, TAG_LIMIT))
    meter("upsert, existing", "upsert_contact", json_body=SMALL)
    meter("by phone", "get_contact_by_phone", query={"phone": SMALL["phone"]})
    meter("by phone, missing", "get_contact_by_phone", query={"phone": "99999"})
    meter("by id, first time", "get_contact", **by_id)
    meter("by id", "get_contact", **by_id)
    meter("by id, missing", "get_contact", contactId="c7777777")
    meter("by id, malformed", "get_contact", contactId="vip")
    meter("patch", "update_contact", **by_id, json_body=rename)
    meter("patch, no fields", "update_contact", **by_id, json_body={})
    meter("assign tag", "assign_tag", **by_id, json_body=first)
    meter("assign tag, again", "assign_tag", **by_id, json_body=first)
    meter("remove tag", "remove_tag", **by_id, tagId=first["tag_id"])
    meter("remove tag, missing", "remove_tag", **by_id, tagId=first["tag_id"])
    once = {"json_body": rename, "headers": {"Idempotency-Key": "once"}}
    meter("patch, Idempotency-Key", "update_contact", **by_id, **once)
    meter("patch, replayed", "update_contact", **by_id, **once)
    meter("delete", "delete_contact", **by_id)
    meter("delete, missing", "delete_contact", contactId="c7777777")

    _meter_many(meter, tenant.tag_ids[:3], batch_size)
    flows |= _meter_changes(tenant, observer, settle)
    flows |= _meter_messages(tenant, observer)

    full = call("upsert_contact", tenant, json_body=SMALL)[1]
    assign_all(full["id"], None)
    meter("by phone, 20 tags", "get_contact_by_phone", query={"phone": SMALL["phone"]})
    meter("upsert, 20 tags", "upsert_contact", json_body=SMALL)
    call("remove_tag", tenant, contactId=full["id"], tagId=tenant.tag_ids[0])
    some_held = [{"tag_id": tag_id} for tag_id in tenant.tag_ids[:3]]
    again = {"contacts": [SMALL | {"tags": some_held}]}
    meter("one of a batch, 20 tags, second attempt", "upsert_contacts", json_body=again)
    meter("assign tag, 20 tags", "assign_tag", contactId=full["id"], json_body=last)

    largest_body = {"phone": 32 * "4", "display_name": LARGEST_NAME}
    largest = call("upsert_contact", tenant, json_body=largest_body)[1]
    assign_all(largest["id"], LARGEST_REASON)
    meter("by phone, largest", "get_contact_by_phone", query={"phone": largest["phone"]})
    meter("upsert, largest", "upsert_contact", json_body=largest_body)
    meter("delete, largest", "delete_contact", contactId=largest["id"])
    return flows


def _meter_changes(
    tenant: Tenant,
    observer: Any,  # noqa: ANN401 - boto3's client
    settle: Callable[[], object],
) -> dict[str, Consumption]:
    """One batch of the stream for each second, and who follows."""
    flows: dict[str, Consumption] = {}
    phones = [f"4917{number:08}" for number in range(CHANGES_PER_SECOND)]
    contacts = [SMALL | {"phone": phone, "tags": [{"tag_id": tenant.tag_ids[0]}]} for phone in phones]
    call("upsert_contacts", tenant, json_body={"contacts": contacts})
    keys = [dict(zip(("pk", "sk"), ContactItem.key(tenant.id, phone), strict=True)) for phone in phones]
    items = [
        observer.get_item(TableName=table_name(), Key={name: {"S": value} for name, value in key.items()})["Item"]
        for key in keys
    ]
    renamed = [build_record(item | {"display_name": {"S": ""}}, item, n) for n, item in enumerate(items)]
    refreshed = build_record(items[0] | {"last_seen_at": {"S": items[0]["created_at"]["S"]}}, items[0], 200)
    tagged = [build_record(item | {"tags": {"M": {}}}, item, 100 + n) for n, item in enumerate(items)]
    half = CHANGES_PER_SECOND // 2
    settle()
    # A batch also updates the entry before its own, which is large if a running consumer appended everything at once.
    invoke("publish_changes", build_stream_event(*renamed[:1]))
    head = int(call("list_changes", tenant)[1]["nextCursor"])
    for name, records in (
        ("publish, 1 refresh", [refreshed]),
        ("publish, 1 change", renamed[:1]),
        (f"publish, {CHANGES_PER_SECOND} changes", renamed[:half] + tagged[half:]),
        (f"publish, {CHANGES_PER_SECOND} changes, again", renamed[:half] + tagged[half:]),
    ):
        with metered(connection().client, observer) as flows[name]:
            invoke("publish_changes", build_stream_event(*records))
    for name, cursor in ((f"changes, {CHANGES_PER_SECOND} new ones", head + 2), ("changes, up to date", head + 3)):
        with metered(connection().client, observer) as flows[name]:
            call("list_changes", tenant, query={"cursor": str(cursor)})
    return flows


def _meter_messages(
    tenant: Tenant,
    observer: Any,  # noqa: ANN401 - boto3's client
) -> dict[str, Consumption]:
    """Messages of the two queues, each in a run of its own."""
    flows: dict[str, Consumption] = {}

    def meter(name: str, function: str, **message: str) -> None:
        with metered(connection().client, observer) as flows[name]:
            deliver(function, {"tenantId": tenant.id, **message})

    inbound = {"phone": "4918000000001", "displayName": "Ada Lovelace"}
    meter("inbound message, new", "record_inbound_message", receivedAt="2026-01-01T00:00:00Z", **inbound)
    meter("inbound message, existing", "record_inbound_message", receivedAt="2026-01-01T00:02:00Z", **inbound)
    meter(
        "inbound message, within the cooldown", "record_inbound_message", receivedAt="2026-01-01T00:02:01Z", **inbound
    )
    tag_id = tenant.tag_ids[0]
    contacts = [{"phone": "4918000000002"}, {"phone": "4918000000003", "tags": [{"tag_id": tag_id}]}]
    results = call("upsert_contacts", tenant, json_body={"contacts": contacts})[1]["results"]
    command = {"tagId": tag_id, "source": "MANUAL_ADMIN", "issuedAt": "2026-01-01T00:00:00Z"}
    for action, result in zip(("ASSIGN", "REMOVE"), results, strict=True):  # their pointers are not known yet
        name = f"tag command, {action.lower()}"
        meter(name, "apply_tag_command", action=action, contactId=result["contact"]["id"], **command)
    return flows


def _meter_many(meter: Callable[..., Any], tag_ids: Sequence[str], batch_size: int) -> None:
    """Calls that take or return many contacts or tags."""

    def batch(name: str, *contacts: dict[str, Any], **query: str) -> None:
        meter(name, "upsert_contacts", query=query, json_body={"contacts": contacts})

    catalog = meter("list tags", "list_tags")["data"]
    meter("list tags, by name", "list_tags", query={"name": catalog[0]["name"]})
    small = [SMALL | {"phone": f"4916{number:08}"} for number in range(batch_size)]
    tags = [{"tag_id": tag_id} for tag_id in tag_ids]
    batch("batch, new", *small)
    meter("list contacts", "list_contacts")
    batch("batch, existing", *small)
    batch("batch, existing, 3 tags", *(each | {"tags": tags} for each in small))
    batch("one of a batch, new, with an alias", SMALL | {"phone": BRAZILIAN}, match="alias")
    batch("one of a batch, existing under its alias", SMALL | {"phone": ITS_ALIAS}, match="alias")

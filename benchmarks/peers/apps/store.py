"""The contacts table, written by hand on boto3's client; all three peers use it."""

import os
import re
import secrets
import string
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

TABLE = os.environ["TABLE_NAME"]
TAG_LIMIT = 20
WEIGHT = 4  # of the source API

client = boto3.client("dynamodb")
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Problem(Exception):
    """An error answer in the shape of contract section 5."""

    def __init__(self, status: int, code: int, message: str, details: str, **data: str | int) -> None:
        super().__init__(details)
        self.status = status
        self.code = code
        self.message = message
        self.data = {"details": details, **data}

    def body(self, trace_id: str) -> dict[str, Any]:
        return {
            "error": {
                "message": self.message,
                "type": "GraphMethodException",
                "code": self.code,
                "error_data": self.data,
                "fbtrace_id": trace_id,
            }
        }


def invalid(field: str, details: str) -> Problem:
    return Problem(400, 100, "Invalid parameter", details, field=field)


def not_found(what: str) -> Problem:
    return Problem(404, 100, "Not found", f"There is no such {what}.")


def normalize_phone(raw: str) -> str:
    digits = ""
    for character in raw:
        category = unicodedata.category(character)
        if category == "Nd":
            digits += str(unicodedata.decimal(character))
        elif character not in "+()./+()./\u2212\t" and category not in {"Zs", "Pd", "Cf"}:
            raise invalid("phone", "phone must contain digits and the usual separators only.")
    if not 5 <= len(digits) <= 32:
        raise invalid("phone", "phone must have 5 to 32 digits.")
    return digits


def trim_name(name: str | None) -> str | None:
    return name.strip()[:128] or None if name is not None else None


def get_by_phone(tenant_id: str, phone: str) -> dict[str, Any]:
    return _with_tags(_read_contact(tenant_id, normalize_phone(phone)))


def get(tenant_id: str, contact_id: str) -> dict[str, Any]:
    item = _read_contact(tenant_id, _phone(tenant_id, contact_id))
    if item["id"] != contact_id:
        raise not_found("contact")
    return _with_tags(item)


def upsert(tenant_id: str, phone: str, display_name: str | None) -> tuple[dict[str, Any], bool]:
    """The contact, and whether it is new."""
    phone, name, now = normalize_phone(phone), trim_name(display_name), _now()
    while True:
        try:
            update = "SET last_seen_at = :now, updated_at = :now" + (", display_name = :name" if name else "")
            answer = client.update_item(
                TableName=TABLE,
                Key=_contact_key(tenant_id, phone),
                UpdateExpression=update,
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=_item({":now": now} | ({":name": name} if name else {})),
                ReturnValues="ALL_NEW",
            )
            return _contact(_plain(answer["Attributes"])), False
        except client.exceptions.ConditionalCheckFailedException:
            pass
        contact_id = "c" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(24))
        moments = dict.fromkeys(("first_seen_at", "last_seen_at", "created_at", "updated_at"), now)
        item = {
            **_plain(_contact_key(tenant_id, phone)),
            "id": contact_id,
            **moments,
            "tags": {},
            "tag_origins": {},
            **({"display_name": name} if name else {}),
        }
        pointer = {**_plain(_pointer_key(tenant_id, contact_id)), "phone": phone}
        absent = "attribute_not_exists(pk)"
        try:
            client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": TABLE, "Item": _item(each), "ConditionExpression": absent}}
                    for each in (item, pointer)
                ]
            )
        except client.exceptions.TransactionCanceledException:
            continue  # another call created the contact meanwhile
        return _contact(item), True


def rename(tenant_id: str, contact_id: str, display_name: str | None) -> dict[str, Any]:
    name = trim_name(display_name)
    update = "SET updated_at = :now" + (", display_name = :name" if name else " REMOVE display_name")
    answer = _update(
        _contact_key(tenant_id, _phone(tenant_id, contact_id)),
        update,
        "id = :id",
        {":now": _now(), ":id": contact_id} | ({":name": name} if name else {}),
    )
    return _contact(answer)


def delete(tenant_id: str, contact_id: str) -> None:
    key = _contact_key(tenant_id, _phone(tenant_id, contact_id))
    try:
        client.transact_write_items(
            TransactItems=[
                {
                    "Delete": {
                        "TableName": TABLE,
                        "Key": key,
                        "ConditionExpression": "id = :id",
                        "ExpressionAttributeValues": _item({":id": contact_id}),
                    }
                },
                {"Delete": {"TableName": TABLE, "Key": _pointer_key(tenant_id, contact_id)}},
            ]
        )
    except client.exceptions.TransactionCanceledException:
        raise not_found("contact") from None


def assign_tag(tenant_id: str, contact_id: str, tag_id: str, reason: str | None) -> tuple[dict[str, Any], bool, int]:
    """The assignment, whether it is new, and how many more tags the contact can take."""
    pointer_key, tag_key = _pointer_key(tenant_id, contact_id), _item({"pk": f"{tenant_id}#TAGS", "sk": tag_id})
    answer = client.batch_get_item(
        RequestItems={TABLE: {"Keys": [pointer_key, tag_key], "ConsistentRead": True}},
    )
    found = {item["sk"]: item for item in map(_plain, answer["Responses"][TABLE])}
    if contact_id not in found:
        raise not_found("contact")
    if tag_id not in found or "deleted_at" in found[tag_id]:
        raise not_found("tag")
    now, call = _now(), str(uuid.uuid4())
    tag = {"source": "API", "weight": WEIGHT, "updated_at": now} | ({} if reason is None else {"reason": reason})
    try:
        item = _update(
            _contact_key(tenant_id, found[contact_id]["phone"]),
            "SET tags.#tag = :tag, tag_origins.#tag = if_not_exists(tag_origins.#tag, :origin)",
            "id = :id AND (attribute_exists(tags.#tag) OR size(tags) < :limit)",
            {
                ":tag": tag,
                ":origin": {"created_at": now, "written_by": call},
                ":id": contact_id,
                ":limit": TAG_LIMIT,
            },
            {"#tag": tag_id},
            explain=True,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        if "Item" not in error.response or _plain(error.response["Item"])["id"] != contact_id:  # type: ignore[typeddict-item]
            raise not_found("contact") from None
        details = f"A contact can hold at most {TAG_LIMIT} tags."
        raise Problem(409, 131000, "Limit reached", details, limit=TAG_LIMIT) from None
    is_new = item["tag_origins"][tag_id]["written_by"] == call
    return _assignment(item, tag_id), is_new, TAG_LIMIT - len(item["tags"])


def remove_tag(tenant_id: str, contact_id: str, tag_id: str) -> None:
    """Succeeds also when contact or tag do not exist."""
    if not re.fullmatch(r"c[a-z0-9]{7,31}", tag_id):
        return
    try:
        _update(
            _contact_key(tenant_id, _phone(tenant_id, contact_id)),
            "REMOVE tags.#tag, tag_origins.#tag",
            "id = :id",
            {":id": contact_id},
            {"#tag": tag_id},
        )
    except Problem:
        return


_phones: dict[tuple[str, str], str] = {}


def _phone(tenant_id: str, contact_id: str) -> str:
    """Pointers never change, so a warm function caches them."""
    if (tenant_id, contact_id) not in _phones:
        if not re.fullmatch(r"c[a-z0-9]{7,31}", contact_id):
            raise not_found("contact")
        answer = client.get_item(TableName=TABLE, Key=_pointer_key(tenant_id, contact_id), ConsistentRead=True)
        if "Item" not in answer:
            raise not_found("contact")
        _phones[tenant_id, contact_id] = _plain(answer["Item"])["phone"]
    return _phones[tenant_id, contact_id]


def _read_contact(tenant_id: str, phone: str) -> dict[str, Any]:
    answer = client.get_item(TableName=TABLE, Key=_contact_key(tenant_id, phone), ConsistentRead=True)
    if "Item" not in answer:
        raise not_found("contact")
    return _plain(answer["Item"])


def _update(
    key: dict[str, Any],
    update: str,
    condition: str,
    values: dict[str, Any],
    names: dict[str, str] | None = None,
    *,
    explain: bool = False,
) -> dict[str, Any]:
    try:
        answer = client.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=_item(values),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD" if explain else "NONE",
            **({"ExpressionAttributeNames": names} if names else {}),
        )
    except client.exceptions.ConditionalCheckFailedException:
        if explain:
            raise
        raise not_found("contact") from None
    return _plain(answer["Attributes"])


def _contact(item: dict[str, Any]) -> dict[str, Any]:
    tenant_id, phone = item["pk"].split("#")
    return {
        "id": item["id"],
        "tenantId": tenant_id,
        "phone": phone,
        "displayName": item.get("display_name"),
        "firstSeenAt": item["first_seen_at"],
        "lastSeenAt": item["last_seen_at"],
        "createdAt": item["created_at"],
        "updatedAt": item["updated_at"],
    }


def _with_tags(item: dict[str, Any]) -> dict[str, Any]:
    assignments = [_assignment(item, tag_id) for tag_id in item["tags"]]
    return _contact(item) | {"tagAssignments": sorted(assignments, key=lambda each: (each["createdAt"], each["tagId"]))}


def _assignment(item: dict[str, Any], tag_id: str) -> dict[str, Any]:
    tag = item["tags"][tag_id]
    return {
        "contactId": item["id"],
        "tagId": tag_id,
        "source": tag["source"],
        "reason": tag.get("reason"),
        "createdAt": item["tag_origins"][tag_id]["created_at"],
        "updatedAt": tag["updated_at"],
    }


def _contact_key(tenant_id: str, phone: str) -> dict[str, Any]:
    return _item({"pk": f"{tenant_id}#{phone}", "sk": "CONTACT"})


def _pointer_key(tenant_id: str, contact_id: str) -> dict[str, Any]:
    shard = "0123456789abcdefghijklmnopqrstuvwxyz".index(contact_id[1]) // 3
    return _item({"pk": f"{tenant_id}#IDS#{shard}", "sk": contact_id})


def _item(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in values.items()}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

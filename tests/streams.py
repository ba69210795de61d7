"""Records of the table's stream, as Lambda hands them to publish_changes."""

from copy import deepcopy
from typing import Any

from tests.events import Event, Tenant, sample_event

type Item = dict[str, Any]
"""In DynamoDB's JSON."""

AT = 1_764_000_000
"""When all records were written, in Unix seconds."""
AT_AS_TEXT = "2025-11-24T16:00:00.000Z"


def build_contact(tenant: Tenant, phone: str, *tag_ids: str, name: str = "Ada") -> Item:
    """The item of a contact that holds these tags."""
    moment = {"S": "2026-01-01T00:00:00.000Z"}
    tag = {"source": {"S": "API"}, "weight": {"N": "4"}, "updated_at": moment}
    origin = {"created_at": moment, "written_by": {"S": "a call"}}
    return {
        "pk": {"S": f"{tenant.id}#{phone}"},
        "sk": {"S": "CONTACT"},
        "id": {"S": f"{tenant.mark}{phone}".ljust(25, "0")},
        "display_name": {"S": name},
        **dict.fromkeys(("first_seen_at", "last_seen_at", "created_at", "updated_at"), moment),
        "changed_by": {"S": "API"},
        "tags": {"M": {tag_id: {"M": tag.copy()} for tag_id in tag_ids}},
        "tag_origins": {"M": {tag_id: {"M": origin} for tag_id in tag_ids}},
    }


def build_record(before: Item | None, after: Item | None, number: int) -> dict[str, Any]:
    """The record of one write. `number` gives it its place in the shard."""
    record: dict[str, Any] = deepcopy(sample_event("publish_changes")["Records"][0])
    images = {name: image for name, image in (("OldImage", before), ("NewImage", after)) if image}
    [item, *_] = images.values()
    record["eventName"] = "MODIFY" if len(images) > 1 else "INSERT" if after else "REMOVE"
    record["dynamodb"] = {
        "ApproximateCreationDateTime": AT,
        "Keys": {name: item[name] for name in ("pk", "sk")},
        **images,
        "SequenceNumber": f"{number:021}",
        "SizeBytes": 1,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return record


def build_stream_event(*records: dict[str, Any]) -> Event:
    return {"Records": list(records)}

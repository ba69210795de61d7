"""The events of functions: requests as API Gateway sends them, messages as SQS sends them, for two tenants."""

import base64
import json
import uuid
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from local import ROOT
from tests.secrecy import note

REQUEST_ID = "7b1f4a5e-9c3d-4e2f-8a6b-0d1c2e3f4a5b"
"""The gateway's request id in every sample event."""

type Event = dict[str, Any]


@dataclass(frozen=True)
class Tenant:
    id: str
    key_id: str
    tag_ids: tuple[str, ...]
    deleted_tag_id: str

    @property
    def mark(self) -> str:
        """The beginning of all ids of the tenant."""
        return self.id.partition("tenant")[0]


def _create_tenant(mark: str, tags: int) -> Tenant:
    def make_id(name: str) -> str:
        return f"{mark}{name}".ljust(25, "0")

    tag_ids = tuple(make_id(f"tag{number:02}") for number in range(tags))
    return Tenant(make_id("tenant"), make_id("key"), tag_ids, make_id("taggone"))


ACME = _create_tenant("cacme", tags=21)
"""Has one tag more than a contact can take."""
GLOBEX = _create_tenant("cglobex", tags=1)


@cache
def sample_event(function: str) -> Event:
    event: Event = json.loads((ROOT / "events" / f"{function}.json").read_text())
    return event


def build_event(
    function: str,
    tenant: Tenant,
    *,
    query: Mapping[str, str | list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    json_body: object = None,
    body: str | bytes | None = None,
    key: Mapping[str, str] | None = None,
    source_ip: str | None = None,
    **path: str,
) -> Event:
    """The function's sample event with another request. A body of bytes is base64-encoded.

    A list in `query` is a parameter that is sent several times.
    `key` is the part of the authorizer's context that differs from the sample.
    """
    note([query, [*path.values()], json_body if body is None else body])
    event = deepcopy(sample_event(function))
    event["headers"] |= headers or {}
    event["multiValueHeaders"] |= {name: [value] for name, value in (headers or {}).items()}
    values = {name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()}
    event["queryStringParameters"] = {name: each[-1] for name, each in values.items()} or None
    event["multiValueQueryStringParameters"] = values or None
    event["pathParameters"] = path or None
    event["path"] = event["resource"].format(**{name: quote(value, safe="") for name, value in path.items()})
    event["isBase64Encoded"] = isinstance(body, bytes)
    if isinstance(body, bytes):
        event["body"] = base64.b64encode(body).decode()
    else:
        event["body"] = body if json_body is None else json.dumps(json_body)
    context = event["requestContext"]
    context["path"] = f"/{context['stage']}{event['path']}"
    context["authorizer"] |= {"principalId": tenant.key_id, "tenantId": tenant.id, "keyId": tenant.key_id}
    context["authorizer"] |= key or {}
    context["identity"]["sourceIp"] = source_ip or context["identity"]["sourceIp"]
    return event


def build_batch(function: str, *bodies: object, groups: tuple[str, ...] = ()) -> Event:
    """One message per body. A text is sent as it is, anything else as JSON.

    `groups` are the message groups of a FIFO queue, one per message; without them all are in the sample's group.
    """
    note(bodies)
    sample = sample_event(function)["Records"][0]
    records = [
        sample | {"messageId": str(uuid.uuid4()), "body": body if isinstance(body, str) else json.dumps(body)}
        for body in bodies
    ]
    for record, group in zip(records, groups, strict=bool(groups)):
        record["attributes"] = record["attributes"] | {"MessageGroupId": group}
    return {"Records": records}

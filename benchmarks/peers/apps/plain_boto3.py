"""The API as plain Lambda handlers on boto3, one for each function of a SAM template."""

import base64
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from . import store

logger = logging.getLogger()
logger.setLevel("INFO")

type Event = dict[str, Any]
type Answer = dict[str, Any]


def api(operation: Callable[[str, Event], Answer]) -> Callable[[Event, object], Answer]:
    @wraps(operation)
    def handler(event: Event, _context: object) -> Answer:
        request_id = event["requestContext"]["requestId"]
        tenant_id = event["requestContext"]["authorizer"]["tenantId"]
        try:
            answer = operation(tenant_id, event)
        except store.Problem as problem:
            answer = respond(problem.status, problem.body(request_id))
        except Exception:
            logger.exception("The request failed")
            internal = store.Problem(500, 131000, "Internal error", "The cause is in our log under fbtrace_id.")
            answer = respond(internal.status, internal.body(request_id))
        answer["headers"]["X-Request-Id"] = request_id
        line = {"request_id": request_id, "tenant_id": tenant_id, "status": answer["statusCode"]}
        logger.info(json.dumps(line))
        return answer

    return handler


def respond(status: int, body: dict[str, Any], **headers: str) -> Answer:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **headers},
        "body": json.dumps(body, ensure_ascii=False),
    }


def read_body(event: Event) -> dict[str, Any]:
    text = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise store.invalid("body", "body: Input should be a JSON object.")
    return body


def read_text(body: dict[str, Any], name: str, longest: int | None = None) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise store.invalid(name, f"{name}: Input should be a valid string.")
    if longest and value and len(value) > longest:
        raise store.invalid(name, f"{name}: String should have at most {longest} characters.")
    return value


@api
def get_contact_by_phone(tenant_id: str, event: Event) -> Answer:
    phone = (event["queryStringParameters"] or {}).get("phone")
    if phone is None:
        raise store.invalid("phone", "phone is required.")
    return respond(200, store.get_by_phone(tenant_id, phone))


@api
def get_contact(tenant_id: str, event: Event) -> Answer:
    return respond(200, store.get(tenant_id, event["pathParameters"]["contactId"]))


@api
def upsert_contact(tenant_id: str, event: Event) -> Answer:
    body = read_body(event)
    phone = read_text(body, "phone")
    if phone is None:
        raise store.invalid("phone", "phone: Field required.")
    contact, is_new = store.upsert(tenant_id, phone, read_text(body, "display_name"))
    return respond(201 if is_new else 200, contact)


@api
def update_contact(tenant_id: str, event: Event) -> Answer:
    contact_id = event["pathParameters"]["contactId"]
    body = read_body(event)
    if "phone" in body:
        raise store.invalid("phone", "The phone is the contact's identity.")
    name = read_text(body, "display_name")
    if "display_name" not in body:
        contact = store.get(tenant_id, contact_id)
        del contact["tagAssignments"]
        return respond(200, contact)
    return respond(200, store.rename(tenant_id, contact_id, name))


@api
def delete_contact(tenant_id: str, event: Event) -> Answer:
    store.delete(tenant_id, event["pathParameters"]["contactId"])
    return respond(200, {"ok": True})


@api
def assign_tag(tenant_id: str, event: Event) -> Answer:
    body = read_body(event)
    tag_id = read_text(body, "tag_id")
    if tag_id is None:
        raise store.invalid("tag_id", "tag_id: Field required.")
    assignment, is_new, remaining = store.assign_tag(
        tenant_id, event["pathParameters"]["contactId"], tag_id, read_text(body, "reason", 500)
    )
    return respond(201 if is_new else 200, assignment, **{"X-Tags-Remaining": str(remaining)})


@api
def remove_tag(tenant_id: str, event: Event) -> Answer:
    path = event["pathParameters"]
    store.remove_tag(tenant_id, path["contactId"], path["tagId"])
    return respond(200, {"ok": True})

"""The API as a Powertools APIGatewayRestResolver with pydantic validation, all routes in one function."""

import json
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, StringConstraints

from . import store

logger = Logger(service="contacts")
app = APIGatewayRestResolver(enable_validation=True)


class Body(BaseModel):
    model_config = ConfigDict(strict=True)


class ContactUpsert(Body):
    phone: str
    display_name: str | None = None


class ContactUpdate(Body):
    phone: Any = None
    display_name: str | None = None


class TagAssign(Body):
    tag_id: Annotated[str, StringConstraints(pattern=r"^c[a-z0-9]{7,31}$")]
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


class TagAssignment(BaseModel):
    contactId: str
    tagId: str
    source: str
    reason: str | None
    createdAt: str
    updatedAt: str


class Contact(BaseModel):
    id: str
    tenantId: str
    phone: str
    displayName: str | None
    firstSeenAt: str
    lastSeenAt: str
    createdAt: str
    updatedAt: str


class ContactWithTags(Contact):
    tagAssignments: list[TagAssignment]


class Ok(BaseModel):
    ok: bool = True


def tenant_id() -> str:
    authorizer: dict[str, str] = app.current_event.request_context.authorizer.raw_event
    return authorizer["tenantId"]


def respond(status: int, body: object) -> Response[Any]:
    return Response(status, content_type="application/json", body=body)


@app.exception_handler(store.Problem)
def refuse(problem: store.Problem) -> Response[Any]:
    return respond(problem.status, json.dumps(problem.body(app.current_event.request_context.request_id)))


@app.exception_handler(RequestValidationError)
def refuse_invalid(error: RequestValidationError) -> Response[Any]:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"][1:]]
    field = where[0] if where and first["type"] != "json_invalid" else "body"
    return refuse(store.invalid(field, f"{field}: {first['msg']}."))


@app.exception_handler(NotFoundError)
def refuse_route(_error: NotFoundError) -> Response[Any]:
    return refuse(store.not_found("route"))


@app.exception_handler(Exception)
def refuse_bug(_error: Exception) -> Response[Any]:
    logger.exception("The request failed")
    return refuse(store.Problem(500, 131000, "Internal error", "The cause is in our log under fbtrace_id."))


@app.get("/v1/contacts/by-phone")
def get_contact_by_phone(phone: Annotated[str, Query()]) -> ContactWithTags:
    return ContactWithTags(**store.get_by_phone(tenant_id(), phone))


@app.get("/v1/contacts/<contact_id>")
def get_contact(contact_id: Annotated[str, Path()]) -> ContactWithTags:
    return ContactWithTags(**store.get(tenant_id(), contact_id))


@app.post("/v1/contacts")
def upsert_contact(wanted: ContactUpsert) -> Response[Contact]:
    contact, is_new = store.upsert(tenant_id(), wanted.phone, wanted.display_name)
    return respond(HTTPStatus.CREATED if is_new else HTTPStatus.OK, Contact(**contact))


@app.patch("/v1/contacts/<contact_id>")
def update_contact(contact_id: Annotated[str, Path()], wanted: ContactUpdate) -> Contact:
    if "phone" in wanted.model_fields_set:
        raise store.invalid("phone", "The phone is the contact's identity.")
    if "display_name" not in wanted.model_fields_set:
        return Contact(**store.get(tenant_id(), contact_id))
    return Contact(**store.rename(tenant_id(), contact_id, wanted.display_name))


@app.delete("/v1/contacts/<contact_id>")
def delete_contact(contact_id: Annotated[str, Path()]) -> Ok:
    store.delete(tenant_id(), contact_id)
    return Ok()


@app.post("/v1/contacts/<contact_id>/tags")
def assign_tag(contact_id: Annotated[str, Path()], wanted: TagAssign) -> Response[TagAssignment]:
    assignment, is_new, remaining = store.assign_tag(tenant_id(), contact_id, wanted.tag_id, wanted.reason)
    response = respond(HTTPStatus.CREATED if is_new else HTTPStatus.OK, TagAssignment(**assignment))
    response.headers["X-Tags-Remaining"] = str(remaining)
    return response


@app.delete("/v1/contacts/<contact_id>/tags/<tag_id>")
def remove_tag(contact_id: Annotated[str, Path()], tag_id: Annotated[str, Path()]) -> Ok:
    store.remove_tag(tenant_id(), contact_id, tag_id)
    return Ok()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    request_id = event["requestContext"]["requestId"]
    answer = app.resolve(event, context)
    answer["multiValueHeaders"]["X-Request-Id"] = [request_id]
    logger.info("answered", extra={"request_id": request_id, "status": answer["statusCode"]})
    return answer

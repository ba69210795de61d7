"""The API as a FastAPI application behind Mangum, all routes in one function."""

import logging
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mangum import Mangum
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.middleware.base import RequestResponseEndpoint

from . import store

logger = logging.getLogger()
logger.setLevel("INFO")

app = FastAPI(title="Contacts", openapi_url=None)


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


def request_context(request: Request) -> dict[str, Any]:
    context: dict[str, Any] = request.scope["aws.event"]["requestContext"]
    return context


def tenant(request: Request) -> str:
    return str(request_context(request)["authorizer"]["tenantId"])


TenantId = Annotated[str, Depends(tenant)]


@app.exception_handler(store.Problem)
async def refuse(request: Request, problem: store.Problem) -> JSONResponse:
    return JSONResponse(problem.body(request_context(request)["requestId"]), problem.status)


@app.exception_handler(RequestValidationError)
async def refuse_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"][1:]]
    field = where[0] if where and first["type"] != "json_invalid" else "body"
    return await refuse(request, store.invalid(field, f"{field}: {first['msg']}."))


@app.exception_handler(Exception)
async def refuse_bug(request: Request, error: Exception) -> JSONResponse:
    logger.error("The request failed", exc_info=error)
    bug = store.Problem(500, 131000, "Internal error", "The cause is in our log under fbtrace_id.")
    return await refuse(request, bug)


@app.middleware("http")
async def log(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    request_id = request_context(request)["requestId"]
    response.headers["X-Request-Id"] = request_id
    logger.info("%s %s %s", request_id, tenant(request), response.status_code)
    return response


# boto3 may block: a process handles one request at a time. `def` routes would run in a thread pool, which is slower.


@app.get("/v1/contacts/by-phone")
async def get_contact_by_phone(tenant_id: TenantId, phone: str) -> ContactWithTags:
    return ContactWithTags(**store.get_by_phone(tenant_id, phone))


@app.get("/v1/contacts/{contact_id}")
async def get_contact(tenant_id: TenantId, contact_id: str) -> ContactWithTags:
    return ContactWithTags(**store.get(tenant_id, contact_id))


@app.post("/v1/contacts")
async def upsert_contact(tenant_id: TenantId, wanted: ContactUpsert, response: Response) -> Contact:
    contact, is_new = store.upsert(tenant_id, wanted.phone, wanted.display_name)
    response.status_code = 201 if is_new else 200
    return Contact(**contact)


@app.patch("/v1/contacts/{contact_id}")
async def update_contact(tenant_id: TenantId, contact_id: str, wanted: ContactUpdate) -> Contact:
    if "phone" in wanted.model_fields_set:
        raise store.invalid("phone", "The phone is the contact's identity.")
    if "display_name" not in wanted.model_fields_set:
        return Contact(**store.get(tenant_id, contact_id))
    return Contact(**store.rename(tenant_id, contact_id, wanted.display_name))


@app.delete("/v1/contacts/{contact_id}")
async def delete_contact(tenant_id: TenantId, contact_id: str) -> Ok:
    store.delete(tenant_id, contact_id)
    return Ok()


@app.post("/v1/contacts/{contact_id}/tags")
async def assign_tag(tenant_id: TenantId, contact_id: str, wanted: TagAssign, response: Response) -> TagAssignment:
    assignment, is_new, remaining = store.assign_tag(tenant_id, contact_id, wanted.tag_id, wanted.reason)
    response.status_code = 201 if is_new else 200
    response.headers["X-Tags-Remaining"] = str(remaining)
    return TagAssignment(**assignment)


@app.delete("/v1/contacts/{contact_id}/tags/{tag_id}")
async def remove_tag(tenant_id: TenantId, contact_id: str, tag_id: str) -> Ok:
    store.remove_tag(tenant_id, contact_id, tag_id)
    return Ok()


handler = Mangum(app, lifespan="off")

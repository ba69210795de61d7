"""The log lines of a request, which have no personal data."""

import json
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest

from contacts.access.authorizer import Unauthorized
from tests.events import ACME, REQUEST_ID, Tenant, build_event, sample_event
from tests.faults import refuse
from tests.functions.conftest import Wire
from tests.handlers import call, invoke

PHONE, NAME, REASON = "+49 (151) 234-5678", "Ada Lovelace", "Asked for an invoice"
ASSIGNMENT = {"tag_id": ACME.tag_ids[0], "reason": REASON}
SECRETS = [PHONE, "491512345678", "2345678", NAME, "Lovelace", REASON, "invoice", "sflo_live_"]

CALLS = pytest.mark.parametrize(
    ("function", "request_", "operation"),
    [
        ("get_contact_by_phone", {"query": {"phone": PHONE}}, "GetItem"),
        ("get_contact", {"contactId": "the contact"}, "GetItem"),
        ("upsert_contact", {"json_body": {"phone": PHONE, "display_name": NAME}}, "UpdateItem"),
        ("update_contact", {"contactId": "the contact", "json_body": {"display_name": NAME}}, "UpdateItem"),
        ("delete_contact", {"contactId": "the contact"}, "TransactWriteItems"),
        (
            "assign_tag",
            {"contactId": "the contact", "json_body": {"tag_id": ACME.tag_ids[0], "reason": REASON}},
            "UpdateItem",
        ),
        ("remove_tag", {"contactId": "the contact", "tagId": ACME.tag_ids[0]}, "UpdateItem"),
    ],
)


@pytest.fixture
def ada(acme: Tenant) -> dict[str, Any]:
    _, contact = call("upsert_contact", acme, json_body={"phone": PHONE, "display_name": NAME})
    call("assign_tag", acme, contactId=contact["id"], json_body=ASSIGNMENT)
    return dict(contact)


def lines(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


def with_id(request: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any]:
    return request | ({"contactId": contact["id"]} if "contactId" in request else {})


@CALLS
def test_a_request_is_logged_with_its_tenant_key_route_and_status(
    acme: Tenant, ada: dict[str, Any], log: Callable[[], str], function: str, request_: dict[str, Any], operation: str
) -> None:
    request_ = with_id(request_, ada)
    event = build_event(function, acme, headers={"X-Request-Id": "crm-42"}, **request_)
    answer = invoke(function, event)
    line, metric = lines(log())[-2:]
    assert line["message"] == {200: "OK", 201: "CREATED"}[answer["statusCode"]]
    assert line["level"] == "INFO"
    assert line["service"] == "contacts"
    assert line["duration_ms"] > 0
    assert {name: line.get(name) for name in ("request_id", "tenant_id", "key_id", "route", "status")} == {
        "request_id": "crm-42",
        "tenant_id": acme.id,
        "key_id": acme.key_id,
        "route": f"{event['httpMethod']} {event['resource']}",
        "status": answer["statusCode"],
    }
    assert {name: value for name, value in line.items() if name in {"contactId", "tagId"}} == (
        event["pathParameters"] or {}
    )
    assert metric[line["message"]] == [1.0]


@CALLS
def test_a_successful_request_logs_no_personal_data(
    acme: Tenant, ada: dict[str, Any], log: Callable[[], str], function: str, request_: dict[str, Any], operation: str
) -> None:
    assert call(function, acme, **with_id(request_, ada))[0] < 300
    written = log()
    assert REQUEST_ID in written
    assert [secret for secret in SECRETS if secret in written] == []


@CALLS
@pytest.mark.parametrize("code", ["ValidationException", "ThrottlingException"])
def test_a_failed_request_logs_no_personal_data(
    acme: Tenant,
    ada: dict[str, Any],
    wire: Wire,
    log: Callable[[], str],
    function: str,
    request_: dict[str, Any],
    operation: str,
    code: str,
) -> None:
    wire.fail(operation, repeat(refuse(code)))
    assert call(function, acme, **with_id(request_, ada))[0] >= 500
    written = log()
    assert "Traceback" in written
    assert [secret for secret in SECRETS if secret in written] == []
    error = next(each for each in lines(written) if each.get("level") == "ERROR")
    assert (error["request_id"], error["tenant_id"], error["key_id"]) == (REQUEST_ID, acme.id, acme.key_id)


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("upsert_contact", {"body": '{"phone": "+49 (151) 234-5678x", "display_name": "Ada Lovelace"}'}),
        ("upsert_contact", {"body": '{"phone": "+49 (151) 234-5678", "display_name": "Ada Lovelace'}),
        ("upsert_contact", {"json_body": {"phone": PHONE, "display_name": NAME + "\0"}}),
        ("get_contact_by_phone", {"query": {"phone": PHONE + "x"}}),
        ("get_contact", {"contactId": PHONE}),
        ("update_contact", {"contactId": NAME, "json_body": {"phone": PHONE}}),
        ("assign_tag", {"contactId": PHONE, "json_body": {"tag_id": PHONE}}),
        ("remove_tag", {"contactId": PHONE, "tagId": NAME}),
    ],
)
def test_a_refused_request_logs_no_personal_data(
    log: Callable[[], str], acme: Tenant, function: str, request_: dict[str, Any]
) -> None:
    call(function, acme, **request_)
    assert [secret for secret in SECRETS if secret in log()] == []


def test_a_refusal_is_logged_with_the_name_of_its_error(acme: Tenant, log: Callable[[], str]) -> None:
    call("get_contact", acme, contactId="c1234567")
    line, metric = lines(log())
    assert (line["level"], line["message"], line["status"]) == ("INFO", "ContactNotFound", 404)
    assert metric["ContactNotFound"] == [1.0]


def test_a_bug_is_logged_as_an_error_with_its_trace(acme: Tenant, wire: Wire, log: Callable[[], str]) -> None:
    wire.fail("GetItem", [refuse("ValidationException")])
    call("get_contact", acme, contactId="c1234567")
    trace, last, metric = lines(log())
    assert (trace["level"], trace["message"], trace["exception_name"]) == ("ERROR", "The request met a bug", "GetError")
    assert (last["level"], last["message"], last["status"]) == ("INFO", "Bug", 500)
    assert metric["Bug"] == [1.0]


def test_a_warm_function_does_not_log_the_ids_of_an_earlier_request(
    acme: Tenant, ada: dict[str, Any], log: Callable[[], str]
) -> None:
    call("get_contact", acme, contactId=ada["id"])
    call("get_contact", acme, contactId="+49 151 2345678")
    before, after = (line for line in lines(log()) if line.get("route") == "GET /v1/contacts/{contactId}")
    assert (before["contactId"], after.get("contactId")) == (ada["id"], None)


def test_the_logs_of_gateway_authorizer_and_endpoint_share_an_id_whatever_the_caller_sends(
    acme: Tenant, resources: dict[str, Any], log: Callable[[], str]
) -> None:
    access_log = resources["Api"]["Properties"]["AccessLogSetting"]["Format"]
    access = json.loads(access_log.replace("$context.requestId", REQUEST_ID))
    invoke("get_contact", build_event("get_contact", acme, contactId="c1234567", headers={"X-Request-Id": "crm-42"}))
    with pytest.raises(Unauthorized):
        invoke("authorizer", sample_event("authorizer"))
    endpoint, authorizer = (line for line in lines(log()) if "message" in line)
    assert (endpoint["route"], endpoint["request_id"]) == ("GET /v1/contacts/{contactId}", "crm-42")
    assert authorizer["message"] == "API key refused"
    assert [line["gateway_request_id"] for line in (access, endpoint, authorizer)] == [REQUEST_ID] * 3


def test_a_request_id_with_an_api_key_is_not_logged(acme: Tenant, log: Callable[[], str]) -> None:
    invoke("whoami", build_event("whoami", acme, headers={"X-Request-Id": "retry-sflo_live_4fQx"}))
    line, _metric = lines(log())
    assert line["request_id"] == REQUEST_ID

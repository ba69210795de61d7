"""X-Request-Id, and the other headers of an answer."""

import json

import pytest

from contacts.runtime.identifiers import new_id
from tests.events import REQUEST_ID, Tenant, build_event
from tests.handlers import invoke


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"X-Request-Id": "crm-sync/42"}, "crm-sync/42"),
        ({"x-request-id": "crm-sync/42"}, "crm-sync/42"),
        ({"X-REQUEST-ID": "~" * 128}, "~" * 128),
        ({"X-Request-Id": "~" * 129}, REQUEST_ID),
        ({"X-Request-Id": "with space"}, REQUEST_ID),
        ({"X-Request-Id": "a\r\nX-Evil: b"}, REQUEST_ID),
        ({"X-Request-Id": "ü"}, REQUEST_ID),
        ({"X-Request-Id": ""}, REQUEST_ID),
        ({}, REQUEST_ID),
    ],
)
def test_a_request_id_comes_back_in_the_header_and_in_a_refusal(
    acme: Tenant, headers: dict[str, str], request_id: str
) -> None:
    created = invoke(
        "upsert_contact", build_event("upsert_contact", acme, headers=headers, json_body={"phone": "12345"})
    )
    refused = invoke("get_contact", build_event("get_contact", acme, headers=headers, contactId=new_id()))
    assert (created["statusCode"], created["headers"]) == (
        201,
        {"Content-Type": "application/json", "X-Request-Id": request_id},
    )
    assert (refused["statusCode"], refused["headers"]) == (
        404,
        {"Content-Type": "application/json", "X-Request-Id": request_id},
    )
    assert json.loads(refused["body"])["error"]["fbtrace_id"] == request_id


def test_the_keys_of_a_refusal_stand_in_the_order_of_the_contract(acme: Tenant) -> None:
    refused = invoke("get_contact", build_event("get_contact", acme, contactId=new_id()))
    assert refused["body"] == (
        '{"error":{"message":"Not found","type":"GraphMethodException","code":100,'
        f'"error_data":{{"details":"There is no such contact."}},"fbtrace_id":"{REQUEST_ID}"}}}}'
    )

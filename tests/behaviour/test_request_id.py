"""X-Request-Id, and the other headers of an answer."""

import re

import pytest

from contacts.runtime.identifiers import new_id
from tests.system import Caller

OF_HTTP = {"server", "date", "content-length", "x-amzn-requestid"}
"""Headers that are not the function's."""


@pytest.mark.parametrize("name", ["X-Request-Id", "x-request-id", "X-REQUEST-ID"])
@pytest.mark.parametrize("request_id", ["crm-sync/42", "!", "~" * 128, '<"&\\>'])
def test_a_request_id_is_returned_in_the_header_and_in_a_refusal(
    api: Caller, phone: str, name: str, request_id: str
) -> None:
    headers = {"X-Request-Id": None, name: request_id}
    created = api.send("POST", "/v1/contacts", json_body={"phone": phone}, headers=headers)
    refused = api.send("GET", f"/v1/contacts/{new_id()}", headers=headers)
    assert (created.status_code, created.headers["X-Request-Id"]) == (201, request_id)
    assert (refused.status_code, refused.headers["X-Request-Id"]) == (404, request_id)
    assert refused.json()["error"]["fbtrace_id"] == request_id


@pytest.mark.parametrize(
    "unusable", [None, "", "~" * 129, "id-sflo_live_4fQx", "with space", "tab\tin it", "ü".encode(), b"\xff"]
)
def test_the_gateways_request_id_replaces_an_unusable_one(
    api: Caller, phone: str, unusable: str | bytes | None
) -> None:
    headers = {"X-Request-Id": unusable}
    created = api.send("POST", "/v1/contacts", json_body={"phone": phone}, headers=headers)
    refused = api.send("GET", f"/v1/contacts/{new_id()}", headers=headers)
    request_id = refused.headers["x-amzn-RequestId"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
    assert refused.headers["X-Request-Id"] == refused.json()["error"]["fbtrace_id"] == request_id
    assert created.headers["X-Request-Id"] == created.headers["x-amzn-RequestId"] != request_id


def test_requests_without_an_id_get_different_ones(api: Caller) -> None:
    answers = [api.send("GET", f"/v1/contacts/{new_id()}", headers={"X-Request-Id": None}) for _ in range(5)]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5


def test_an_answer_has_no_other_headers(api: Caller, phone: str) -> None:
    created = api.send("POST", "/v1/contacts", json_body={"phone": phone})
    refused = api.send("POST", "/v1/contacts")
    assert created.headers["Content-Type"] == refused.headers["Content-Type"] == "application/json"
    assert created.headers.keys() - OF_HTTP == {"content-type", "x-request-id"}
    assert refused.headers.keys() - OF_HTTP == {"content-type", "x-request-id"}


def test_the_keys_of_a_refusal_have_the_order_of_the_contract(api: Caller) -> None:
    refused = api.send("GET", f"/v1/contacts/{new_id()}", headers={"X-Request-Id": "crm-sync/42"})
    assert refused.text == (
        '{"error":{"message":"Not found","type":"GraphMethodException","code":100,'
        '"error_data":{"details":"There is no such contact."},"fbtrace_id":"crm-sync/42"}}'
    )

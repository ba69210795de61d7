"""Requests that two readers could understand in two ways, and headers that carry what they must not."""

import json

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from tests.document import OPERATIONS, document
from tests.events import ACME, REQUEST_ID, Tenant, build_event, sample_event
from tests.handlers import call, invoke
from tests.refusals import invalid

PHONE, OTHER_PHONE = "491512345678", "491512345679"
QUERY_PARAMETERS = [
    (operation.function, parameter.name)
    for operation in OPERATIONS
    for parameter in document()[operation.path][operation.method].query
]


@pytest.mark.parametrize(("function", "name"), QUERY_PARAMETERS)
def test_no_parameter_of_any_endpoint_can_be_given_twice(table: Table, function: str, name: str) -> None:
    values = {"phone": PHONE, "match": "exact", "name": "VIP", "cursor": "c1234567", "limit": "5"}
    sample = sample_event(function)
    query = {name: values[name]} | (sample["queryStringParameters"] or {})
    body = sample["body"]
    assert call(function, ACME, query=query, body=body)[0] != 400
    answer = call(function, ACME, query=query | {name: [query[name]] * 2}, body=body)
    assert answer == invalid(name, f"{name} must be given once only.")


@pytest.mark.parametrize("phones", [[PHONE, OTHER_PHONE], [OTHER_PHONE, PHONE], ["", PHONE], [PHONE, ""]])
def test_a_phone_given_twice_finds_no_contact(acme: Tenant, phones: list[str]) -> None:
    assert call("upsert_contact", acme, json_body={"phone": PHONE})[0] == 201
    answer = call("get_contact_by_phone", acme, query={"phone": phones})
    assert answer == invalid("phone", "phone must be given once only.")


def test_an_unknown_parameter_given_twice_is_ignored(acme: Tenant) -> None:
    status, contact = call("upsert_contact", acme, json_body={"phone": PHONE}, query={"phone": [PHONE, OTHER_PHONE]})
    assert (status, contact["phone"]) == (201, PHONE)
    assert call("get_contact_by_phone", acme, query={"phone": PHONE, "x": ["1", "2"]})[0] == 200


def test_an_api_key_in_the_request_id_is_not_repeated(acme: Tenant) -> None:
    headers = {"X-Request-Id": "retry-sflo_live_" + "k" * 43}
    answer = invoke("get_contact_by_phone", build_event("get_contact_by_phone", acme, headers=headers))
    assert answer["headers"]["X-Request-Id"] == REQUEST_ID
    assert json.loads(answer["body"])["error"]["fbtrace_id"] == REQUEST_ID

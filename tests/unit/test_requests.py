"""Requests read from events. tests/behaviour has the bodies."""

import pytest

from contacts.domain.errors import InvalidParameter
from contacts.web.request import Request
from tests.events import sample_event

GATEWAY_ID = "7b1f4a5e-9c3d-4e2f-8a6b-0d1c2e3f4a5b"
INVOCATION_ID = "0d1c2e3f-8a6b-4e2f-9c3d-7b1f4a5e4a5b"
CONTEXT = {"requestContext": {"requestId": GATEWAY_ID}}


@pytest.mark.parametrize("name", ["X-Request-Id", "x-request-id", "X-REQUEST-ID", "x-Request-iD"])
def test_headers_are_found_in_any_case(name: str) -> None:
    assert Request(CONTEXT | {"headers": {name: "from-caller"}}, INVOCATION_ID).id == "from-caller"


@pytest.mark.parametrize("wanted", ["a", "!~", "x" * 128, "0/+,;=@[]{}'\"<script>"])
def test_a_request_id_of_1_to_128_visible_ascii_characters_is_used(wanted: str) -> None:
    assert Request(CONTEXT | {"headers": {"X-Request-Id": wanted}}, INVOCATION_ID).id == wanted


@pytest.mark.parametrize("wanted", ["", "x" * 129, "a b", " a", "a\n", "a\r\nSet-Cookie: b", "\x7f", "ä", "١", "😀"])
def test_any_other_request_id_is_ignored(wanted: str) -> None:
    assert Request(CONTEXT | {"headers": {"X-Request-Id": wanted}}, INVOCATION_ID).id == GATEWAY_ID


@pytest.mark.parametrize("event", [CONTEXT, CONTEXT | {"headers": None}, CONTEXT | {"headers": {"Accept": "*/*"}}])
def test_the_gateways_id_replaces_a_missing_request_id(event: dict[str, object]) -> None:
    assert Request(event, INVOCATION_ID).id == GATEWAY_ID


def test_the_tenant_comes_from_the_authorizer_alone() -> None:
    event = sample_event("upsert_contact") | {
        "headers": {"tenantId": "evil", "X-Tenant-Id": "evil"},
        "pathParameters": {"tenantId": "evil", "tenant_id": "evil"},
        "queryStringParameters": {"tenantId": "evil", "tenant_id": "evil"},
        "multiValueQueryStringParameters": {"tenantId": ["evil"], "tenant_id": ["evil"]},
        "body": '{"tenantId": "evil", "tenant_id": "evil"}',
    }
    event["requestContext"] = event["requestContext"] | {"tenantId": "evil"}
    assert Request(event, INVOCATION_ID).tenant_id == "cm3tenant0acme0sample0001"


def test_a_log_line_has_only_those_path_parameters_that_look_like_ids() -> None:
    event = {
        "httpMethod": "DELETE",
        "resource": "/v1/contacts/{contactId}/tags/{tagId}",
        "pathParameters": {"contactId": "+49 151 2345678", "tagId": "cm3tag0vip"},
        "requestContext": {"requestId": GATEWAY_ID, "authorizer": {"tenantId": "acme", "keyId": "key"}},
    }
    assert Request(event, INVOCATION_ID).log_keys == {
        "request_id": GATEWAY_ID,
        "gateway_request_id": GATEWAY_ID,
        "route": "DELETE /v1/contacts/{contactId}/tags/{tagId}",
        "tenant_id": "acme",
        "key_id": "key",
        "tagId": "cm3tag0vip",
    }


def test_an_empty_event_can_be_logged() -> None:
    assert Request({}, INVOCATION_ID).log_keys == {
        "request_id": INVOCATION_ID,
        "gateway_request_id": None,
        "route": "None None",
        "tenant_id": None,
        "key_id": None,
    }


def query_of(**parameters: list[str]) -> Request:
    return Request({"multiValueQueryStringParameters": parameters}, INVOCATION_ID)


@pytest.mark.parametrize("query", [None, {}, {"Phone": ["12345"]}])
def test_a_missing_query_parameter_is_named(query: dict[str, list[str]] | None) -> None:
    request = Request({"multiValueQueryStringParameters": query}, INVOCATION_ID)
    with pytest.raises(InvalidParameter) as refusal:
        request.query("phone", str)
    assert refusal.value.error_data == {"details": "phone is required.", "field": "phone"}


def test_an_empty_query_parameter_is_not_missing() -> None:
    assert query_of(phone=[""]).query("phone", str) == ""
    assert query_of(limit=[""]).optional_query("limit", str, "100") == ""


def test_a_missing_optional_query_parameter_has_its_default() -> None:
    assert query_of(Limit=["5"]).optional_query("limit", int, 100) == 100
    assert query_of(limit=["5"]).optional_query("limit", int, 100) == 5


@pytest.mark.parametrize("values", [["1", "2"], ["1", "1"], ["", "1"], ["1", "", ""]])
def test_a_query_parameter_given_twice_is_named(values: list[str]) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        query_of(limit=values).query("limit", int)
    assert refusal.value.error_data == {"details": "limit must be given once only.", "field": "limit"}
    with pytest.raises(InvalidParameter) as refusal:
        query_of(limit=values).optional_query("limit", int, 100)
    assert refusal.value.error_data == {"details": "limit must be given once only.", "field": "limit"}

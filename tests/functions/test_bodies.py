"""Bodies of events that HTTP cannot produce, and refusals that cost no request to DynamoDB."""

import json
from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.events import ACME, Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import NO_OBJECT

EVERY_BODY = pytest.mark.parametrize(
    ("function", "path"),
    [
        ("upsert_contact", {}),
        ("update_contact", {"contactId": new_id()}),
        ("assign_tag", {"contactId": new_id()}),
    ],
)


@EVERY_BODY
@pytest.mark.parametrize(
    "body", [None, "", "null", '{"phone": NaN}', "[" * 100_000, b"", b"null", b'{"phone": "\xff\xfe12345"}'], ids=repr
)
def test_a_body_that_is_not_a_json_object_is_refused_without_a_request(
    no_database: None, function: str, path: dict[str, str], body: str | bytes | None
) -> None:
    assert call(function, ACME, body=body, **path) == NO_OBJECT


@EVERY_BODY
@pytest.mark.parametrize("body", ["{}", "%%%", "eyJwaG9uZSI6ICIxMjM0NSJ", "eyJwaG9uZSI6!ICIxMjM0NSJ9", "é"])
def test_a_malformed_base64_body_is_refused(no_database: None, function: str, path: dict[str, Any], body: str) -> None:
    answer = invoke(function, build_event(function, ACME, body=body, **path) | {"isBase64Encoded": True})
    assert (answer["statusCode"], json.loads(answer["body"])) == NO_OBJECT


def test_a_base64_body_is_decoded(acme: Tenant) -> None:
    status, contact = call("upsert_contact", acme, body=b'{"phone": "12345", "display_name": "Zo\xc3\xab"}')
    assert (status, contact["phone"], contact["displayName"]) == (201, "12345", "Zoë")

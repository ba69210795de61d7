"""What arrives as a body, at every function that reads one."""

import json
from typing import Any

import pytest

from contacts.runtime.identifiers import new_id
from tests.events import ACME, Tenant, build_event
from tests.handlers import call, invoke
from tests.refusals import NO_OBJECT

WITH_A_BODY = pytest.mark.parametrize(
    ("function", "path"),
    [
        ("upsert_contact", {}),
        ("update_contact", {"contactId": new_id()}),
        ("assign_tag", {"contactId": new_id()}),
    ],
)


@WITH_A_BODY
@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        " ",
        "null",
        "true",
        "42",
        '"x"',
        "[]",
        '[{"phone": "12345"}]',
        '{"phone": "12345"',
        '{"phone": "12345",}',
        '{"phone": "12345"}{}',
        "{'phone': '12345'}",
        "phone=12345",
        "NaN",
        '{"phone": "12345", "ignored": NaN}',
        '{"phone": "12345", "ignored": -Infinity}',
        '{"phone": "12345", "ignored": ' + "9" * 5000 + "}",
        '{"phone": "12345\n"}',
        '\ufeff{"phone": "12345"}',
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"phone":' * 100_000 + "1" + "}" * 100_000,
        '{"phone": "12345", "ignored": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b"",
        b"null",
        b'{"phone": "\xff\xfe12345"}',
        b'{"phone": "\xed\xa0\x8012345"}',
        '{"phone": "12345"}'.encode("utf-16"),
        b"\x00\x01\x02",
    ],
    ids=repr,
)
def test_a_body_that_is_no_json_object_is_refused(
    no_database: None, function: str, path: dict[str, str], body: str | bytes | None
) -> None:
    assert call(function, ACME, body=body, **path) == NO_OBJECT


@WITH_A_BODY
@pytest.mark.parametrize("body", ["{}", "%%%", "eyJwaG9uZSI6ICIxMjM0NSJ", "eyJwaG9uZSI6!ICIxMjM0NSJ9", "é"])
def test_a_body_that_is_no_base64_though_it_should_be_is_refused(
    no_database: None, function: str, path: dict[str, Any], body: str
) -> None:
    answer = invoke(function, build_event(function, ACME, body=body, **path) | {"isBase64Encoded": True})
    assert (answer["statusCode"], json.loads(answer["body"])) == NO_OBJECT


@pytest.mark.parametrize(
    ("body", "phone", "name"),
    [
        (b'{"phone": "12345", "display_name": "Zo\xc3\xab"}', "12345", "Zoë"),
        ('{"phone": "99999", "phone": "12345"}', "12345", None),
        ('{"display_name": "Eve", "phone": "12345", "display_name": null}', "12345", None),
        ('\n\t{ "phone"\r: "12345" }\n', "12345", None),
        ('{"\\u0070hone": "\\u0661\\u0662345", "display_name": "\\ud83d\\ude00"}', "12345", "😀"),
        ('{"phone": "12345", "ignored": 1e999}', "12345", None),
        ('{"phone": "12345", "ignored": ' + "[" * 500 + "]" * 500 + "}", "12345", None),
        ('{"phone": "12345", "ignored": "' + "x" * 1_000_000 + '"}', "12345", None),
        ('{"phone": "12345", "ignored": "\\ud800\\u0000"}', "12345", None),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_json_object_is_read_however_it_is_written(
    acme: Tenant, body: str | bytes, phone: str, name: str | None
) -> None:
    status, contact = call("upsert_contact", acme, body=body)
    assert (status, contact["phone"], contact["displayName"]) == (201, phone, name)


def test_the_last_of_duplicate_keys_counts_when_it_is_wrong(acme: Tenant) -> None:
    status, refusal = call("upsert_contact", acme, body='{"phone": "12345", "phone": 1}')
    assert (status, refusal["error"]["error_data"]["field"]) == (400, "phone")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_the_content_type_is_not_looked_at(acme: Tenant, content_type: str) -> None:
    answer: tuple[int, Any] = call(
        "upsert_contact", acme, json_body={"phone": "12345"}, headers={"content-type": content_type}
    )
    assert answer[0] == 201

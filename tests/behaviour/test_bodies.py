"""The body of a request, at every endpoint that reads one."""

import pytest

from tests.refusals import NO_OBJECT
from tests.system import NOBODYS_ID, Caller


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/contacts"),
        ("PATCH", f"/v1/contacts/{NOBODYS_ID}"),  # the body is checked before the contact is read
        ("POST", f"/v1/contacts/{NOBODYS_ID}/tags"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b" ",
        b"null",
        b"true",
        b"42",
        b'"x"',
        b"[]",
        b'[{"phone": "12345"}]',
        b'{"phone": "12345"',
        b'{"phone": "12345",}',
        b'{"phone": "12345"}{}',
        b"{'phone': '12345'}",
        b"phone=12345",
        b"NaN",
        b'{"phone": "12345", "ignored": NaN}',
        b'{"phone": "12345", "ignored": -Infinity}',
        b'{"phone": "12345", "ignored": ' + b"9" * 5000 + b"}",
        b'{"phone": "12345\n"}',
        '\ufeff{"phone": "12345"}'.encode(),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"phone":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"phone": "12345", "ignored": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"phone": "\xff\xfe12345"}',
        b'{"phone": "\xed\xa0\x8012345"}',
        '{"phone": "12345", "display_name": "Zoë"}'.encode("latin-1"),
        '{"phone": "12345"}'.encode("utf-16"),
        b"\x00\x01\x02",
        b"eyJwaG9uZSI6ICIxMjM0NSJ9",  # base64 of a JSON object
    ],
    ids=lambda body: repr(body)[:40],
)
def test_a_body_that_is_not_a_json_object_is_refused(api: Caller, method: str, path: str, body: bytes | None) -> None:
    assert api.call(method, path, body=body) == NO_OBJECT


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{{"phone": "99999", "phone": "{}"}}', None),
        ('{{"display_name": "Eve", "phone": "{}", "display_name": "Ada Lovelace"}}', "Ada Lovelace"),
        ('{{"display_name": "Eve", "phone": "{}", "display_name": null}}', None),
        ('{{"phone": 1, "display_name": {{}}, "phone": "{}", "display_name": null}}', None),
        ('\n\t{{ "phone"\r: "{}" }}\n', None),
        ('{{"\\u0070hone": "{}", "display_name": "\\ud83d\\ude00 Lovelace"}}', "😀 Lovelace"),
        ('{{"phone": "{}\\u0661", "display_name": "Ada Lovelace"}}', "Ada Lovelace"),
        ('{{"phone": "{}", "display_name": "Zoë Björk"}}', "Zoë Björk"),
        ('{{"phone": "{}", "ignored": 1e999}}', None),
        ('{{"phone": "{}", "ignored": ' + "[" * 500 + "]" * 500 + "}}", None),
        ('{{"phone": "{}", "ignored": "\\ud800\\u0000"}}', None),
        ('{{"phone": "{}", "ignored": "' + "x" * 1_000_000 + '"}}', None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_every_way_to_write_a_json_object_is_read(api: Caller, phone: str, body: str, name: str | None) -> None:
    status, contact = api.call("POST", "/v1/contacts", body=body.format(phone))
    assert (status, contact["displayName"]) == (201, name)
    assert contact["phone"] == (f"{phone}1" if "\\u0661" in body else phone)


def test_the_last_of_two_equal_keys_counts_even_if_it_is_malformed(api: Caller) -> None:
    status, refusal = api.call("POST", "/v1/contacts", body='{"phone": "12345", "phone": 1}')
    assert (status, refusal["error"]["error_data"]["field"]) == (400, "phone")

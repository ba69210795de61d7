"""The display name, when a contact is created and when it is renamed."""

from typing import Any

import pytest

from tests.refusals import invalid
from tests.system import Caller

NOT_A_STRING = invalid("display_name", "display_name: Input should be a valid string.")
NOT_STORABLE = invalid("display_name", "display_name: Input should have neither NUL characters nor lone surrogates.")

NAMES = pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        (" \t\u00a0Ada Lovelace\u3000\r\n", "Ada Lovelace"),
        ("Ada\nLovelace", "Ada\nLovelace"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 128),
        (" " * 200 + "x" * 200, "x" * 128),
        ("😀" * 200, "😀" * 128),
        ("é" * 200, "é" * 128),
        ("Ünïcödé 名前 😀 \u202eabc", "Ünïcödé 名前 😀 \u202eabc"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 1_000_000, "x" * 128),
        ("", None),
        (" \t\n\u00a0\u2003\u3000", None),
        (None, None),
    ],
    ids=lambda value: repr(value)[:30],
)
REFUSED = pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (5, NOT_A_STRING),
        (False, NOT_A_STRING),
        (["Ada Lovelace"], NOT_A_STRING),
        ({}, NOT_A_STRING),
        ({"first": "Ada"}, NOT_A_STRING),
        ("\0", NOT_STORABLE),
        ("\udc00", NOT_STORABLE),
        ("Ada\0Lovelace", NOT_STORABLE),
        ("Ada \ud83d", NOT_STORABLE),
        ("\udc00 Lovelace", NOT_STORABLE),
    ],
    ids=repr,
)


@NAMES
def test_a_contact_is_created_with_a_name(api: Caller, phone: str, sent: str | None, kept: str | None) -> None:
    status, contact = api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": sent})
    assert (status, contact["displayName"]) == (201, kept)
    assert api.call("GET", f"/v1/contacts/{contact['id']}") == (200, contact | {"tagAssignments": []})


@NAMES
def test_a_contact_is_renamed(api: Caller, contact: dict[str, Any], sent: str | None, kept: str | None) -> None:
    path = f"/v1/contacts/{contact['id']}"
    status, renamed = api.call("PATCH", path, json_body={"display_name": sent})
    assert (status, renamed["displayName"]) == (200, kept)
    assert api.call("GET", path) == (200, renamed | {"tagAssignments": []})


@REFUSED
def test_no_contact_is_created_with_a_malformed_name(
    api: Caller, phone: str, sent: object, refusal: tuple[int, Any]
) -> None:
    assert api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": sent}) == refusal
    assert api.call("GET", f"/v1/contacts/by-phone?phone={phone}")[0] == 404


@REFUSED
def test_no_contact_gets_a_malformed_name(
    api: Caller, contact: dict[str, Any], sent: object, refusal: tuple[int, Any]
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    assert api.call("PATCH", path, json_body={"display_name": sent}) == refusal
    assert api.call("GET", path) == (200, contact | {"tagAssignments": []})

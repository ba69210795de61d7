"""GET /v1/contacts/by-phone"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.phones import NO_PHONES, NORMALIZED, SPELLINGS
from tests.refusals import CONTACT_NOT_FOUND, NO_DIGITS, invalid
from tests.system import Caller

BY_PHONE = "/v1/contacts/by-phone"
REQUIRED = invalid("phone", "phone is required.")


def test_a_contact_is_found_by_its_phone(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={contact['phone']}") == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_contact_is_found_however_its_phone_is_written(api: Caller, written: str) -> None:
    _, contact = api.call("POST", "/v1/contacts", json_body={"phone": NORMALIZED})
    assert api.call("GET", f"{BY_PHONE}?phone={quote(written)}") == (200, contact | {"tagAssignments": []})


def test_a_raw_plus_in_the_query_does_no_harm(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone=+{contact['phone']}") == (200, contact | {"tagAssignments": []})


def test_unknown_parameters_are_ignored(api: Caller, contact: dict[str, Any]) -> None:
    answer = api.call("GET", f"{BY_PHONE}?Phone=99999&id=c1234567&phone={contact['phone']}&phone[]=1&&=")
    assert answer == (200, contact | {"tagAssignments": []})


def test_a_phone_that_nobody_has_is_not_found(api: Caller, phone: str) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={phone}") == CONTACT_NOT_FOUND


def test_digits_are_compared_whole(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={contact['phone'][:-1]}") == CONTACT_NOT_FOUND
    assert api.call("GET", f"{BY_PHONE}?phone=00{contact['phone']}") == CONTACT_NOT_FOUND


@pytest.mark.parametrize(("written", "refusal"), NO_PHONES, ids=lambda value: repr(value)[:30])
def test_what_is_no_phone_is_refused(api: Caller, written: str, refusal: tuple[int, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={quote(written)}") == refusal


@pytest.mark.parametrize("query", ["", "?", "?phone[]=12345", "?PHONE=12345", "?tel=12345"])
def test_a_phone_is_required(api: Caller, query: str) -> None:
    assert api.call("GET", f"{BY_PHONE}{query}") == REQUIRED


@pytest.mark.parametrize("escaped", ["%FF12345", "12345%ED%A0%80", "12345%", "12345%zz", "12345%00", "12345;x=1"])
def test_a_query_that_is_no_text_holds_no_phone(api: Caller, escaped: str) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={escaped}") == NO_DIGITS

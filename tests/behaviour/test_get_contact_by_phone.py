"""GET /v1/contacts/by-phone"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.behaviour.phones import MALFORMED, NORMALIZED, SPELLINGS
from tests.refusals import CONTACT_NOT_FOUND, NO_DIGITS, invalid
from tests.system import Caller, Customer

BY_PHONE = "/v1/contacts/by-phone"
REQUIRED = invalid("phone", "phone is required.")


def test_a_contact_is_found_by_its_phone(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={contact['phone']}") == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_contact_is_found_by_every_spelling_of_its_phone(api: Caller, written: str) -> None:
    _, contact = api.call("POST", "/v1/contacts", json_body={"phone": NORMALIZED})
    status, found = api.call("GET", f"{BY_PHONE}?phone={quote(written)}")
    assert (status, found["id"], found["phone"]) == (200, contact["id"], NORMALIZED)  # other tests may have tagged it


def test_an_unencoded_plus_in_the_query_is_harmless(api: Caller, contact: dict[str, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone=+{contact['phone']}") == (200, contact | {"tagAssignments": []})


def test_unknown_parameters_are_ignored(api: Caller, other_customer: Customer, contact: dict[str, Any]) -> None:
    unknown = f"Phone=99999&id=c1234567&phone[]=1&tenantId={other_customer.tenant_id}&=x"
    answer = api.call("GET", f"{BY_PHONE}?{unknown}&phone={contact['phone']}&&=")
    assert answer == (200, contact | {"tagAssignments": []})


def test_an_unknown_phone_is_not_found(api: Caller, phone: str) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={phone}") == CONTACT_NOT_FOUND


def test_the_phone_of_another_tenants_contact_is_not_found(other_customer: Customer, contact: dict[str, Any]) -> None:
    assert other_customer.full.call("GET", f"{BY_PHONE}?phone={contact['phone']}") == CONTACT_NOT_FOUND


def test_phones_are_compared_whole_and_without_country_rules(api: Caller, contact: dict[str, Any]) -> None:
    phone = contact["phone"]
    for other in phone[:-1], f"00{phone}", phone.replace("49", "0", 1):
        assert api.call("GET", f"{BY_PHONE}?phone={other}") == CONTACT_NOT_FOUND


@pytest.mark.parametrize(("written", "refusal"), MALFORMED, ids=lambda value: repr(value)[:30])
def test_a_malformed_phone_is_refused(api: Caller, written: str, refusal: tuple[int, Any]) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={quote(written)}") == refusal


@pytest.mark.parametrize("query", ["", "?", "?phone[]=12345", "?PHONE=12345", "?Phone=12345", "?tel=12345", "?q=12345"])
def test_a_phone_is_required(api: Caller, query: str) -> None:
    assert api.call("GET", f"{BY_PHONE}{query}") == REQUIRED


@pytest.mark.parametrize("escaped", ["%FF12345", "12345%ED%A0%80", "12345%", "12345%zz", "12345%00", "12345;x=1"])
def test_a_phone_that_is_not_text_is_refused(api: Caller, escaped: str) -> None:
    assert api.call("GET", f"{BY_PHONE}?phone={escaped}") == NO_DIGITS

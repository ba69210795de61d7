"""GET /v1/contacts/by-phone"""

from typing import Any

import pytest

from tests.events import Tenant
from tests.handlers import call
from tests.refusals import CONTACT_NOT_FOUND, NO_DIGITS, WRONG_LENGTH, invalid

FUNCTION = "get_contact_by_phone"


def test_a_contact_is_found_by_its_phone(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, query={"phone": "491512345678"}) == (200, contact | {"tagAssignments": []})


@pytest.mark.parametrize(
    "phone",
    [
        "+49 151 2345678",
        " 49 151 2345678",
        "(49)151/234.56-78",
        "＋４９１５１２３４５６７８",
        "٤٩١٥١٢٣٤٥٦٧٨",
        "\u202a491512345678\u202c",
    ],
)
def test_however_it_is_written(acme: Tenant, contact: dict[str, Any], phone: str) -> None:
    assert call(FUNCTION, acme, query={"phone": phone}) == (200, contact | {"tagAssignments": []})


def test_no_country_is_guessed(acme: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, acme, query={"phone": "0049 151 2345678"}) == CONTACT_NOT_FOUND
    assert call(FUNCTION, acme, query={"phone": "0151 2345678"}) == CONTACT_NOT_FOUND


def test_an_unknown_phone_is_not_found(acme: Tenant) -> None:
    assert call(FUNCTION, acme, query={"phone": "99999"}) == CONTACT_NOT_FOUND


def test_the_phone_of_another_tenants_contact_is_not_found(globex: Tenant, contact: dict[str, Any]) -> None:
    assert call(FUNCTION, globex, query={"phone": contact["phone"]}) == CONTACT_NOT_FOUND


@pytest.mark.parametrize("query", [None, {}, {"Phone": "12345"}, {"q": "12345"}])
def test_a_missing_phone_is_named(acme: Tenant, query: dict[str, str] | None) -> None:
    assert call(FUNCTION, acme, query=query) == invalid("phone", "phone is required.")


@pytest.mark.parametrize("phone", ["", "+", "1234", "1" * 33, "1" * 10_000, "\u200f" * 100])
def test_a_phone_has_5_to_32_digits(acme: Tenant, phone: str) -> None:
    assert call(FUNCTION, acme, query={"phone": phone}) == WRONG_LENGTH


@pytest.mark.parametrize("phone", ["0800-CONTACT", "1234①", "123456²", "12345\0", "12345\n", "12345#CONTACT", "null"])
def test_letters_and_other_characters_are_refused(acme: Tenant, phone: str) -> None:
    assert call(FUNCTION, acme, query={"phone": phone}) == NO_DIGITS


def test_unknown_query_parameters_are_ignored(acme: Tenant, globex: Tenant, contact: dict[str, Any]) -> None:
    query = {"phone": contact["phone"], "tenantId": globex.id, "": "x"}
    assert call(FUNCTION, acme, query=query) == (200, contact | {"tagAssignments": []})

"""`match=alias`: the two spellings of mobile numbers of Brazil and Mexico. tests/unit/test_phone.py has the rules."""

import secrets
from typing import Any

import pytest

from tests.refusals import CONTACT_NOT_FOUND, invalid
from tests.system import Caller, Customer

BY_PHONE, CONTACTS, BATCH = "/v1/contacts/by-phone", "/v1/contacts", "/v1/contacts/batch"


@pytest.fixture(params=["Brazil, long", "Brazil, short", "Mexico, short", "Mexico, long"])
def spellings(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A number and its alias."""
    digits = f"{secrets.randbelow(10**7):07}"
    brazil, mexico = (f"55119{8}{digits}", f"5511{8}{digits}"), (f"52555{digits}", f"521555{digits}")
    return {
        "Brazil, long": brazil,
        "Brazil, short": brazil[::-1],
        "Mexico, short": mexico,
        "Mexico, long": mexico[::-1],
    }[request.param]


def upsert(api: Caller, phone: str, query: str = "", **fields: object) -> tuple[int, Any]:
    return api.call("POST", f"{CONTACTS}{query}", json_body={"phone": phone, **fields})


def batch(api: Caller, *phones: str) -> tuple[int, list[Any]]:
    contacts = [{"phone": phone} for phone in phones]
    status, body = api.call("POST", f"{BATCH}?match=alias", json_body={"contacts": contacts})
    return status, [(each["status"], each["contact"]["phone"], each["contact"]["id"]) for each in body["results"]]


def find(api: Caller, phone: str, query: str = "") -> tuple[int, Any]:
    return api.call("GET", f"{BY_PHONE}?phone={phone}{query}")


def test_a_contact_is_found_by_its_other_spelling_on_request_only(api: Caller, spellings: tuple[str, str]) -> None:
    phone, alias = spellings
    _, contact = upsert(api, phone)
    assert find(api, alias) == find(api, alias, "&match=exact") == CONTACT_NOT_FOUND
    assert find(api, alias, "&match=alias") == (200, contact | {"tagAssignments": []})
    assert find(api, phone, "&match=alias") == (200, contact | {"tagAssignments": []})


def test_the_exact_number_wins_over_the_alias(api: Caller, spellings: tuple[str, str]) -> None:
    _, one = upsert(api, spellings[0])
    status, other = upsert(api, spellings[1])
    assert status == 201  # two contacts under two spellings stay two
    for contact in one, other:
        assert find(api, contact["phone"], "&match=alias")[1]["id"] == contact["id"]
        status, refreshed = upsert(api, contact["phone"], "?match=alias")
        assert (status, refreshed["id"]) == (200, contact["id"])
        assert batch(api, contact["phone"]) == (200, [(200, contact["phone"], contact["id"])])


def test_an_upsert_refreshes_the_contact_of_the_alias_and_keeps_its_number(
    api: Caller, spellings: tuple[str, str]
) -> None:
    phone, alias = spellings
    _, contact = upsert(api, phone)
    status, refreshed = upsert(api, alias, "?match=alias", display_name="Ada")
    assert (status, refreshed["id"], refreshed["phone"], refreshed["displayName"]) == (200, contact["id"], phone, "Ada")
    assert find(api, alias) == CONTACT_NOT_FOUND


def test_an_upsert_creates_the_exact_contact_if_there_is_neither(api: Caller, spellings: tuple[str, str]) -> None:
    status, contact = upsert(api, spellings[0], "?match=alias")
    assert (status, contact["phone"]) == (201, spellings[0])


def test_in_a_batch_a_number_and_its_alias_are_one_contact(api: Caller, spellings: tuple[str, str]) -> None:
    phone, alias = spellings
    status, results = batch(api, phone, alias, phone)
    assert status == 200
    assert [(status, phone) for status, phone, _ in results] == [(201, phone), (200, phone), (200, phone)]
    assert len({contact_id for _, _, contact_id in results}) == 1


def test_another_tenants_contact_is_not_found_by_its_alias(
    api: Caller, other_customer: Customer, spellings: tuple[str, str]
) -> None:
    upsert(other_customer.full, spellings[0])
    assert find(api, spellings[1], "&match=alias") == CONTACT_NOT_FOUND
    assert upsert(api, spellings[1], "?match=alias")[0] == 201


@pytest.mark.parametrize("query", ["match=", "match=Alias", "match=both", "match=alias%20", "match=1"])
def test_another_match_is_refused(api: Caller, phone: str, query: str) -> None:
    refusal = invalid("match", "match must be exact or alias.")
    assert find(api, phone, f"&{query}") == refusal
    assert upsert(api, phone, f"?{query}") == refusal
    assert api.call("POST", f"{BATCH}?{query}", json_body={"contacts": [{"phone": phone}]}) == refusal
    assert find(api, phone) == CONTACT_NOT_FOUND

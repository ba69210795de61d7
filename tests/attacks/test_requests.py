"""Requests that two readers could understand in two ways."""

import pytest

from tests.events import Tenant
from tests.handlers import call
from tests.refusals import invalid

PHONE, OTHER_PHONE = "491512345678", "491512345679"


@pytest.mark.parametrize("phones", [[PHONE, OTHER_PHONE], [OTHER_PHONE, PHONE], [PHONE, PHONE], ["", PHONE]])
def test_a_phone_given_twice_finds_no_contact(acme: Tenant, phones: list[str]) -> None:
    assert call("upsert_contact", acme, json_body={"phone": PHONE})[0] == 201
    answer = call("get_contact_by_phone", acme, query={"phone": phones})
    assert answer == invalid("phone", "phone must be given once only.")


def test_an_unknown_parameter_given_twice_is_ignored(acme: Tenant) -> None:
    status, contact = call("upsert_contact", acme, json_body={"phone": PHONE}, query={"phone": [PHONE, OTHER_PHONE]})
    assert (status, contact["phone"]) == (201, PHONE)
    assert call("get_contact_by_phone", acme, query={"phone": PHONE, "x": ["1", "2"]})[0] == 200

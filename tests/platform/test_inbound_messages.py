"""The queue of inbound messages: contacts that appear by themselves."""

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.runtime import timestamps
from local.stack import Stack
from tests.platform.processes import signal_all
from tests.platform.queues import Queue
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer, new_phone

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def message(customer: Customer, phone: str, received: timedelta = timedelta(), **fields: object) -> dict[str, object]:
    """Received so long after noon."""
    return {"tenantId": customer.tenant_id, "phone": phone, "receivedAt": at(received), **fields}


def at(after_noon: timedelta) -> str:
    return timestamps.to_text(NOON + after_noon)


def find(api: Caller, phone: str) -> dict[str, Any]:
    status, contact = api.call("GET", f"/v1/contacts/by-phone?phone={phone}")
    assert status == 200
    return dict(contact)


def seen(api: Caller, phone: str) -> tuple[str, str, str | None]:
    contact = find(api, phone)
    return contact["firstSeenAt"], contact["lastSeenAt"], contact["displayName"]


def test_a_sender_becomes_a_contact(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    inbound_messages.send(message(customer, f"+{phone}", displayName=" Ada Lovelace "))
    assert seen(customer.full, phone) == (at(timedelta()), at(timedelta()), "Ada Lovelace")


def test_it_becomes_one_in_its_own_tenant_alone(customers: list[Customer], inbound_messages: Queue, phone: str) -> None:
    inbound_messages.send(message(customers[0], phone))
    assert customers[1].full.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_a_name_that_is_there_stays(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    customer.full.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada"})
    inbound_messages.send(message(customer, phone, displayName="Grace"))
    assert find(customer.full, phone)["displayName"] == "Ada"


def test_a_message_handled_five_times_changes_nothing_more(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    inbound_messages.send(message(customer, phone, displayName="Ada"))
    once = find(customer.full, phone)
    inbound_messages.send(*[message(customer, phone, displayName="Ada")] * 4)
    assert find(customer.full, phone) == once


def test_an_older_message_moves_nothing_back(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    later = timedelta(minutes=5)
    inbound_messages.send(message(customer, phone, later))
    inbound_messages.send(message(customer, phone, displayName="Ada"))
    assert seen(customer.full, phone) == (at(later), at(later), "Ada")


def test_within_a_minute_nothing_is_written(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    inbound_messages.send(message(customer, phone))
    once = find(customer.full, phone)
    inbound_messages.send(*(message(customer, phone, timedelta(seconds=seconds)) for seconds in (1, 30, 59)))
    assert find(customer.full, phone) == once
    inbound_messages.send(message(customer, phone, timedelta(seconds=60)))
    assert find(customer.full, phone)["lastSeenAt"] == at(timedelta(seconds=60))


def test_a_backlog_is_no_burst(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    every_5_minutes = [timedelta(minutes=minutes) for minutes in range(0, 50, 5)]
    inbound_messages.send(message(customer, phone))
    for moment in every_5_minutes[1:]:  # each by itself, so that none is handled beside another
        inbound_messages.send(message(customer, phone, moment))
        assert find(customer.full, phone)["lastSeenAt"] == at(moment)


def test_a_backlog_in_any_order_ends_at_its_last_message(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    minutes = [25, 5, 45, 0, 30, 10, 40, 20, 35, 15]
    inbound_messages.send(*(message(customer, phone, timedelta(minutes=each)) for each in minutes))
    assert find(customer.full, phone)["lastSeenAt"] == at(timedelta(minutes=45))


def test_a_time_in_the_future_is_now(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    before = timestamps.now()
    inbound_messages.send(message(customer, phone) | {"receivedAt": "2199-01-01T00:00:00+02:00"})
    first_seen, last_seen, _ = seen(customer.full, phone)
    assert before <= first_seen == last_seen <= timestamps.now()


@pytest.mark.parametrize(
    "body",
    [
        *("no JSON", "[]", '"text"', "null", "{}", '{"tenantId": "c"}'),
        '[{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00Z"}}]',
        '{{"tenantId": "{tenant}", "phone": "123", "receivedAt": "2026-01-01T12:00:00Z"}}',
        '{{"tenantId": "{tenant}", "phone": {phone}, "receivedAt": "2026-01-01T12:00:00Z"}}',
        '{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00"}}',
        '{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "yesterday"}}',
        '{{"tenantId": "{tenant}#{phone}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00Z"}}',
    ],
)
def test_what_cannot_be_understood_goes_to_the_dead_letters(
    customer: Customer, inbound_messages: Queue, phone: str, body: str
) -> None:
    text = body.format(tenant=customer.tenant_id, phone=phone) if "{{" in body else body
    inbound_messages.send(text)
    assert inbound_messages.take_dead_letters() == [text]
    assert customer.full.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_three_bad_messages_of_ten_hold_up_none_of_the_others(
    customer: Customer, inbound_messages: Queue, stack: Stack
) -> None:
    phones = [new_phone() for _ in range(7)]
    bad = ["no JSON", "[]", json.dumps(message(customer, "123"))]
    good = [message(customer, phone) for phone in phones]
    inbound_messages.send(good[0], bad[0], *good[1:4], bad[1], *good[4:], bad[2])
    assert sorted(inbound_messages.take_dead_letters()) == sorted(bad)
    assert [find(customer.full, phone)["phone"] for phone in phones] == phones
    log = stack.log.read_text()
    assert log.count("phone must have 5 to 32 digits.") > 0  # the cause
    assert [phone for phone in phones if phone in log] == []


def test_messages_whose_function_was_killed_come_again(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    inbound_messages.send(message(customer, new_phone()))
    signal_all("record_inbound_message", signal.SIGKILL)
    inbound_messages.send(message(customer, phone))
    assert seen(customer.full, phone) == (at(timedelta()), at(timedelta()), None)


def test_hundreds_of_messages_are_handled(customer: Customer, inbound_messages: Queue) -> None:
    phones = [new_phone() for _ in range(200)]
    inbound_messages.send(*(message(customer, phone) for phone in phones))
    assert {find(customer.full, phone)["phone"] for phone in phones} == set(phones)

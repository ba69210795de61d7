"""The queue of inbound messages: each sender becomes a contact."""

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.runtime import timestamps
from local.stack import Stack
from tests.platform.conftest import Queue
from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer, new_phone, signal_environments

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT_NOON = timedelta()


def message(customer: Customer, phone: str, after_noon: timedelta = AT_NOON, **fields: object) -> dict[str, object]:
    return {"tenantId": customer.tenant_id, "phone": phone, "receivedAt": at(after_noon), **fields}


def at(after_noon: timedelta) -> str:
    return timestamps.to_text(NOON + after_noon)


def find(api: Caller, phone: str) -> dict[str, Any]:
    status, contact = api.call("GET", f"/v1/contacts/by-phone?phone={phone}")
    assert status == 200
    return dict(contact)


def seen(api: Caller, phone: str) -> tuple[str, str, str | None]:
    """firstSeenAt, lastSeenAt and displayName."""
    contact = find(api, phone)
    return contact["firstSeenAt"], contact["lastSeenAt"], contact["displayName"]


def test_a_sender_becomes_a_contact(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    inbound_messages.send(message(customer, f"+{phone}", displayName=" Ada Lovelace "))
    assert seen(customer.full, phone) == (at(AT_NOON), at(AT_NOON), "Ada Lovelace")


def test_the_contact_belongs_to_the_tenant_of_the_message(
    customers: list[Customer], inbound_messages: Queue, phone: str
) -> None:
    inbound_messages.send(message(customers[0], phone))
    assert customers[1].full.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_a_message_does_not_replace_a_name(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    customer.full.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada"})
    inbound_messages.send(message(customer, phone, displayName="Grace"))
    assert find(customer.full, phone)["displayName"] == "Ada"


def test_handling_a_message_five_times_has_the_effect_of_once(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    inbound_messages.send(message(customer, phone, displayName="Ada"))
    once = find(customer.full, phone)
    inbound_messages.send(*[message(customer, phone, displayName="Ada")] * 4)
    assert find(customer.full, phone) == once


def test_an_older_message_does_not_move_last_seen_back(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    later = timedelta(minutes=5)
    inbound_messages.send(message(customer, phone, later))
    inbound_messages.send(message(customer, phone, displayName="Ada"))
    assert seen(customer.full, phone) == (at(later), at(later), "Ada")


def test_messages_within_the_cooldown_of_60_seconds_write_nothing(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    inbound_messages.send(message(customer, phone))
    once = find(customer.full, phone)
    inbound_messages.send(*(message(customer, phone, timedelta(seconds=seconds)) for seconds in (1, 30, 59)))
    assert find(customer.full, phone) == once
    inbound_messages.send(message(customer, phone, timedelta(seconds=60)))
    assert find(customer.full, phone)["lastSeenAt"] == at(timedelta(seconds=60))


def test_the_cooldown_counts_the_time_of_the_messages_not_the_time_of_handling(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    for minutes in range(0, 50, 5):  # one by one, so that no two are handled at once
        inbound_messages.send(message(customer, phone, timedelta(minutes=minutes)))
        assert find(customer.full, phone)["lastSeenAt"] == at(timedelta(minutes=minutes))


def test_a_backlog_in_any_order_ends_at_its_latest_message(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    minutes = [25, 5, 45, 0, 30, 10, 40, 20, 35, 15]
    inbound_messages.send(*(message(customer, phone, timedelta(minutes=each)) for each in minutes))
    assert find(customer.full, phone)["lastSeenAt"] == at(timedelta(minutes=45))


def test_a_time_in_the_future_counts_as_now(customer: Customer, inbound_messages: Queue, phone: str) -> None:
    before = timestamps.now()
    inbound_messages.send(message(customer, phone) | {"receivedAt": "2199-01-01T00:00:00+02:00"})
    first_seen, last_seen, _ = seen(customer.full, phone)
    assert before <= first_seen == last_seen <= timestamps.now()


@pytest.mark.parametrize(
    "body",
    [
        *("not JSON", "[]", '"text"', "null", "{}", '{"tenantId": "c"}'),
        '[{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00Z"}}]',
        '{{"tenantId": "{tenant}", "phone": "123", "receivedAt": "2026-01-01T12:00:00Z"}}',
        '{{"tenantId": "{tenant}", "phone": {phone}, "receivedAt": "2026-01-01T12:00:00Z"}}',
        '{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00"}}',
        '{{"tenantId": "{tenant}", "phone": "{phone}", "receivedAt": "yesterday"}}',
        '{{"tenantId": "{tenant}#{phone}", "phone": "{phone}", "receivedAt": "2026-01-01T12:00:00Z"}}',
    ],
)
def test_a_malformed_message_goes_to_the_dead_letter_queue(
    customer: Customer, inbound_messages: Queue, phone: str, body: str
) -> None:
    text = body.format(tenant=customer.tenant_id, phone=phone) if "{{" in body else body
    inbound_messages.send(text)
    assert inbound_messages.take_dead_letters() == [text]
    assert customer.full.call("GET", f"/v1/contacts/by-phone?phone={phone}") == CONTACT_NOT_FOUND


def test_three_malformed_messages_of_ten_do_not_hold_up_the_others(
    customer: Customer, inbound_messages: Queue, stack: Stack
) -> None:
    phones = [new_phone() for _ in range(7)]
    malformed = ["not JSON", "[]", json.dumps(message(customer, "123"))]
    good = [message(customer, phone) for phone in phones]
    inbound_messages.send(good[0], malformed[0], *good[1:4], malformed[1], *good[4:], malformed[2])
    assert sorted(inbound_messages.take_dead_letters()) == sorted(malformed)
    assert [find(customer.full, phone)["phone"] for phone in phones] == phones
    log = stack.log.read_text()
    assert "phone must have 5 to 32 digits." in log
    assert [phone for phone in phones if phone in log] == []


def test_messages_of_a_killed_function_are_handled_again(
    customer: Customer, inbound_messages: Queue, phone: str
) -> None:
    inbound_messages.send(message(customer, new_phone()))
    signal_environments("record_inbound_message", signal.SIGKILL)
    inbound_messages.send(message(customer, phone))
    assert seen(customer.full, phone) == (at(AT_NOON), at(AT_NOON), None)


def test_a_hundred_messages_are_handled(customer: Customer, inbound_messages: Queue) -> None:
    phones = [new_phone() for _ in range(100)]
    inbound_messages.send(*(message(customer, phone) for phone in phones))
    assert {find(customer.full, phone)["phone"] for phone in phones} == set(phones)

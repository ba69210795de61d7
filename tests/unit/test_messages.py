"""Messages of other services, parsed. tests/functions has their effects."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, timezones

from contacts.domain.errors import InvalidParameter
from contacts.domain.source import Source
from contacts.events.messages import InboundMessage, TagCommand
from contacts.parsing.json import parse
from contacts.runtime import timestamps

INBOUND: dict[str, Any] = {
    "tenantId": "cacmetenant",
    "phone": "+49 151 2345678",
    "displayName": " Ada ",
    "receivedAt": "2025-08-29T14:00:00+02:00",
}
COMMAND: dict[str, Any] = {
    "tenantId": "cacmetenant",
    "contactId": "cm3contact01",
    "tagId": "cm3tag0vip",
    "action": "ASSIGN",
    "source": "AI_TOOL",
    "reason": "Asked for a quote",
    "issuedAt": "2025-08-29T12:00:00.000Z",
}


def inbound(**fields: object) -> InboundMessage:
    return parse(InboundMessage, json.dumps(INBOUND | fields).encode())


def test_an_inbound_message_is_parsed_like_a_body() -> None:
    message = inbound()
    assert (message.tenant_id, message.phone, message.display_name, message.received_at) == (
        "cacmetenant",
        "491512345678",
        "Ada",
        "2025-08-29T12:00:00.000Z",
    )


def test_a_tag_command_is_parsed_like_a_body() -> None:
    command = parse(TagCommand, json.dumps(COMMAND).encode())
    assert (command.contact_id, command.tag_id, command.action, command.source, command.reason, command.issued_at) == (
        "cm3contact01",
        "cm3tag0vip",
        "ASSIGN",
        Source.AI_TOOL,
        "Asked for a quote",
        "2025-08-29T12:00:00.000Z",
    )


@pytest.mark.parametrize("name", ["tenantId", "phone", "receivedAt"])
def test_the_fields_of_a_message_are_in_camel_case(name: str) -> None:
    body = {key if key != name else key.swapcase(): value for key, value in INBOUND.items()}
    with pytest.raises(InvalidParameter) as refusal:
        parse(InboundMessage, json.dumps(body).encode())
    assert refusal.value.error_data == {"details": f"{name}: Field required.", "field": name}


@given(datetimes(datetime(2, 1, 1), datetime(2024, 12, 31), timezones=timezones()))  # noqa: DTZ001 - with a zone each
def test_a_time_in_the_past_is_kept_in_utc(moment: datetime) -> None:
    received_at = inbound(receivedAt=moment.isoformat()).received_at
    assert received_at == f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


@given(datetimes(datetime(2900, 1, 1), datetime(9999, 12, 30), timezones=timezones()))  # noqa: DTZ001
def test_a_time_in_the_future_counts_as_now(moment: datetime) -> None:
    before = timestamps.now()
    assert before <= inbound(receivedAt=moment.isoformat()).received_at <= timestamps.now()


def test_the_log_keys_of_a_message_have_no_personal_data() -> None:
    assert inbound().log_keys == {"tenant_id": "cacmetenant"}
    assert parse(TagCommand, json.dumps(COMMAND).encode()).log_keys == {
        "tenant_id": "cacmetenant",
        "contact_id": "cm3contact01",
        "tag_id": "cm3tag0vip",
        "action": "ASSIGN",
        "source": "AI_TOOL",
    }

"""The queue of tag commands: agents and the AI assign and remove tags, in order for each contact."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from local.stack import Stack
from tests.platform.conftest import Queue
from tests.system import Administer, Caller, Customer

ISSUED_AT = "2026-01-01T12:00:00.000Z"


class Commands:
    """Tag commands for one contact."""

    def __init__(self, customer: Customer, contact: dict[str, Any], queue: Queue) -> None:
        self._customer = customer
        self._contact_id = contact["id"]
        self.send = queue.send

    def build(self, action: str, tag_id: str, source: str = "AI_TOOL", **fields: object) -> dict[str, object]:
        ids = {"tenantId": self._customer.tenant_id, "contactId": self._contact_id, "tagId": tag_id}
        return ids | {"action": action, "source": source, "issuedAt": ISSUED_AT, **fields}

    def sources(self) -> dict[str, str]:
        """The source of each of the contact's tag assignments, by tag id."""
        _, contact = self._customer.full.call("GET", f"/v1/contacts/{self._contact_id}")
        return {each["tagId"]: each["source"] for each in contact["tagAssignments"]}


@pytest.fixture
def commands(customer: Customer, contact: dict[str, Any], tag_commands: Queue) -> Commands:
    return Commands(customer, contact, tag_commands)


@pytest.fixture
def tag(customer: Customer) -> str:
    return customer.tag_ids[0]


def test_a_tag_is_assigned_and_removed(
    customer: Customer, contact: dict[str, Any], commands: Commands, tag: str
) -> None:
    commands.send(commands.build("ASSIGN", tag, reason="Asked about prices"))
    _, found = customer.full.call("GET", f"/v1/contacts/{contact['id']}")
    (assignment,) = found["tagAssignments"]
    assert assignment.pop("createdAt") == assignment.pop("updatedAt")
    assert assignment == {
        "contactId": contact["id"],
        "tagId": tag,
        "source": "AI_TOOL",
        "reason": "Asked about prices",
    }
    commands.send(commands.build("REMOVE", tag))
    assert commands.sources() == {}


def test_the_commands_of_one_contact_are_applied_in_order(commands: Commands, tag: str) -> None:
    commands.send(*[commands.build(action, tag) for action in ("ASSIGN", "REMOVE")] * 12)
    assert commands.sources() == {}
    commands.send(*[commands.build(action, tag) for action in ("REMOVE", "ASSIGN")] * 12)
    assert commands.sources() == {tag: "AI_TOOL"}


@pytest.mark.parametrize(
    ("first", "then", "remains"),
    [
        ("AI_AUTO_CLOSE", "AI_TOOL", "AI_TOOL"),
        ("AI_TOOL", "MANUAL_AGENT", "MANUAL_AGENT"),
        ("MANUAL_AGENT", "MANUAL_ADMIN", "MANUAL_ADMIN"),
        ("MANUAL_ADMIN", "API", "API"),
        ("API", "MANUAL_ADMIN", "MANUAL_ADMIN"),
        ("MANUAL_ADMIN", "MANUAL_AGENT", "MANUAL_ADMIN"),
        ("MANUAL_AGENT", "AI_TOOL", "MANUAL_AGENT"),
        ("AI_TOOL", "AI_AUTO_CLOSE", "AI_TOOL"),
    ],
)
def test_a_source_replaces_an_assignment_of_equal_or_lower_weight(
    commands: Commands, tag: str, first: str, then: str, remains: str
) -> None:
    commands.send(commands.build("ASSIGN", tag, first), commands.build("ASSIGN", tag, then))
    assert commands.sources() == {tag: remains}
    commands.send(commands.build("REMOVE", tag, then))
    assert commands.sources() == ({} if remains == then else {tag: remains})


def test_a_missing_contact_or_tag_is_logged_and_not_retried(
    customer: Customer, commands: Commands, tag: str, tag_commands: Queue, stack: Stack
) -> None:
    no_contact = commands.build("ASSIGN", tag) | {"contactId": "c" + "0" * 24}
    no_tag = commands.build("ASSIGN", customer.deleted_tag_id)
    commands.send(no_contact, no_tag, commands.build("REMOVE", tag), commands.build("ASSIGN", tag))
    assert commands.sources() == {tag: "AI_TOOL"}
    assert tag_commands.take_dead_letters() == []
    outcomes = [json.loads(line) for line in stack.log.read_text().splitlines() if line.startswith("{")]
    assert {"ContactNotFound", "TagNotFound"} <= {each["message"] for each in outcomes if "message_id" in each}


def test_a_tag_that_an_operator_deletes_is_removed_and_can_no_longer_be_assigned(
    customer: Customer, commands: Commands, administer: Administer
) -> None:
    tag = administer("tag", "create", customer.tenant_id, "Soon gone")["id"]
    commands.send(commands.build("ASSIGN", tag))
    assert commands.sources() == {tag: "AI_TOOL"}
    administer("tag", "delete", customer.tenant_id, tag, "--wait-seconds", "0", "--yes")
    commands.send(commands.build("ASSIGN", tag))
    assert commands.sources() == {}


def test_30_assignments_at_once_leave_exactly_20_tags(
    customer: Customer, api: Caller, contact: dict[str, Any], commands: Commands, tag_commands: Queue
) -> None:
    by_ai, by_api = customer.tag_ids[:20], customer.tag_ids[15:]
    assign = partial(api.call, "POST", f"/v1/contacts/{contact['id']}/tags")
    with ThreadPoolExecutor(len(by_api)) as threads:
        answers = [threads.submit(assign, json_body={"tag_id": tag_id}) for tag_id in by_api]
        commands.send(*(commands.build("ASSIGN", tag_id) for tag_id in by_ai))
    assert {answer.result()[0] for answer in answers} <= {200, 201, 409}
    assert len(commands.sources()) == 20
    assert tag_commands.take_dead_letters() == []


@pytest.mark.parametrize(
    "wrong",
    [{"action": "TOGGLE"}, {"source": "NOBODY"}, {"tagId": None}, {"contactId": 7}, {"issuedAt": "now"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_malformed_command_goes_to_the_dead_letter_queue(
    commands: Commands, tag: str, tag_commands: Queue, wrong: dict[str, object]
) -> None:
    malformed = commands.build("ASSIGN", tag) | wrong
    commands.send(malformed, commands.build("ASSIGN", tag, "API"), "not JSON")
    assert sorted(tag_commands.take_dead_letters()) == sorted([json.dumps(malformed), "not JSON"])
    assert commands.sources() == {tag: "API"}

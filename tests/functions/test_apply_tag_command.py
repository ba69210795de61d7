"""The queue of tag commands"""

import json
import re
from collections.abc import Callable
from itertools import product, repeat
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb.service_resource import Table
from mypy_boto3_sqs.service_resource import Queue

from contacts.runtime import timestamps
from contacts.runtime.identifiers import new_id
from contacts.storage.items import TagItem
from tests.conftest import forget
from tests.events import Tenant
from tests.faults import Reply, refuse
from tests.functions.conftest import Wire, bodies, create_queue, take
from tests.handlers import call, deliver

FUNCTION = "apply_tag_command"
ISSUED, LATER = "2025-08-29T12:00:00.000Z", "2025-08-29T12:05:00.000Z"
UNREACHABLE = EndpointConnectionError(endpoint_url="https://dynamodb")

WEIGHTS = {"MANUAL_ADMIN": 4, "API": 4, "MANUAL_AGENT": 3, "AI_TOOL": 2, "AI_AUTO_CLOSE": 1}
PAIRS = [pytest.param(held, other, id=f"{other} meets {held}") for held, other in product(WEIGHTS, WEIGHTS)]


@pytest.fixture(autouse=True)
def dead_letters(table: Table, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = create_queue("TagCommandsDeadLetters")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", queue.url)
    return queue


class Commands:
    """Commands of one tenant to one contact."""

    def __init__(self, tenant: Tenant, contact_id: str, log: Callable[[], str]) -> None:
        self._tenant, self._contact_id, self._log = tenant, contact_id, log

    def write(self, action: str, source: str, *, tag: int = 0, **fields: Any) -> dict[str, Any]:
        return {
            "tenantId": self._tenant.id,
            "contactId": self._contact_id,
            "tagId": self._tenant.tag_ids[tag],
            "action": action,
            "source": source,
            "issuedAt": ISSUED,
        } | fields

    def apply(self, action: str, source: str, *, tag: int = 0, **fields: Any) -> str:
        """The outcome in the log. The command is not retried."""
        assert deliver(FUNCTION, self.write(action, source, tag=tag, **fields)) == []
        return str(re.findall(r'"message":"([^"]+)"', self._log())[-1])

    def assignments(self) -> list[dict[str, Any]]:
        status, contact = call("get_contact", self._tenant, contactId=self._contact_id)
        assert status == 200
        assignments: list[dict[str, Any]] = contact["tagAssignments"]
        return assignments


@pytest.fixture
def commands(acme: Tenant, contact: dict[str, Any], log: Callable[[], str]) -> Commands:
    return Commands(acme, contact["id"], log)


# ASSIGN


@pytest.mark.parametrize("source", WEIGHTS)
def test_a_tag_is_assigned(acme: Tenant, contact: dict[str, Any], commands: Commands, source: str) -> None:
    assert commands.apply("ASSIGN", source, reason="Asked for a quote") == "ASSIGNED"
    assert commands.assignments() == [
        {
            "contactId": contact["id"],
            "tagId": acme.tag_ids[0],
            "source": source,
            "reason": "Asked for a quote",
            "createdAt": ISSUED,
            "updatedAt": ISSUED,
        }
    ]


@pytest.mark.parametrize("reason", [{}, {"reason": None}])
def test_a_command_may_have_no_reason(commands: Commands, reason: dict[str, Any]) -> None:
    assert commands.apply("ASSIGN", "AI_TOOL", **reason) == "ASSIGNED"
    assert commands.assignments()[0]["reason"] is None


@pytest.mark.parametrize(("held", "other"), PAIRS)
def test_an_assignment_is_replaced_by_the_same_or_a_higher_weight(commands: Commands, held: str, other: str) -> None:
    commands.apply("ASSIGN", held, reason="first")
    (first,) = commands.assignments()
    outcome = commands.apply("ASSIGN", other, reason="second", issuedAt=LATER)
    if WEIGHTS[other] >= WEIGHTS[held]:
        assert outcome == "ASSIGNED"
        assert commands.assignments() == [first | {"source": other, "reason": "second", "updatedAt": LATER}]
    else:
        assert outcome == "AssignmentOutweighed"
        assert commands.assignments() == [first]


def test_a_command_does_not_update_the_contact_itself(
    acme: Tenant, contact: dict[str, Any], commands: Commands
) -> None:
    commands.apply("ASSIGN", "AI_TOOL")
    assert call("get_contact", acme, contactId=contact["id"])[1]["updatedAt"] == contact["updatedAt"]


def test_a_contact_takes_20_tags(acme: Tenant, commands: Commands) -> None:
    batch = [commands.write("ASSIGN", "AI_TOOL", tag=number) for number in range(21)]
    assert deliver(FUNCTION, *batch[:10]) == deliver(FUNCTION, *batch[10:20]) == []
    assert commands.apply("ASSIGN", "MANUAL_ADMIN", tag=20) == "TagLimitReached"
    assert [each["tagId"] for each in commands.assignments()] == list(acme.tag_ids[:20])

    assert commands.apply("ASSIGN", "AI_TOOL", tag=19, reason="again") == "ASSIGNED"
    assert commands.apply("ASSIGN", "AI_AUTO_CLOSE", tag=19) == "AssignmentOutweighed"
    assert commands.apply("REMOVE", "AI_TOOL", tag=0) == "REMOVED"
    assert commands.apply("ASSIGN", "AI_TOOL", tag=20) == "ASSIGNED"


# REMOVE


@pytest.mark.parametrize(("held", "other"), PAIRS)
def test_an_assignment_is_removed_by_the_same_or_a_higher_weight(commands: Commands, held: str, other: str) -> None:
    commands.apply("ASSIGN", held)
    found = commands.assignments()
    outcome = commands.apply("REMOVE", other, issuedAt=LATER)
    if WEIGHTS[other] >= WEIGHTS[held]:
        assert (outcome, commands.assignments()) == ("REMOVED", [])
    else:
        assert (outcome, commands.assignments()) == ("AssignmentOutweighed", found)


def test_a_tag_that_the_contact_does_not_have_is_removed_already(commands: Commands) -> None:
    commands.apply("ASSIGN", "MANUAL_ADMIN", tag=1)
    assert commands.apply("REMOVE", "AI_AUTO_CLOSE") == "REMOVED"
    assert len(commands.assignments()) == 1


def test_a_tag_that_left_the_catalog_can_be_removed(acme: Tenant, table: Table, commands: Commands) -> None:
    commands.apply("ASSIGN", "AI_TOOL")
    table.delete_item(Key={"pk": f"{acme.id}#TAGS", "sk": acme.tag_ids[0]})
    assert commands.apply("REMOVE", "AI_TOOL") == "REMOVED"
    assert commands.assignments() == []


def test_a_removed_tag_that_is_assigned_again_is_new(commands: Commands) -> None:
    for action, issued_at in {"ASSIGN": ISSUED, "REMOVE": ISSUED}.items():
        commands.apply(action, "AI_TOOL", issuedAt=issued_at)
    commands.apply("ASSIGN", "AI_TOOL", issuedAt=LATER)
    assert commands.assignments()[0]["createdAt"] == LATER


# Unknown and deleted contacts and tags


@pytest.mark.parametrize("action", ["ASSIGN", "REMOVE"])
def test_the_outcome_of_a_command_to_an_unknown_or_deleted_contact_is_logged(
    acme: Tenant, table: Table, contact: dict[str, Any], commands: Commands, action: str
) -> None:
    assert commands.apply(action, "AI_TOOL", contactId=new_id()) == "ContactNotFound"
    call("delete_contact", acme, contactId=contact["id"])
    items = table.scan()["Items"]
    assert commands.apply(action, "AI_TOOL") == "ContactNotFound"
    assert table.scan()["Items"] == items


@pytest.mark.parametrize("operation", ["ASSIGN", "REMOVE"])
def test_a_contact_that_is_deleted_before_the_write_is_not_created_again(
    acme: Tenant, contact: dict[str, Any], commands: Commands, wire: Wire, operation: str
) -> None:
    wire.interrupt("UpdateItem", lambda: call("delete_contact", acme, contactId=contact["id"]))
    assert commands.apply(operation, "AI_TOOL") == "ContactNotFound"
    assert call("get_contact", acme, contactId=contact["id"])[0] == 404


@pytest.mark.parametrize("action", ["ASSIGN", "REMOVE"])
def test_a_contact_of_another_tenant_is_not_found(
    globex: Tenant, contact: dict[str, Any], commands: Commands, action: str
) -> None:
    commands.apply("ASSIGN", "AI_TOOL")
    found = commands.assignments()
    foreign = {"tenantId": globex.id, "contactId": contact["id"]}
    assert commands.apply(action, "MANUAL_ADMIN", **foreign, tagId=globex.tag_ids[0]) == "ContactNotFound"
    assert commands.apply(action, "MANUAL_ADMIN", **foreign) == "ContactNotFound"
    assert commands.assignments() == found


def test_the_outcome_of_a_command_with_an_unknown_or_deleted_tag_is_logged(
    acme: Tenant, globex: Tenant, commands: Commands
) -> None:
    for tag_id in acme.deleted_tag_id, new_id(), globex.tag_ids[0]:
        assert commands.apply("ASSIGN", "MANUAL_ADMIN", tagId=tag_id) == "TagNotFound"
    assert commands.assignments() == []


def test_a_tag_that_was_deleted_since_its_assignment_is_not_assigned_again(acme: Tenant, commands: Commands) -> None:
    commands.apply("ASSIGN", "AI_TOOL")
    found = commands.assignments()
    tag = TagItem.get(*TagItem.key(acme.id, acme.tag_ids[0]))
    tag.update([TagItem.deleted_at.set(ISSUED)])
    assert commands.apply("ASSIGN", "AI_TOOL", reason="again") == "TagNotFound"
    assert commands.assignments() == found


# Repetition, order, times in the future


@pytest.mark.parametrize("action", ["ASSIGN", "REMOVE"])
def test_five_deliveries_of_a_command_have_one_effect(table: Table, commands: Commands, action: str) -> None:
    commands.apply("ASSIGN", "AI_TOOL", reason="first", tag=1)
    commands.apply(action, "AI_TOOL", reason="Asked for a quote")
    items = table.scan()["Items"]
    for _ in range(4):
        commands.apply(action, "AI_TOOL", reason="Asked for a quote")
    assert table.scan()["Items"] == items


def test_commands_are_applied_in_their_order(commands: Commands) -> None:
    assign, remove = commands.write("ASSIGN", "AI_TOOL"), commands.write("REMOVE", "AI_TOOL")
    assert deliver(FUNCTION, assign, remove) == []
    assert commands.assignments() == []
    assert deliver(FUNCTION, remove, assign) == []
    assert len(commands.assignments()) == 1


def test_a_time_in_the_future_counts_as_now(commands: Commands) -> None:
    before = timestamps.now()
    commands.apply("ASSIGN", "AI_TOOL", issuedAt="2999-01-01T00:00:00+14:00")
    (assignment,) = commands.assignments()
    assert before <= assignment["createdAt"] == assignment["updatedAt"] <= timestamps.now()


# Malformed commands


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"action": "TOGGLE"}, "action: Input should be 'ASSIGN' or 'REMOVE'."),
        ({"action": "assign"}, "action: Input should be 'ASSIGN' or 'REMOVE'."),
        ({"action": None}, "action: Input should be 'ASSIGN' or 'REMOVE'."),
        (
            {"source": "HUMAN"},
            "source: Input should be 'MANUAL_ADMIN', 'API', 'MANUAL_AGENT', 'AI_TOOL' or 'AI_AUTO_CLOSE'.",
        ),
        (
            {"source": 4},
            "source: Input should be 'MANUAL_ADMIN', 'API', 'MANUAL_AGENT', 'AI_TOOL' or 'AI_AUTO_CLOSE'.",
        ),
        ({"tenantId": "#"}, "tenantId: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ({"contactId": "491512345678"}, "contactId: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ({"tagId": "VIP"}, "tagId: String should match pattern '^c[a-z0-9]{7,31}$'."),
        ({"tagId": 1}, "tagId: Input should be a valid string."),
        ({"reason": "x" * 501}, "reason: String should have at most 500 characters."),
        ({"reason": "\0"}, "reason: Input should have neither NUL characters nor lone surrogates."),
        ({"issuedAt": "2025-08-29T12:00:00"}, "issuedAt: Input should be an ISO 8601 time with an offset."),
    ],
)
def test_a_malformed_command_goes_to_the_dead_letter_queue_and_its_cause_to_the_log(
    commands: Commands, dead_letters: Queue, log: Callable[[], str], fields: dict[str, object], cause: str
) -> None:
    command = commands.write("ASSIGN", "AI_TOOL") | fields
    assert deliver(FUNCTION, command) == []
    (dead_letter,) = take(dead_letters)
    assert dead_letter.body == json.dumps(command)
    [entry] = (line for line in map(json.loads, log().splitlines()) if "cause" in line)
    assert (entry["message"], entry["cause"]) == ("Malformed message", cause)
    assert commands.assignments() == []


@pytest.mark.parametrize("name", ["tenantId", "contactId", "tagId", "action", "source", "issuedAt"])
def test_the_log_names_a_missing_field(
    commands: Commands, dead_letters: Queue, log: Callable[[], str], name: str
) -> None:
    command = commands.write("ASSIGN", "AI_TOOL")
    del command[name]
    assert deliver(FUNCTION, command) == []
    assert bodies(dead_letters) == [json.dumps(command)]
    [entry] = (line for line in map(json.loads, log().splitlines()) if "cause" in line)
    assert entry["cause"] == f"{name}: Field required."


def test_malformed_commands_hold_up_no_others_and_keep_their_order(commands: Commands, dead_letters: Queue) -> None:
    bad = [commands.write("TOGGLE", "AI_TOOL", tag=number) for number in range(3)]
    good = [commands.write("ASSIGN", "AI_TOOL", tag=number) for number in range(7)]
    assert deliver(FUNCTION, bad[0], *good[:4], bad[1], bad[2], *good[4:]) == []
    assert len(commands.assignments()) == 7
    dead = take(dead_letters)
    assert [json.loads(each.body) for each in dead] == bad
    assert {each.attributes["MessageGroupId"] for each in dead} == {
        "cm3tenant0acme0sample0001#cm3contact0ada0sample0001"
    }


# Faults


@pytest.mark.parametrize("fault", [UNREACHABLE, refuse("ThrottlingException"), refuse("ValidationException")])
def test_a_failed_command_is_retried_with_the_later_ones_of_its_group(
    acme: Tenant, commands: Commands, wire: Wire, dead_letters: Queue, log: Callable[[], str], fault: Any
) -> None:
    _, other = call("upsert_contact", acme, json_body={"phone": "12345"})
    others = Commands(acme, other["id"], log)
    batch = [
        commands.write("ASSIGN", "AI_TOOL", tag=0),
        others.write("ASSIGN", "AI_TOOL", tag=1),
        commands.write("ASSIGN", "AI_TOOL", tag=2),
        others.write("ASSIGN", "AI_TOOL", tag=3),
    ]
    wire.fail("BatchGetItem", repeat(fault, 1 if isinstance(fault, Reply) and b"Validation" in fault.body else 3))
    assert deliver(FUNCTION, *batch, groups=("ada", "eve", "ada", "eve")) == [0, 2]
    assert commands.assignments() == []
    assert [each["tagId"] for each in others.assignments()] == [acme.tag_ids[1], acme.tag_ids[3]]
    assert bodies(dead_letters) == []
    assert "Message failed" in log()

    assert deliver(FUNCTION, batch[0], batch[2]) == []
    assert [each["tagId"] for each in commands.assignments()] == [acme.tag_ids[0], acme.tag_ids[2]]


def test_if_all_commands_fail_the_whole_batch_fails(commands: Commands, wire: Wire) -> None:
    wire.fail("BatchGetItem", repeat(UNREACHABLE, 3))
    with pytest.raises(BatchProcessingError):
        deliver(FUNCTION, commands.write("ASSIGN", "AI_TOOL"), commands.write("ASSIGN", "AI_TOOL", tag=1))
    assert wire.operations == ["BatchGetItem"] * 3


def test_a_write_is_repeated_after_a_lost_reply(commands: Commands, wire: Wire) -> None:
    wire.fail("UpdateItem", [refuse("InternalServerError", 500, after_the_effect=True)])
    assert commands.apply("ASSIGN", "AI_TOOL") == "ASSIGNED"
    assert len(commands.assignments()) == 1


# Cost and log


def test_an_assignment_costs_an_eventually_consistent_read_and_a_write(commands: Commands, wire: Wire) -> None:
    assert commands.apply("ASSIGN", "AI_TOOL") == "ASSIGNED"
    assert wire.operations == ["BatchGetItem", "UpdateItem"]
    assert wire.requests[0][1]["RequestItems"]["contacts-local"].get("ConsistentRead") is not True


def test_nothing_counts_as_missing_before_a_strongly_consistent_read(
    acme: Tenant, commands: Commands, wire: Wire
) -> None:
    wire.fail("BatchGetItem", [Reply(200, json.dumps({"Responses": {"contacts-local": []}}).encode())])
    assert commands.apply("ASSIGN", "AI_TOOL") == "ASSIGNED"
    assert wire.operations == ["BatchGetItem", "BatchGetItem", "UpdateItem"]
    assert wire.requests[1][1]["RequestItems"]["contacts-local"]["ConsistentRead"] is True

    wire.requests.clear()
    assert commands.apply("ASSIGN", "AI_TOOL", tagId=acme.deleted_tag_id) == "TagNotFound"
    assert wire.operations == ["BatchGetItem", "BatchGetItem"]  # the second one reads the pointer only


def test_a_removal_costs_a_read_of_the_pointer_and_a_write(commands: Commands, wire: Wire) -> None:
    assert commands.apply("REMOVE", "AI_TOOL") == "REMOVED"
    assert wire.operations == ["GetItem", "UpdateItem"]
    wire.requests.clear()
    assert commands.apply("REMOVE", "AI_TOOL") == "REMOVED"
    assert wire.operations == ["UpdateItem"]
    forget()


def test_the_log_has_ids_source_and_outcome_but_no_reason(
    acme: Tenant, contact: dict[str, Any], commands: Commands, log: Callable[[], str]
) -> None:
    commands.apply("ASSIGN", "AI_TOOL", reason="Ada Lovelace asked")
    commands.apply("REMOVE", "AI_AUTO_CLOSE")
    assigned, outweighed = (json.loads(entry) for entry in log().splitlines()[-2:])
    ids = {"tenant_id": acme.id, "contact_id": contact["id"], "tag_id": acme.tag_ids[0]}
    assert assigned.items() >= (ids | {"message": "ASSIGNED", "action": "ASSIGN", "source": "AI_TOOL"}).items()
    assert outweighed.items() >= (ids | {"action": "REMOVE", "source": "AI_AUTO_CLOSE"}).items()
    assert outweighed["message"] == "AssignmentOutweighed"
    assert "Lovelace" not in log()
    assert contact["phone"] not in log()

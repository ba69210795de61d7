"""IAM: the policies allow only what functions use. In all tests the proxy refuses what they do not allow."""

import pytest
from pynamodb.exceptions import PutError

from contacts.storage.items import TagItem
from tests.conftest import forget
from tests.deployed import arn, deployed_resources
from tests.engine.api_key import API_KEY, authorize
from tests.engine.fault_proxy import FaultProxy
from tests.engine.flows import CALLS, CONTACT_ID, NEW_PHONE, PHONE, WRITES, Scene
from tests.engine.table import NAME, Row, Table
from tests.events import ACME
from tests.faults import refuse
from tests.handlers import deliver, invoke
from tests.policies import STREAM, Policies, Seen, running
from tests.streams import build_record, build_stream_event

FUNCTIONS = sorted(Policies(deployed_resources()).granted)
TABLE = arn("dynamodb", f"table/{NAME}")


@pytest.fixture
def seen(table: Table, first_rows: list[Row], scene: Scene, proxy: FaultProxy) -> list[Seen]:
    """The requests of all functions on all their paths."""
    start = len(proxy.seen)
    for call in CALLS.values():
        table.replace(first_rows)
        scene.play(call)
    for name in WRITES:
        table.replace(first_rows)
        keyed = CALLS[name].with_idempotency_key
        with proxy.failing(refuse("ThrottlingException"), CALLS[name].flow[-1], times=None):
            scene.play(keyed)  # deletes its idempotency record
        scene.play(keyed)
    table.replace(first_rows)
    play_queues()
    play_authorizer(table)
    play_stream(table)
    return proxy.seen[start:]


def play_queues() -> None:
    command = {"tenantId": ACME.id, "contactId": CONTACT_ID, "tagId": ACME.tag_ids[1], "source": "AI_TOOL"}
    command["issuedAt"] = "2026-11-24T09:00:00Z"
    for action in "ASSIGN", "REMOVE":
        forget()
        assert deliver("apply_tag_command", command | {"action": action}) == []
    for phone in PHONE, NEW_PHONE:
        message = {"tenantId": ACME.id, "phone": phone, "receivedAt": "2026-11-24T09:00:00Z"}
        assert deliver("record_inbound_message", message) == []


def play_authorizer(table: Table) -> None:
    table.put(API_KEY)
    authorize()
    table.remove(API_KEY)


def play_stream(table: Table) -> None:
    contact = next(row for row in table.rows() if row["sk"]["S"] == "CONTACT")
    event = build_stream_event(build_record(contact, None, 1))
    assert invoke("publish_changes", event) == {"batchItemFailures": []}


LAMBDAS_OWN = {f"dynamodb:{each}" for each in STREAM}
"""By them Lambda reads the stream before it calls the function."""


def test_every_allowed_action_is_used(seen: list[Seen], policies: Policies) -> None:
    unused = [
        (function, action)
        for function, statements in policies.granted.items()
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        if action.startswith("dynamodb:")
        and action not in LAMBDAS_OWN
        and not any(
            each.caller == function and statement.covers(action, TABLE, each.leading_keys)
            for each in seen
            if action in each.actions
        )
    ]
    assert unused == []


def test_a_forbidden_action_is_refused_and_recorded(table: Table, proxy: FaultProxy, policies: Policies) -> None:
    before, function = table.rows(), running.set("GetContact")
    for pk in f"{ACME.id}#{NEW_PHONE}", API_KEY["pk"]["S"]:
        with pytest.raises(PutError, check=lambda error: error.cause_response_code == "AccessDeniedException"):
            TagItem(pk, "CONTACT", name="", created_at="").save()
    running.reset(function)
    assert table.rows() == before
    recorded = {"GetContact: dynamodb:PutItem on …#…", "GetContact: dynamodb:PutItem on KEY#…"}
    assert policies.refused >= recorded
    policies.refused -= recorded


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_authorizer_reaches_keys_and_it_reaches_nothing_else(policies: Policies, function: str) -> None:
    actions = ["GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem"]
    key, contact = frozenset({API_KEY["pk"]["S"]}), frozenset({f"{ACME.id}#{PHONE}"})
    on_keys, on_both, on_contacts = (
        {each for each in actions if policies.allow(function, f"dynamodb:{each}", TABLE, keys)}
        for keys in (key, key | contact, contact)
    )
    if function == "Authorizer":
        assert (on_keys, on_both, on_contacts) == ({"GetItem", "UpdateItem"}, set(), set())
    elif function == "PublishChanges":
        assert (on_keys, on_both, on_contacts) == (set(), set(), set())
    else:
        assert (on_keys, on_both) == (set(), set())

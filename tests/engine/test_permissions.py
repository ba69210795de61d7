"""IAM: what functions were seen to ask of the engine is what their policies allow, all of it and nothing else."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

import pytest

from contacts import repository
from tests.conftest import template_resources
from tests.engine.api_key import API_KEY, authorize
from tests.engine.fault_proxy import FaultProxy, Seen, refuse
from tests.engine.flows import CALLS, NEW_PHONE, PHONE, Scene
from tests.engine.table import Row, Table
from tests.gateway import ACME
from tests.queues import deliver

FUNCTIONS = sorted(name for name, each in template_resources().items() if each["Type"] == "AWS::Serverless::Function")


class Statement(NamedTuple):
    effect: str
    actions: tuple[str, ...]
    operator: str
    patterns: tuple[str, ...]

    def covers(self, action: str, leading_keys: frozenset[str]) -> bool:
        quantifier = any if self.operator.startswith("ForAnyValue") else all
        return any(fnmatchcase(action, pattern) for pattern in self.actions) and quantifier(
            any(fnmatchcase(key, pattern) for pattern in self.patterns) for key in leading_keys
        )


def statements(function: str) -> Iterator[Statement]:
    """Those of its policies that speak of the table."""
    resources = template_resources()
    for policy in resources[function]["Properties"].get("Policies", []):
        document = resources[policy]["Properties"]["PolicyDocument"] if isinstance(policy, str) else policy
        for each in document["Statement"]:
            actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
            [(operator, condition)] = each.get("Condition", {"ForAllValues:StringLike": {}}).items()
            patterns = condition.get("dynamodb:LeadingKeys", ["*"])
            if actions[0].startswith("dynamodb:"):
                yield Statement(each["Effect"], tuple(actions), operator, tuple(patterns))


def is_allowed(function: str, action: str, leading_keys: frozenset[str]) -> bool:
    met = {each.effect for each in statements(function) if each.covers(action, leading_keys)}
    return met == {"Allow"}


@pytest.fixture
def seen(table: Table, first_rows: list[Row], scene: Scene, proxy: FaultProxy) -> dict[str, list[Seen]]:
    """What each function asks for, on every way that it can take."""
    start = len(proxy.seen)
    for name in CALLS:
        table.replace(first_rows)
        scene.play(CALLS[name])
    for name in "create", "patch", "delete", "assign", "remove":
        table.replace(first_rows)
        keyed = CALLS[name].with_idempotency_key
        with proxy.failing(refuse("ThrottlingException"), CALLS[name].flow[-1], times=None):
            scene.play(keyed)  # releases its lock
        scene.play(keyed)
    table.replace(first_rows)
    play_queues(proxy, scene.contact_id)
    play_authorizer(proxy, table)
    by_function: dict[str, list[Seen]] = {name: [] for name in FUNCTIONS}
    for request in proxy.seen[start:]:
        if request.caller:
            by_function[request.caller.title().replace("_", "")].append(request)
    return by_function


def play_queues(proxy: FaultProxy, contact_id: str) -> None:
    command = {"tenantId": ACME.id, "contactId": contact_id, "tagId": ACME.tag_ids[1], "source": "AI_TOOL"}
    command["issuedAt"] = "2026-11-24T09:00:00Z"
    with proxy.called_by("apply_tag_command"):
        for action in "ASSIGN", "REMOVE":
            repository._known_phones.clear()
            assert deliver("apply_tag_command", command | {"action": action}) == []
    with proxy.called_by("record_inbound_message"):
        for phone in PHONE, NEW_PHONE:
            message = {"tenantId": ACME.id, "phone": phone, "receivedAt": "2026-11-24T09:00:00Z"}
            assert deliver("record_inbound_message", message) == []


def play_authorizer(proxy: FaultProxy, table: Table) -> None:
    table.put(API_KEY)
    with proxy.called_by("authorizer"):
        authorize()
    table.remove(API_KEY)


def test_all_that_functions_ask_for_is_allowed(seen: dict[str, list[Seen]]) -> None:
    refused = [
        (function, action, request.leading_keys)
        for function, requests in seen.items()
        for request in requests
        for action in request.actions
        if not is_allowed(function, action, request.leading_keys)
    ]
    assert refused == []


def test_nothing_is_allowed_that_no_function_asks_for(seen: dict[str, list[Seen]]) -> None:
    unused = [
        (function, action)
        for function, requests in seen.items()
        for statement in statements(function)
        if statement.effect == "Allow"
        for action in statement.actions
        if not any(action in each.actions and statement.covers(action, each.leading_keys) for each in requests)
    ]
    assert unused == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_authorizer_reads_keys_and_it_reads_nothing_else(function: str) -> None:
    actions = ["GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem"]
    key, contact = frozenset({API_KEY["pk"]["S"]}), frozenset({f"{ACME.id}#{PHONE}"})
    on_keys = {each for each in actions if is_allowed(function, f"dynamodb:{each}", key)}
    on_both = {each for each in actions if is_allowed(function, f"dynamodb:{each}", key | contact)}
    on_contacts = {each for each in actions if is_allowed(function, f"dynamodb:{each}", contact)}
    if function == "Authorizer":
        assert (on_keys, on_both, on_contacts) == ({"GetItem", "UpdateItem"}, set(), set())
    else:
        assert (on_keys, on_both) == (set(), set())

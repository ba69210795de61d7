"""Queues and authorizer under faults: a message is done once or comes again, a good key stays good."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from contacts.domain.errors import DatabaseUnavailable
from tests.conftest import forget
from tests.engine.api_key import API_KEY, LISTED_API_KEY, authorize
from tests.engine.fault_proxy import FaultProxy, faults_of
from tests.engine.flows import NEW_PHONE, PHONE, Scene
from tests.engine.table import Row, Table
from tests.events import ACME
from tests.handlers import deliver

FAULTS = ["lost request", "lost reply", "half a reply", "ThrottlingException", "503"]
AT = "2026-11-24T09:00:00.000Z"
MESSAGE = {"tenantId": ACME.id, "displayName": "Grace", "receivedAt": AT}
COMMAND = {"tenantId": ACME.id, "source": "API", "issuedAt": AT}
STEPS: list[tuple[str, dict[str, Any], str]] = [
    ("record_inbound_message", MESSAGE | {"phone": NEW_PHONE}, "GetItem"),
    ("record_inbound_message", MESSAGE | {"phone": NEW_PHONE}, "TransactWriteItems"),
    ("record_inbound_message", MESSAGE | {"phone": PHONE}, "GetItem"),
    ("record_inbound_message", MESSAGE | {"phone": PHONE}, "UpdateItem"),
    ("apply_tag_command", COMMAND | {"action": "ASSIGN", "tagId": ACME.tag_ids[1]}, "BatchGetItem"),
    ("apply_tag_command", COMMAND | {"action": "ASSIGN", "tagId": ACME.tag_ids[1]}, "UpdateItem"),
    ("apply_tag_command", COMMAND | {"action": "REMOVE", "tagId": ACME.tag_ids[0]}, "GetItem"),
    ("apply_tag_command", COMMAND | {"action": "REMOVE", "tagId": ACME.tag_ids[0]}, "UpdateItem"),
]


@pytest.mark.parametrize("times", [1, None], ids=["once", "lasting"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("function", "message", "operation"), STEPS)
def test_a_message_is_done_once_or_comes_again(
    scene: Scene,
    table: Table,
    first_rows: list[Row],
    proxy: FaultProxy,
    function: str,
    message: dict[str, Any],
    operation: str,
    fault: str,
    times: int | None,
) -> None:
    message |= {"contactId": scene.contact_id}
    assert deliver_anew(function, message) == []
    done = scene.rows
    table.replace(first_rows)
    with proxy.failing(faults_of(operation)[fault], operation, times=times):
        if times:
            assert deliver_anew(function, message) == []
        else:
            with pytest.raises(BatchProcessingError):
                deliver_anew(function, message)  # the whole batch, which is this message, comes again
    assert deliver_anew(function, message) == []
    assert scene.rows == done


def deliver_anew(function: str, message: dict[str, Any]) -> list[int]:
    forget()
    return deliver(function, message)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_is_good_while_its_use_cannot_be_noted(table: Table, proxy: FaultProxy, fault: str) -> None:
    table.put(API_KEY)
    table.put(LISTED_API_KEY)
    with proxy.failing(faults_of("GetItem")[fault], "GetItem"):
        expected = authorize()
    assert expected["context"]["tenantId"] == ACME.id
    table.put(API_KEY)  # as if it had never been used
    with proxy.failing(faults_of("UpdateItem")[fault], "UpdateItem", times=None):
        assert authorize() == expected
    with proxy.failing(faults_of("GetItem")[fault], "GetItem", times=None), pytest.raises(DatabaseUnavailable):
        authorize()

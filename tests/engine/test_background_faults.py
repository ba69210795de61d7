"""The consumers of the queues and the authorizer under faults."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from contacts.domain.errors import DatabaseUnavailable
from tests.engine.api_key import API_KEY, LISTED_API_KEY, authorize
from tests.engine.fault_proxy import FaultProxy, faults_of
from tests.engine.flows import CONTACT_ID, NEW_PHONE, PHONE, Scene, deliver_anew
from tests.engine.table import Table
from tests.events import ACME

FAULTS = ["lost request", "lost reply", "half a reply", "ThrottlingException", "503"]
AT = "2026-11-24T09:00:00.000Z"
MESSAGE = {"tenantId": ACME.id, "displayName": "Grace", "receivedAt": AT}
COMMAND = {"tenantId": ACME.id, "contactId": CONTACT_ID, "source": "API", "issuedAt": AT}
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
def test_a_message_has_its_effect_once_or_is_delivered_again(
    scene: Scene,
    table: Table,
    proxy: FaultProxy,
    function: str,
    message: dict[str, Any],
    operation: str,
    fault: str,
    times: int | None,
) -> None:
    done = scene.rows_after(function, message)
    with proxy.failing(faults_of(operation)[fault], operation, times=times):
        if times:
            assert deliver_anew(function, message) == []
        else:
            with pytest.raises(BatchProcessingError):
                deliver_anew(function, message)  # SQS delivers the whole batch again
    assert deliver_anew(function, message) == []
    assert scene.rows == done


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_stays_valid_while_its_use_cannot_be_recorded(table: Table, proxy: FaultProxy, fault: str) -> None:
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

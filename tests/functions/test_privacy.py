"""What is left of a person after DELETE, and where nothing of a person ever is. docs/privacy.md lists it."""

import json
import re
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb.service_resource import Table

from contacts.storage import contacts
from local import ROOT
from tests.events import Tenant
from tests.faults import refuse
from tests.functions.conftest import Wire, create_queue
from tests.handlers import call, deliver
from tests.refusals import CONTACT_NOT_FOUND

PHONE, NAME, REASON = "491512345678", "Ada Lovelace", "Asked for an invoice"
PERSONAL = PHONE, NAME, REASON


def create(tenant: Tenant, *, with_keys: bool = False) -> str:
    """The id of a contact that holds a tag. Its requests can have Idempotency-Keys."""
    first, second = ({"Idempotency-Key": key} if with_keys else {} for key in ("first", "second"))
    person = {"phone": PHONE, "display_name": NAME}
    _, contact = call("upsert_contact", tenant, json_body=person, headers=first)
    assigned = {"tag_id": tenant.tag_ids[0], "reason": REASON}
    assert call("assign_tag", tenant, contactId=contact["id"], json_body=assigned, headers=second)[0] == 201
    return str(contact["id"])


def items_with_personal_data(table: Table) -> list[dict[str, Any]]:
    items = table.scan()["Items"]
    return [item for item in items if any(text in json.dumps(item, default=str) for text in PERSONAL)]


def test_after_a_deletion_no_item_has_personal_data(acme: Tenant, table: Table) -> None:
    contact_id = create(acme)
    assert len(items_with_personal_data(table)) == 2
    assert call("delete_contact", acme, contactId=contact_id)[0] == 200
    assert items_with_personal_data(table) == []


def test_kept_answers_outlive_a_deletion_by_24_hours_at_most(acme: Tenant, table: Table) -> None:
    contact_id = create(acme, with_keys=True)
    assert call("delete_contact", acme, contactId=contact_id)[0] == 200
    left = items_with_personal_data(table)
    assert [item["pk"].endswith("#IDEMPOTENCY") for item in left] == [True, True]
    assert max(item["expires_at"] for item in left) <= time.time() + 24 * 60 * 60


def test_a_message_that_was_still_in_the_queue_creates_the_person_again(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("InboundMessagesDeadLetters").url)
    contact_id = create(acme)
    call("delete_contact", acme, contactId=contact_id)
    message = {"tenantId": acme.id, "phone": PHONE, "displayName": NAME, "receivedAt": "2026-01-01T00:00:00Z"}
    assert deliver("record_inbound_message", message) == []
    status, contact = call("get_contact_by_phone", acme, query={"phone": PHONE})
    assert (status, contact["displayName"]) == (200, NAME)
    assert contact["id"] != contact_id
    assert call("get_contact", acme, contactId=contact_id) == CONTACT_NOT_FOUND


def test_a_contact_that_a_restore_brought_back_is_deleted_by_its_old_id(acme: Tenant, table: Table) -> None:
    contact_id = create(acme)
    backup = table.scan()["Items"]
    call("delete_contact", acme, contactId=contact_id)
    for item in backup:
        table.put_item(Item=item)
    assert call("delete_contact", acme, contactId=contact_id) == (200, {"ok": True})
    assert items_with_personal_data(table) == []


def test_a_function_remembers_phones_and_ids_but_no_names_or_reasons(acme: Tenant) -> None:
    contact_id = create(acme)
    call("get_contact", acme, contactId=contact_id)
    remembered = repr((contacts._known_phones, contacts._recent_messages))
    assert PHONE in remembered
    assert [text for text in (NAME, REASON) if text in remembered] == []


def test_metrics_have_stage_kind_outcome_and_latency_only(acme: Tenant, log: Callable[[], str]) -> None:
    create(acme)
    metrics = [line for line in map(json.loads, log().splitlines()) if "_aws" in line]
    assert [{name: value for name, value in line.items() if name not in {"_aws", "Latency"}} for line in metrics] == [
        {"Stage": "local", "Kind": "Write", "CREATED": [1.0]},
        {"Stage": "local", "Kind": "Write", "CREATED": [1.0]},
    ]


@pytest.mark.parametrize("fault", [EndpointConnectionError(endpoint_url="https://dynamodb"), refuse("Validation")])
def test_an_exception_that_leaves_a_function_has_no_personal_data(
    acme: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    """Lambda's runtime sends its type, message and stack to X-Ray."""
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", create_queue("InboundMessagesDeadLetters").url)
    wire.fail("GetItem", repeat(fault))
    message = {"tenantId": acme.id, "phone": PHONE, "displayName": NAME, "receivedAt": "2026-01-01T00:00:00Z"}
    with pytest.raises(BatchProcessingError) as failure:
        deliver("record_inbound_message", message)
    assert "Traceback" in str(failure.value)
    assert [text for text in PERSONAL if text in str(failure.value)] == []


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs/privacy.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    assert len(named) > 10
    assert [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []

"""What a cold start prepares, and what a passed deadline prevents."""

import time
from typing import cast

import pytest
from botocore.awsrequest import AWSPreparedRequest

from contacts.access import secrets
from contacts.domain.errors import DatabaseUnavailable
from contacts.storage import table
from contacts.storage.items import TagItem
from tests.events import ACME
from tests.functions.conftest import Wire
from tests.handlers import call


@pytest.mark.usefixtures("table")
def test_the_clients_are_made_without_a_request(wire: Wire) -> None:
    table.connect()
    secrets.connect()
    assert wire.operations == []


@pytest.mark.usefixtures("table")
def test_the_user_agent_names_the_sdk_and_is_the_same_for_all_requests() -> None:
    """botocore's own one is put together again for each request, which is a tenth of the request's CPU time."""
    sent: list[bytes] = []

    def note(request: AWSPreparedRequest, **_: object) -> None:
        sent.append(cast("bytes", request.headers["User-Agent"]))

    connection = table.connection()
    connection.client.meta.events.register("before-send", note)
    try:
        for tag_id in ACME.tag_ids[:2]:
            table.Table().read(TagItem, TagItem.key(ACME.id, tag_id))
    finally:
        connection.client.meta.events.unregister("before-send", note)
    first, second = sent
    assert first == second
    assert first.startswith(connection.session.user_agent().encode())  # Powertools adds its own version
    assert first.startswith(b"Botocore/")


def test_after_the_deadline_no_key_is_read(wire: Wire) -> None:
    with pytest.raises(DatabaseUnavailable):
        table.Table(time.monotonic() - 1).batch_read([TagItem.key(ACME.id, ACME.tag_ids[0])])
    assert wire.operations == []


def test_a_signed_request_with_an_empty_idempotency_key_is_refused(wire: Wire) -> None:
    """Its canonical text would be that of a request without the header."""
    headers = {
        "X-SigFollow-Timestamp": str(int(time.time())),
        "X-SigFollow-Signature": "sha256=" + 64 * "0",
        "Idempotency-Key": "",
    }
    status, body = call("whoami", ACME, headers=headers, key={"requireSignature": "true"})
    assert (status, body["error"]["error_data"]["reason"]) == (401, "bad_signature")

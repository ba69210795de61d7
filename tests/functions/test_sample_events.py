"""The functions understand the sample events in events/."""

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access.authorizer import Unauthorized
from tests import contract
from tests.document import OPERATIONS, Operation
from tests.events import sample_event
from tests.handlers import invoke


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_on_an_empty_table_a_sample_is_a_404_where_openapi_documents_one(table: Table, operation: Operation) -> None:
    status = invoke(operation.function, sample_event(operation.function))["statusCode"]
    assert status == (404 if 404 in operation.statuses else contract.ENDPOINTS[operation.route].successes[0])


def test_the_samples_have_one_contact(table: Table) -> None:
    invoke("upsert_contact", sample_event("upsert_contact"))
    assert invoke("get_contact_by_phone", sample_event("get_contact_by_phone"))["statusCode"] == 200


def test_the_key_of_the_samples_is_unknown(table: Table) -> None:
    with pytest.raises(Unauthorized):
        invoke("authorizer", sample_event("authorizer"))


@pytest.mark.parametrize("function", ["record_inbound_message", "apply_tag_command", "publish_changes"])
def test_no_message_or_record_of_a_sample_fails(table: Table, function: str) -> None:
    assert invoke(function, sample_event(function)) == {"batchItemFailures": []}

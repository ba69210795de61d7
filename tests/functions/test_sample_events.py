"""The events of `sam local invoke` are events that the functions understand."""

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from contacts.access.authorizer import Unauthorized
from local import ROOT
from tests.events import sample_event
from tests.handlers import invoke


@pytest.mark.parametrize(
    ("function", "status"),
    [
        ("upsert_contact", 201),
        ("get_contact_by_phone", 404),
        ("get_contact", 404),
        ("update_contact", 404),
        ("delete_contact", 404),
        ("assign_tag", 404),
        ("remove_tag", 200),
        ("whoami", 200),
    ],
)
def test_on_an_empty_table_a_sample_is_answered(table: Table, function: str, status: int) -> None:
    assert invoke(function, sample_event(function))["statusCode"] == status


def test_the_samples_speak_of_one_contact(table: Table) -> None:
    invoke("upsert_contact", sample_event("upsert_contact"))
    assert invoke("get_contact_by_phone", sample_event("get_contact_by_phone"))["statusCode"] == 200


def test_the_key_of_the_samples_is_in_no_table(table: Table) -> None:
    with pytest.raises(Unauthorized):
        invoke("authorizer", sample_event("authorizer"))


@pytest.mark.parametrize("function", ["record_inbound_message", "apply_tag_command"])
def test_a_sample_of_a_queue_is_handled_whole(table: Table, function: str) -> None:
    assert invoke(function, sample_event(function)) == {"batchItemFailures": []}


def test_no_sample_is_without_its_test() -> None:
    assert len(list((ROOT / "events").iterdir())) == 11

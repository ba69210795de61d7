"""The peers of the benchmarks behave like the API: the contract's core cases against each of them."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.events import Tenant, build_event
from tests.handlers import call, run_handler
from tests.refusals import CONTACT_NOT_FOUND, NO_DIGITS, TAG_LIMIT_REACHED, TAG_NOT_FOUND, WRONG_LENGTH

pytestmark = pytest.mark.filterwarnings("ignore:There is no current event loop")  # Mangum creates one

type Api = Callable[..., tuple[int, Any]]

PHONE = "+49 151 234-5678"
DIGITS = "491512345678"


@pytest.fixture(params=["product", "fastapi_mangum", "powertools_resolver", "plain_boto3"])
def api(request: pytest.FixtureRequest) -> Api:
    """Returns status and body of the answer; takes the arguments of tests.handlers.call."""
    if request.param == "product":
        return call
    app = importlib.import_module(f"benchmarks.peers.apps.{request.param}")

    def call_peer(function: str, tenant: Tenant, **request: Any) -> tuple[int, Any]:
        handler = getattr(app, "handler", None) or getattr(app, function)
        answer = run_handler(handler, function, build_event(function, tenant, **request))
        return answer["statusCode"], json.loads(answer["body"])

    return call_peer


@pytest.fixture
def contact(api: Api, acme: Tenant) -> dict[str, Any]:
    status, contact = api("upsert_contact", acme, json_body={"phone": PHONE, "display_name": " Ada "})
    assert status == 201
    return contact  # type: ignore[no-any-return]


def field(refusal: tuple[int, Any]) -> tuple[int, str]:
    status, body = refusal
    assert body["error"]["code"] == 100
    return status, body["error"]["error_data"]["field"]


def test_a_new_contact(contact: dict[str, Any], acme: Tenant) -> None:
    now = contact["createdAt"]
    assert contact == {
        "id": contact["id"],
        "tenantId": acme.id,
        "phone": DIGITS,
        "displayName": "Ada",
        "firstSeenAt": now,
        "lastSeenAt": now,
        "createdAt": now,
        "updatedAt": now,
    }


def test_an_existing_contact_is_refreshed(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    status, refreshed = api("upsert_contact", acme, json_body={"phone": DIGITS})
    assert status == 200
    assert refreshed == contact | {"lastSeenAt": refreshed["updatedAt"], "updatedAt": refreshed["updatedAt"]}


def test_a_contact_is_found_by_phone_and_by_id(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    found = 200, contact | {"tagAssignments": []}
    assert api("get_contact_by_phone", acme, query={"phone": "(49) 151.2345678"}) == found
    assert api("get_contact", acme, contactId=contact["id"]) == found


def test_a_missing_contact_or_one_of_another_tenant_is_a_404(
    api: Api, acme: Tenant, globex: Tenant, contact: dict[str, Any]
) -> None:
    assert api("get_contact_by_phone", acme, query={"phone": "99999"}) == CONTACT_NOT_FOUND
    assert api("get_contact", acme, contactId="c7777777") == CONTACT_NOT_FOUND
    assert api("get_contact", globex, contactId=contact["id"]) == CONTACT_NOT_FOUND
    assert api("update_contact", globex, contactId=contact["id"], json_body={"display_name": "x"}) == CONTACT_NOT_FOUND
    assert api("delete_contact", globex, contactId=contact["id"]) == CONTACT_NOT_FOUND


def test_an_invalid_parameter_is_named(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    assert api("get_contact_by_phone", acme, query={"phone": "12345x"}) == NO_DIGITS
    assert api("upsert_contact", acme, json_body={"phone": "1234"}) == WRONG_LENGTH
    assert field(api("get_contact_by_phone", acme)) == (400, "phone")
    assert field(api("upsert_contact", acme, json_body={})) == (400, "phone")
    assert field(api("upsert_contact", acme, json_body={"phone": 491512345678})) == (400, "phone")
    assert field(api("upsert_contact", acme, json_body={"phone": DIGITS, "display_name": 7})) == (400, "display_name")
    assert field(api("upsert_contact", acme, body='{"phone":')) == (400, "body")
    assert field(api("update_contact", acme, contactId=contact["id"], json_body={"phone": "1"})) == (400, "phone")
    assert field(api("assign_tag", acme, contactId=contact["id"], json_body={})) == (400, "tag_id")
    long_reason = {"tag_id": acme.tag_ids[0], "reason": 501 * "x"}
    assert field(api("assign_tag", acme, contactId=contact["id"], json_body=long_reason)) == (400, "reason")


@pytest.mark.parametrize(("name", "kept"), [("Grace", "Grace"), (None, None), ("  ", None)])
def test_a_contact_is_renamed(
    api: Api, acme: Tenant, contact: dict[str, Any], name: str | None, kept: str | None
) -> None:
    status, renamed = api("update_contact", acme, contactId=contact["id"], json_body={"display_name": name})
    assert (status, renamed) == (200, contact | {"displayName": kept, "updatedAt": renamed["updatedAt"]})


def test_a_patch_without_fields_changes_nothing(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    assert api("update_contact", acme, contactId=contact["id"], json_body={}) == (200, contact)


def test_deleting_a_contact_again_is_a_404(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    assert api("delete_contact", acme, contactId=contact["id"]) == (200, {"ok": True})
    assert api("delete_contact", acme, contactId=contact["id"]) == CONTACT_NOT_FOUND
    assert api("get_contact_by_phone", acme, query={"phone": PHONE}) == CONTACT_NOT_FOUND


def test_assigning_a_tag_again_updates_the_assignment(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    tag_id = acme.tag_ids[0]
    status, first = api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id, "reason": "VIP"})
    now = first["createdAt"]
    assert (status, first) == (
        201,
        {
            "contactId": contact["id"],
            "tagId": tag_id,
            "source": "API",
            "reason": "VIP",
            "createdAt": now,
            "updatedAt": now,
        },
    )
    status, second = api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id})
    assert (status, second) == (200, first | {"reason": None, "updatedAt": second["updatedAt"]})
    assert api("get_contact", acme, contactId=contact["id"])[1]["tagAssignments"] == [second]


def test_a_contact_takes_at_most_twenty_tags(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    *first_20, last = acme.tag_ids
    for tag_id in first_20:
        assert api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id})[0] == 201
    assert api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": last}) == TAG_LIMIT_REACHED


def test_assigning_a_missing_tag_or_to_a_missing_contact_is_a_404(
    api: Api, acme: Tenant, globex: Tenant, contact: dict[str, Any]
) -> None:
    for tag_id in acme.deleted_tag_id, globex.tag_ids[0], "c7777777":
        assert api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": tag_id}) == TAG_NOT_FOUND
    unknown = {"contactId": "c7777777", "json_body": {"tag_id": acme.tag_ids[0]}}
    assert api("assign_tag", acme, **unknown) == CONTACT_NOT_FOUND


def test_removing_a_tag_succeeds_whether_it_is_there_or_not(api: Api, acme: Tenant, contact: dict[str, Any]) -> None:
    assert api("assign_tag", acme, contactId=contact["id"], json_body={"tag_id": acme.tag_ids[0]})[0] == 201
    for _ in range(2):
        assert api("remove_tag", acme, contactId=contact["id"], tagId=acme.tag_ids[0]) == (200, {"ok": True})
    assert api("remove_tag", acme, contactId="c7777777", tagId=acme.tag_ids[0]) == (200, {"ok": True})
    assert api("get_contact", acme, contactId=contact["id"])[1]["tagAssignments"] == []

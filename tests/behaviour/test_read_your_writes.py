"""As soon as a write is answered, reads by phone and by id see it."""

from typing import Any

from tests.refusals import CONTACT_NOT_FOUND
from tests.system import Caller, Customer


def reads(api: Caller, contact: dict[str, Any]) -> list[tuple[int, Any]]:
    return [
        api.call("GET", f"/v1/contacts/{contact['id']}"),
        api.call("GET", f"/v1/contacts/by-phone?phone={contact['phone']}"),
    ]


def test_every_read_sees_the_writes_before_it(api: Caller, customer: Customer, phone: str) -> None:
    for tag_id in customer.tag_ids[:5]:  # repeated, because a stale read is a matter of chance
        status, contact = api.call("POST", "/v1/contacts", json_body={"phone": phone})
        assert status == 201
        assert reads(api, contact) == [(200, contact | {"tagAssignments": []})] * 2

        path = f"/v1/contacts/{contact['id']}"
        _, assignment = api.call("POST", f"{path}/tags", json_body={"tag_id": tag_id})
        assert reads(api, contact) == [(200, contact | {"tagAssignments": [assignment]})] * 2

        _, renamed = api.call("PATCH", path, json_body={"display_name": "Grace Hopper"})
        assert reads(api, contact) == [(200, renamed | {"tagAssignments": [assignment]})] * 2

        _, refreshed = api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada Lovelace"})
        assert reads(api, contact) == [(200, refreshed | {"tagAssignments": [assignment]})] * 2

        assert api.call("DELETE", f"{path}/tags/{tag_id}") == (200, {"ok": True})
        assert reads(api, contact) == [(200, refreshed | {"tagAssignments": []})] * 2

        assert api.call("DELETE", path) == (200, {"ok": True})
        assert reads(api, contact) == [CONTACT_NOT_FOUND] * 2

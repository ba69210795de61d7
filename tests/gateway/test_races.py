"""Callers who send the same request at the same moment."""

from collections import Counter
from functools import partial
from itertools import chain
from typing import Any

import pytest

from tests.refusals import CONTACT_NOT_FOUND, TAG_LIMIT_REACHED
from tests.system import Caller, Customer, at_once, new_phone

# The first race of an endpoint starts its environments one after the other; only later races are close.
REPEATED = pytest.mark.parametrize("race", range(5))


@REPEATED
def test_20_callers_who_create_the_same_contact_get_one_contact(api: Caller, phone: str, race: int) -> None:
    answers = at_once([partial(api.call, "POST", "/v1/contacts", json_body={"phone": phone})] * 20)
    assert Counter(status for status, _ in answers) == {201: 1, 200: 19}
    assert len({(contact["id"], contact["firstSeenAt"], contact["createdAt"]) for _, contact in answers}) == 1
    _, found = api.call("GET", f"/v1/contacts/by-phone?phone={phone}")
    assert found["lastSeenAt"] in {contact["lastSeenAt"] for _, contact in answers}


@REPEATED
def test_a_race_for_the_last_tags_assigns_exactly_20(
    api: Caller, customer: Customer, contact: dict[str, Any], race: int
) -> None:
    path = f"/v1/contacts/{contact['id']}"
    answers = at_once(
        [partial(api.call, "POST", f"{path}/tags", json_body={"tag_id": tag_id}) for tag_id in customer.tag_ids]
    )
    assert Counter(status for status, _ in answers) == {201: 20, 409: len(customer.tag_ids) - 20}
    assert [answer for answer in answers if answer[0] == 409] == [TAG_LIMIT_REACHED] * (len(customer.tag_ids) - 20)
    _, found = api.call("GET", path)
    assigned = [assignment for status, assignment in answers if status == 201]
    assert found["tagAssignments"] == sorted(assigned, key=lambda each: (each["createdAt"], each["tagId"]))


@REPEATED
def test_20_callers_who_assign_the_same_tag_make_one_assignment(
    api: Caller, customer: Customer, contact: dict[str, Any], race: int
) -> None:
    path, body = f"/v1/contacts/{contact['id']}/tags", {"tag_id": customer.tag_ids[0]}
    answers = at_once([partial(api.call, "POST", path, json_body=body)] * 20)
    assert Counter(status for status, _ in answers) == {201: 1, 200: 19}
    assert len({assignment["createdAt"] for _, assignment in answers}) == 1


@REPEATED
def test_20_callers_who_delete_the_same_contact_delete_it_once(api: Caller, contact: dict[str, Any], race: int) -> None:
    answers = at_once([partial(api.call, "DELETE", f"/v1/contacts/{contact['id']}")] * 20)
    assert sorted(answers, key=lambda answer: answer[0]) == [(200, {"ok": True})] + [CONTACT_NOT_FOUND] * 19


def test_200_requests_by_20_callers_to_8_contacts_cause_no_server_error(api: Caller, customer: Customer) -> None:
    phones = [new_phone() for _ in range(8)]
    ids = [api.call("POST", "/v1/contacts", json_body={"phone": phone})[1]["id"] for phone in phones]
    requests = [
        ("GET", "/v1/contacts/{id}", None),
        ("PATCH", "/v1/contacts/{id}", {"display_name": "Grace Hopper"}),
        ("POST", "/v1/contacts/{id}/tags", {"tag_id": "{tag}"}),
        ("POST", "/v1/contacts", {"phone": "{phone}"}),
        ("DELETE", "/v1/contacts/{id}/tags/{tag}", None),
        ("GET", "/v1/contacts/by-phone?phone={phone}", None),
        ("DELETE", "/v1/contacts/{id}", None),
    ]

    def call_ten_times(caller: int) -> list[tuple[int, Any]]:
        answers = []
        for number in range(caller, caller + 10):
            method, target, body = requests[number % 7]
            names = {"id": ids[caller % 8], "phone": phones[caller % 8], "tag": customer.tag_ids[number % 3]}
            filled = body and {name: value.format(**names) for name, value in body.items()}
            answers.append(api.call(method, target.format(**names), json_body=filled))
        return answers

    answers = list(chain.from_iterable(at_once([partial(call_ten_times, caller) for caller in range(20)])))
    assert len(answers) == 200
    assert {status for status, _ in answers} == {200, 201, 404}
    for phone in phones:  # whichever request won, both reads show the same
        by_phone = api.call("GET", f"/v1/contacts/by-phone?phone={phone}")
        assert by_phone == CONTACT_NOT_FOUND or by_phone == api.call("GET", f"/v1/contacts/{by_phone[1]['id']}")

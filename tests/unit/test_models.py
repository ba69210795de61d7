import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contacts.domain.errors import InvalidParameter
from contacts.parsing import json as json_object
from contacts.web.bodies.assign_tag import TagAssign
from contacts.web.bodies.update_contact import ContactUpdate
from contacts.web.bodies.upsert_contact import ContactUpsert
from contacts.web.bodies.upsert_contacts import BatchContact

PHONE = {"phone": "+49 151 2345678"}
TAG = {"tag_id": "cm3tag0vip"}
SEVEN, THIRTY_ONE = "a1b2c3d", "z" * 31

NOT_A_STRING = "Input should be a valid string."
NO_UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string."
NOT_STORABLE = "Input should have neither NUL characters nor lone surrogates."
NO_TAG_ID = "String should match pattern '^c[a-z0-9]{7,31}$'."


def parse[Model: BaseModel](model: type[Model], body: dict[str, Any]) -> Model:
    return json_object.parse(model, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n", "Ada"),
        ("\u3000Ada\u00a0", "Ada"),
        ("Ada  Lovelace", "Ada  Lovelace"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 128),
        ("😀" * 200, "😀" * 128),
        (" " * 200 + "x" * 129, "x" * 128),
        ("", None),
        (" \t\n\u2003", None),
        (None, None),
        ("null", "null"),
        ("\u202eAda\r\x1b[31m", "\u202eAda\r\x1b[31m"),
    ],
)
def test_a_display_name_is_trimmed_then_cut_and_blank_is_null(given: str | None, kept: str | None) -> None:
    assert parse(ContactUpsert, PHONE | {"display_name": given}).display_name == kept
    assert parse(ContactUpdate, {"display_name": given}).changes == {"display_name": kept}


def test_a_display_name_is_optional() -> None:
    assert parse(ContactUpsert, PHONE) == ContactUpsert(phone="491512345678", display_name=None)
    assert parse(ContactUpdate, {}).changes == {}


@pytest.mark.parametrize("reason", ["", " kept as it is ", "x" * 500, "😀" * 500, None])
def test_a_reason_is_not_changed(reason: str | None) -> None:
    assert parse(TagAssign, TAG | {"reason": reason}).reason == reason


def test_a_reason_is_optional() -> None:
    assert parse(TagAssign, TAG).reason is None


@pytest.mark.parametrize("tag_id", ["c" + SEVEN, "c" + THIRTY_ONE, "c0000000"])
def test_a_tag_id_is_a_c_and_7_to_31_lower_case_letters_and_digits(tag_id: str) -> None:
    assert parse(TagAssign, {"tag_id": tag_id}).tag_id == tag_id


@pytest.mark.parametrize("body", [{"phone": "12345", "tenantId": "x", "id": None}, {"phone": "12345", "": {"a": []}}])
def test_unknown_fields_are_ignored(body: dict[str, Any]) -> None:
    assert parse(ContactUpsert, body) == ContactUpsert(phone="12345")


@pytest.mark.parametrize(
    ("model", "body", "field", "details"),
    [
        (ContactUpsert, {}, "phone", "phone: Field required."),
        (ContactUpsert, {"Phone": "12345"}, "phone", "phone: Field required."),
        (ContactUpsert, {"phone": None}, "phone", f"phone: {NOT_A_STRING}"),
        (ContactUpsert, {"phone": 4915123456}, "phone", f"phone: {NOT_A_STRING}"),
        (ContactUpsert, {"phone": True}, "phone", f"phone: {NOT_A_STRING}"),
        (ContactUpsert, {"phone": ["12345"]}, "phone", f"phone: {NOT_A_STRING}"),
        (ContactUpsert, {"phone": {"phone": "12345"}}, "phone", f"phone: {NOT_A_STRING}"),
        (ContactUpsert, {"phone": "12345\ud800"}, "phone", "phone must contain digits and the usual separators only."),
        (ContactUpsert, {"phone": "1234"}, "phone", "phone must have 5 to 32 digits."),
        (BatchContact, PHONE | {"tags": [{}] * 20}, "tags[0].tag_id", "tags[0].tag_id: Field required."),
        (BatchContact, PHONE | {"tags": [{}] * 21}, "tags", "tags: Input should have at most 20 entries."),
        (ContactUpsert, {"phone": "12345\0"}, "phone", "phone must contain digits and the usual separators only."),
        (ContactUpsert, PHONE | {"display_name": 1}, "display_name", f"display_name: {NOT_A_STRING}"),
        (ContactUpsert, PHONE | {"display_name": False}, "display_name", f"display_name: {NOT_A_STRING}"),
        (ContactUpsert, PHONE | {"display_name": "\0"}, "display_name", f"display_name: {NOT_STORABLE}"),
        (ContactUpsert, PHONE | {"display_name": "A\udfff"}, "display_name", f"display_name: {NOT_STORABLE}"),
        (ContactUpdate, {"display_name": ["Ada"]}, "display_name", f"display_name: {NOT_A_STRING}"),
        (ContactUpdate, {"display_name": "A\0da"}, "display_name", f"display_name: {NOT_STORABLE}"),
        (ContactUpdate, {"display_name": "x" * 200 + "\0"}, "display_name", f"display_name: {NOT_STORABLE}"),
        (TagAssign, {}, "tag_id", "tag_id: Field required."),
        (TagAssign, {"tag_id": None}, "tag_id", f"tag_id: {NOT_A_STRING}"),
        (TagAssign, {"tag_id": 7}, "tag_id", f"tag_id: {NOT_A_STRING}"),
        (TagAssign, {"tag_id": ""}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": SEVEN}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "c" + SEVEN[1:]}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "cz" + THIRTY_ONE}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "C" + SEVEN}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "c" + SEVEN + "\n"}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "c" + SEVEN + "é"}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, {"tag_id": "c" + SEVEN + "#x"}, "tag_id", f"tag_id: {NO_TAG_ID}"),
        (TagAssign, TAG | {"reason": 1}, "reason", f"reason: {NOT_A_STRING}"),
        (TagAssign, TAG | {"reason": "\0"}, "reason", f"reason: {NOT_STORABLE}"),
        (TagAssign, TAG | {"reason": "\ud83d"}, "reason", f"reason: {NO_UNICODE}"),
        (TagAssign, TAG | {"reason": "x" * 501}, "reason", "reason: String should have at most 500 characters."),
        (TagAssign, {"reason": 1}, "tag_id", "tag_id: Field required."),
    ],
)
def test_the_refusal_names_the_first_malformed_field(
    model: type[BaseModel], body: dict[str, Any], field: str, details: str
) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse(model, body)
    assert refusal.value.error_data == {"details": details, "field": field}


@pytest.mark.parametrize("phone", ["+49 151 2345678", "", None, 1, {}])
def test_the_refusal_of_another_phone_says_what_to_do_instead(phone: object) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse(ContactUpdate, {"display_name": "Ada", "phone": phone})
    assert refusal.value.error_data == {
        "details": "The phone is the contact's identity: delete the contact and create one with the other phone.",
        "field": "phone",
    }


def test_a_refusal_does_not_repeat_the_input() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse(TagAssign, {"tag_id": "+49 151 2345678"})
    assert "151" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_parsed_body_is_immutable() -> None:
    body = parse(ContactUpsert, PHONE)
    with pytest.raises(ValidationError):
        body.phone = "99999"  # type: ignore[misc]

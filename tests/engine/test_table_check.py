"""`python -m admin check` reports each inconsistency of the table, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from admin.__main__ import main
from contacts.storage.items import ContactPointer
from tests.engine.api_key import API_KEY, LISTED_API_KEY
from tests.engine.conftest import findings
from tests.engine.flows import CONTACT_ID, PHONE
from tests.engine.table import Row, Table
from tests.events import ACME

CONTACT = f"{ACME.id}#{PHONE}"
TAGS = f"{ACME.id}#TAGS"


def find(rows: list[Row], pk: str, sk: str) -> Row:
    return next(row for row in rows if (row["pk"]["S"], row["sk"]["S"]) == (pk, sk))


def contact(rows: list[Row]) -> Row:
    return find(rows, CONTACT, "CONTACT")


def pointer(rows: list[Row]) -> Row:
    return find(rows, *ContactPointer.key(ACME.id, CONTACT_ID))


def tags(number: int) -> dict[str, Row]:
    held: Row = {"M": {f"ctag{each:04}": {"M": {}} for each in range(number)}}
    return {"tags": held, "tag_origins": held}


type Damage = Callable[[Table, list[Row]], None]


@pytest.mark.parametrize(
    ("damage", "id_", "problem"),
    [
        (lambda t, rows: t.remove(pointer(rows)), CONTACT_ID, "The contact has no pointer."),
        (lambda t, rows: t.remove(contact(rows)), CONTACT_ID, "The pointer leads to no contact."),
        (
            lambda t, rows: t.put(contact(rows) | {"tag_origins": {"M": {}}}),
            CONTACT_ID,
            "The contact's tags and their origins differ.",
        ),
        (lambda t, rows: t.put(contact(rows) | tags(21)), CONTACT_ID, "The contact holds 21 tags."),
        (
            lambda t, rows: t.remove(find(rows, TAGS, "NAME#tag 0")),
            ACME.tag_ids[0],
            "The tag's name is not reserved.",
        ),
        (
            lambda t, rows: t.put(
                find(rows, TAGS, ACME.tag_ids[0]) | {"deleted_at": {"S": "2026-11-24T09:00:00.000Z"}}
            ),
            "NAME#tag 0",
            "The name is reserved for a tag that does not exist.",
        ),
        (lambda t, _: t.put(API_KEY), ACME.key_id, "The key is not in its tenant's list."),
        (lambda t, _: t.put(LISTED_API_KEY), ACME.key_id, "The tenant's list has a key that does not exist."),
        (
            lambda t, _: t.put({"pk": {"S": ACME.id}, "sk": {"S": "?"}}),
            "?",
            "The kind of this item is unknown.",
        ),
    ],
)
def test_each_inconsistency_is_found(
    table: Table, first_rows: list[Row], damage: Damage, id_: str, problem: str
) -> None:
    damage(table, first_rows)
    found = [asdict(each) for each in findings()]
    table.replace(first_rows)
    assert found == [{"tenant_id": ACME.id, "id": id_, "problem": problem}]


def test_a_contact_with_the_pointer_of_another_contact_is_found(table: Table, first_rows: list[Row]) -> None:
    other = contact(first_rows) | {"pk": {"S": f"{ACME.id}#99999"}}
    table.put(other)
    found = findings()
    table.remove(other)
    assert [each.problem for each in found] == ["The contact has no pointer."]


def test_consistent_keys_and_tags_are_not_reported(table: Table) -> None:
    table.put(API_KEY)
    table.put(LISTED_API_KEY)
    assert findings() == []


def test_the_command_counts_the_items(table: Table, first_rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, check=lambda exited: exited.code == 0):
        main(["check"])
    assert capsys.readouterr().out == f"All {len(first_rows)} items are correct.\n"
    with pytest.raises(SystemExit, check=lambda exited: exited.code == 0):
        main(["check", "--json"])
    assert json.loads(capsys.readouterr().out) == {"items": len(first_rows), "findings": []}


def test_the_command_fails_if_there_is_a_finding(
    table: Table, first_rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    table.remove(pointer(first_rows))
    with pytest.raises(SystemExit, check=lambda exited: exited.code == 1):
        main(["check"])
    shown = capsys.readouterr()
    table.put(pointer(first_rows))
    assert CONTACT_ID in shown.out
    assert "The contact has no pointer." in shown.out
    assert PHONE not in shown.out + shown.err

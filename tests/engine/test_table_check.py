"""`python -m admin check` reports each inconsistency of the table, and nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from admin.__main__ import main
from admin.commands import table as command
from admin.table_check import Finding, check_segment, check_tenant
from contacts.storage.items import ContactPointer
from tests.engine.api_key import API_KEY, LISTED_API_KEY
from tests.engine.conftest import findings
from tests.engine.fault_proxy import FaultProxy
from tests.engine.flows import CONTACT_ID, PHONE
from tests.engine.table import Row, Table
from tests.events import ACME, GLOBEX

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
    table.put({"pk": {"S": f"AUDIT#{ACME.id}"}, "sk": {"S": "2026-11-24T09:00:00.000Z#1"}})
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


def test_an_interrupted_check_goes_on_with_the_part_that_it_had_begun(
    table: Table,
    first_rows: list[Row],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(command, "_ITEMS_OF_A_SEGMENT", 4)
    table.remove(pointer(first_rows))
    checked = list[int]()

    def check_some(number: int, segments: int, on_read: Callable[[int], object]) -> Iterator[Finding]:
        if checked == [0, 1]:
            raise KeyboardInterrupt
        checked.append(number)
        return check_segment(number, segments, on_read)

    monkeypatch.setattr(command, "check_segment", check_some)
    with pytest.raises(SystemExit, check=lambda exited: exited.code == 1):
        main(["check", "--json"])
    assert capsys.readouterr() == ("", "Error: Interrupted. Go on with --resume.\n")
    [file] = tmp_path.rglob("*.json")
    assert PHONE not in file.read_text()
    checked.clear()
    checked.append(-1)
    with pytest.raises(SystemExit, check=lambda exited: exited.code == 1):
        main(["check", "--resume", "--json"])
    table.put(pointer(first_rows))
    segments = len(first_rows[1:]) // 4
    assert checked == [-1, *range(2, segments)]
    found = json.loads(capsys.readouterr().out)
    assert found["items"] == len(first_rows) - 1
    assert [each["problem"] for each in found["findings"]] == ["The contact has no pointer."]
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda t, rows: t.remove(contact(rows)), "The pointer leads to no contact."),
        (lambda t, rows: t.put(contact(rows) | tags(21)), "The contact holds 21 tags."),
        (lambda t, rows: t.remove(find(rows, TAGS, "NAME#tag 0")), "The tag's name is not reserved."),
        (lambda t, _: t.put(LISTED_API_KEY), "The tenant's list has a key that does not exist."),
    ],
)
def test_one_tenant_can_be_checked_without_a_scan(
    table: Table, first_rows: list[Row], proxy: FaultProxy, damage: Damage, problem: str
) -> None:
    damage(table, first_rows)
    start = len(proxy.seen)
    found = list(check_tenant(ACME.id, lambda _: None))
    others = list(check_tenant(GLOBEX.id, lambda _: None))
    table.replace(first_rows)
    assert [each.problem for each in found] == [problem]
    assert others == []
    assert {each.operation for each in proxy.seen[start:]} == {"Query", "BatchGetItem"}

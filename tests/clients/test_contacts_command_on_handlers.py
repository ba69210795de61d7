"""The `contacts` command on the handlers of this process: what it predicts is what the API does."""

from pathlib import Path

import pytest

from contacts_client import Contacts
from contacts_client.cli import push
from contacts_client.client import Match
from tests.clients.command import Command, read, write
from tests.clients.handlers_api import Api
from tests.events import ACME, Tenant

VIP, LEAD, *OTHER_TAGS = ACME.tag_ids
"""Each has its id as its name."""


@pytest.fixture
def api(acme: Tenant) -> Api:
    return Api()


@pytest.fixture
def command(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setattr(push, "BATCH", 5)
    return Command(monkeypatch, capsys, api, ACME.key_id)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crm.csv"


EXACT = {"created": 6, "renamed": 2, "tags_added": 2, "unchanged": 5, "refused": 5}
ALIAS = {"created": 4, "renamed": 3, "tags_added": 2, "unchanged": 6, "refused": 5}


@pytest.mark.parametrize(("match", "expected"), [("exact", EXACT), ("alias", ALIAS)])
def test_a_dry_run_sends_reads_only_and_predicts_what_the_push_reports(
    api: Api, client: Contacts, file: Path, command: Command, match: Match, expected: dict[str, int]
) -> None:
    client.upsert_batch([{"phone": "5511987654321", "display_name": "Bia"}])
    full = [{"tag_id": each} for each in ACME.tag_ids[:20]]
    client.upsert_batch([{"phone": "49151000001", "display_name": "Ada", "tags": full}])
    client.upsert_batch([{"phone": "49151000002", "tags": [{"tag_id": VIP, "reason": "asked"}, {"tag_id": LEAD}]}])
    write(
        file,
        ["+49 151 000001", "", VIP],  # unchanged
        ["+49 151 000001", "Ada King", ""],  # renamed
        ["+49 151 000001", "", OTHER_TAGS[-1]],  # a 21st tag
        ["+49 151 000002", "", LEAD],  # unchanged
        ["+49 151 000002", "Grace", f"{VIP}|{LEAD}"],  # renamed, and the reason goes
        ["+49 151 000002", "Grace", f"{VIP}|{VIP.upper()}"],  # unchanged
        ["+49 151 000003", "Alan", VIP],  # created
        ["+49 151 000003", " Alan ", LEAD],  # a tag more
        ["55 11 8765-4321", "Bia", ""],  # created, unless the alias counts
        ["55 11 98765-4321", "Bia", ""],  # unchanged
        ["+49 151 000004", "x" * 129, ""],  # created
        ["+49 151 000004", "x" * 128, ""],  # unchanged
        ["+49 151 000005", "", "|".join(ACME.tag_ids)],  # 21 tags
        ["+49 151 000006", "\0", ""],
        ["no phone", "", ""],
        ["491510000060.0", "", ""],
        ["+49 151 000007", "", ""],  # created
        ["+52 1 222 333 4444", "", ""],  # created
        ["+52 222 333 4444", "Eva", ""],  # created, unless the alias counts: renamed
    )  # fmt: skip
    api.methods.clear()
    arguments = (file, "--match", match)
    predicted = command.push(*arguments, "--dry-run")
    assert api.methods == {"GET"}
    assert predicted == (1, expected)
    assert command.push(*arguments) == predicted
    assert client.by_phone("49151000002").display_name == "Grace"


def test_the_same_file_can_be_pushed_again_and_takes_effect_again(
    client: Contacts, file: Path, command: Command
) -> None:
    """The API still keeps the answers to the Idempotency-Keys of the first push."""
    write(file, ["49151000001", "", ""], ["49151000002", "", ""])
    assert command.push(file) == (0, {"created": 2})
    client.delete(client.by_phone("49151000001").id)
    assert command.push(file) == (0, {"created": 1, "unchanged": 1})
    client.by_phone("49151000001")


NAMES = ["=1+1", "+1", "-1", "@a", "'=1", "''=1", "'a", "a=1", "＝1", "A|B;C,D", '"', "two\nlines", "Zoë 😀", None]


def test_what_is_pulled_holds_no_formula_and_pushes_back_without_a_change(
    client: Contacts, file: Path, command: Command
) -> None:
    tags = [{"tag_id": VIP}, {"tag_id": LEAD}]
    client.upsert_batch(
        [
            {"phone": f"491510000{number:02}", "display_name": name, "tags": tags[: number % 3]}
            for number, name in enumerate(NAMES)
        ]
    )
    contacts = [*client.contacts()]
    assert command.run("pull", file) == 0
    header, *rows = read(file)
    assert header == ["Phone", "Display name", "Tags", "First seen", "Last seen"]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        (each.phone, each.first_seen_at, each.last_seen_at) for each in contacts
    ]
    assert {row[2] for row in rows} == {"", VIP, f"{VIP}|{LEAD}"}
    assert not [row for row in rows if row[1][:1] in {*"=+-@＝"} - {""}]
    assert command.push(file) == (0, {"unchanged": len(NAMES)})
    assert [(each.phone, each.display_name) for each in client.contacts()] == [
        (each.phone, each.display_name) for each in contacts
    ]

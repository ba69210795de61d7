"""Long commands: they survive faults that pass, keep to one read budget, and go on where they were interrupted."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ReadTimeoutError

from admin import jobs, offboarding, sweep
from admin.database import table as database
from admin.errors import NothingToResume
from contacts.domain.errors import DatabaseUnavailable
from contacts.domain.source import Source
from contacts.runtime.identifiers import new_id
from contacts.storage.contacts import ContactRepository
from contacts.storage.items import ContactItem, ContactPointer, TenantItem
from contacts.storage.table import connection
from tests.admin.conftest import Run

NOTHING_TO_RESUME = (
    1,
    "Error: This machine knows no interrupted run on this table. Run the command without --resume.\n",
)


@pytest.fixture
def tag_id(run: Run, tenant_id: str) -> str:
    """A tag that nine contacts hold."""
    tag_id: str = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    contacts = ContactRepository(tenant_id)
    for number in range(9):
        contacts.assign_tag(contacts.upsert(f"4915{number:08}", None)[0].id, tag_id, Source.API, None)
    return tag_id


@contextmanager
def timeouts(number: int) -> Iterator[None]:
    """The first so many requests of each operation get no answer in time."""
    seen, events = Counter[str](), connection().client.meta.events

    def fail(model: Any, **_: object) -> None:
        seen[model.name] += 1
        if seen[model.name] <= number:
            raise ReadTimeoutError(endpoint_url="https://aws")

    events.register("before-call.dynamodb", fail)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", fail)


def commands(tenant_id: str, tag_id: str, file: Path) -> list[list[str]]:
    return [
        ["check"],
        ["check", tenant_id],
        ["tenant", "export", tenant_id, str(file)],
        ["tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes"],
        ["tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes"],
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_long_command_survives_two_minutes_without_an_answer(
    run: Run, tenant_id: str, tag_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Past the first requests, which every command sends to see whom it works for."""
    command = commands(tenant_id, tag_id, tmp_path / "acme.jsonl")[number]
    pauses: list[float] = []

    def read(operation: Any) -> Any:
        with timeouts(21):
            return patiently(operation)

    patiently = jobs.patiently
    monkeypatch.setattr(time, "sleep", pauses.append)
    for module in "table_check", "export", "sweep", "offboarding":
        monkeypatch.setattr(f"admin.{module}.patiently", read)
    assert run(*command).exit_code == 0
    assert max(pauses) == 60
    assert sum(pauses) > 120


def test_after_ten_minutes_without_an_answer_the_command_says_how_to_go_on(
    run: Run, tenant_id: str, tag_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise DatabaseUnavailable

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(ContactRepository, "page", fail)
    exit_code, line = run("tenant", "export", tenant_id, str(tmp_path / "acme.jsonl")).refusal
    assert (exit_code, line.endswith(" Go on with --resume.\n"), line.count("\n")) == (1, True, 1)
    assert sum(pauses) == pytest.approx(600, abs=5)


@pytest.mark.usefixtures("tag_id")
def test_all_reads_of_a_job_keep_to_one_budget_and_writes_do_not_count(
    run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=pauses.append))
    key = TenantItem.key(tenant_id)
    [item] = database.query(ContactItem, *ContactItem.key(tenant_id, "491500000000")[:1])
    pauses.clear()
    paid: list[float] = []

    def note(parsed: dict[str, Any], **_: object) -> None:
        consumed = parsed["ConsumedCapacity"]
        paid.append(sum(each["CapacityUnits"] for each in ([consumed] if isinstance(consumed, dict) else consumed)))

    events = connection().client.meta.events
    with jobs.read_budget(10):
        events.register("after-call.dynamodb", note)
        database.read(TenantItem, key)
        database.batch_read([key, ContactItem.key(tenant_id, "491500000001")])
        database.query(ContactPointer, ContactPointer.shard(tenant_id, 0))
        list(ContactItem.scan(limit=1))
        events.unregister("after-call.dynamodb", note)
        database.update(item, [ContactItem.changed_by.set("API")], ContactItem.pk.exists())
        database.read(TenantItem, key)
    assert all(paid)
    assert len(paid) == 4
    assert pauses == pytest.approx([0, *(units / 10 for units in accumulate(paid))])
    database.read(TenantItem, key)
    assert len(pauses) == 5


@pytest.mark.parametrize("number", range(1, 5))  # the whole check counts nothing
def test_contacts_are_counted_within_the_read_budget(
    run: Run, tenant_id: str, tag_id: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, pauses, waited = offboarding._count, list[float](), list[bool]()

    def note(*arguments: Any) -> int:
        before = len(pauses)
        counted = count(*arguments)
        waited.append(len(pauses) > before)  # each read asks the budget for its pause, perhaps one of 0 s
        return counted

    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append))
    monkeypatch.setattr(offboarding, "_count", note)
    assert run(*commands(tenant_id, tag_id, tmp_path / "acme.jsonl")[number]).exit_code == 0
    assert set(waited) == {True}


def test_an_interrupted_deletion_of_a_tag_goes_on_where_it_was(
    run: Run, tenant_id: str, tag_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_PAGE", 1)
    remove, seen = sweep._remove_from, list[str]()

    def remove_some(tenant_id: str, tag_id: str, pointers: list[ContactPointer]) -> int:
        if len(seen) == 4:
            raise KeyboardInterrupt
        seen.append(pointers[0].sk)
        return remove(tenant_id, tag_id, pointers)

    command = "tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes"
    monkeypatch.setattr(sweep, "_remove_from", remove_some)
    advice = "The tag is deleted, but some contacts may still hold it. Run the command again, with --resume."
    assert run(*command).refusal == (1, f"Error: Interrupted. {advice}\n")
    first = seen.copy()
    seen.clear()

    def remove_rest(tenant_id: str, tag_id: str, pointers: list[ContactPointer]) -> int:
        seen.append(pointers[0].sk)
        return remove(tenant_id, tag_id, pointers)

    monkeypatch.setattr(sweep, "_remove_from", remove_rest)
    assert run(*command, "--resume", "--json").records["removed_from_contacts"] == 9
    assert len(first) == 4
    assert [*first, *seen] == sorted({*first, *seen})
    contacts = ContactRepository(tenant_id).page(None, 100).contacts
    assert [each.id for each in contacts if each.tag_assignments] == []
    assert run(*command, "--resume").refusal == NOTHING_TO_RESUME


@pytest.mark.parametrize(
    ("number", "first_part", "name", "value"),
    [
        (0, "admin.commands.table.check_segment", "findings", []),
        (3, "admin.sweep._remove_from", "removed_from_contacts", 9),
    ],
)
def test_a_command_that_was_interrupted_in_its_first_part_can_be_resumed(
    run: Run, tenant_id: str, tag_id: str, tmp_path: Path, number: int, first_part: str, name: str, value: object
) -> None:
    command = commands(tenant_id, tag_id, tmp_path / "acme.jsonl")[number]
    with mock.patch(first_part, side_effect=KeyboardInterrupt):
        exit_code, line = run(*command).refusal
    assert (exit_code, line.rpartition(" ")[2]) == (1, "--resume.\n")
    assert run(*command, "--resume", "--json").records[name] == value


def test_who_interrupts_the_check_of_a_tenant_is_told_to_run_it_again(run: Run, tenant_id: str) -> None:
    with mock.patch("admin.commands.table.check_tenant", side_effect=KeyboardInterrupt):
        refusal = run("check", tenant_id).refusal
    assert refusal == (1, "Error: Interrupted. Run the command again: it begins anew.\n")


def test_there_is_nothing_to_resume_if_nothing_was_interrupted(run: Run, tenant_id: str, tag_id: str) -> None:
    assert run("check", "--resume").refusal == NOTHING_TO_RESUME
    assert run("tag", "delete", tenant_id, tag_id, "--resume", "--yes").refusal == NOTHING_TO_RESUME
    assert [tag["id"] for tag in run("tag", "list", tenant_id, "--json").records] == [tag_id]


def test_a_checkpoint_of_another_table_is_not_used(run: Run) -> None:
    checkpoint = jobs.Checkpoint("check", "a table")
    checkpoint.save({"done": 1})
    assert checkpoint.load() == {"done": 1}
    with pytest.raises(NothingToResume):
        jobs.Checkpoint("check", "the restored table").load()


@pytest.mark.parametrize(
    ("read_units", "write_units", "expected"),
    [
        (29_999, 0, ""),
        (30_000, 0, "About 30,000 read units: 1 minutes, $0.00.\n"),
        (1_000_000, 4_000_000, "About 1,000,000 read units and 4,000,000 write units: 33 minutes, $2.62.\n"),
    ],
)
def test_a_long_job_says_before_its_start_what_it_takes(
    capsys: pytest.CaptureFixture[str], read_units: int, write_units: int, expected: str
) -> None:
    jobs.announce(read_units, 500, write_units=write_units)
    assert capsys.readouterr() == ("", expected)


def test_the_deletion_of_a_tag_reads_no_other_tenants_contacts(
    run: Run, tenant_id: str, tag_id: str, other_tenant_id: str
) -> None:
    for _ in range(3):
        ContactRepository(other_tenant_id).upsert(f"49{int(new_id()[1:7], 36)}", None)
    seen, events = Counter[str](), connection().client.meta.events

    def note(model: Any, **_: object) -> None:
        seen[model.name] += 1

    events.register("before-call.dynamodb", note)
    assert run("tag", "delete", tenant_id, tag_id, "--wait-seconds", "0", "--yes").exit_code == 0
    events.unregister("before-call.dynamodb", note)
    assert "Scan" not in seen
    assert seen["UpdateItem"] == 9

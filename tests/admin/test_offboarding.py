"""A tenant from its suspension to its deletion, and the file with its contacts."""

import io
import json
import sys
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_dynamodb.service_resource import Table

from admin import offboarding
from admin.table_check import check_table
from contacts.access.authorizer import Unauthorized
from contacts.domain.changes import Change
from contacts.domain.source import Source
from contacts.storage import table as database
from contacts.storage.changes import ChangeLog
from contacts.storage.contacts import ContactRepository
from contacts.storage.items import IdempotencyRecord
from tests.admin.conftest import Run, aws
from tests.events import sample_event
from tests.handlers import invoke

NOBODY = "c" + "0" * 24
NO_TENANT = 1, f"Error: There is no tenant {NOBODY!r}. List all tenants with `python -m admin tenant list`.\n"
OPTIONS = "--name", "CRM", "--scope", "contacts:read"


def create_key(run: Run, tenant_id: str) -> dict[str, Any]:
    key: dict[str, Any] = run("key", "create", tenant_id, *OPTIONS, "--json").records
    return key


def is_accepted(key: dict[str, Any]) -> bool:
    """By the authorizer, whose answers the gateway caches for 60 s."""
    event = deepcopy(sample_event("authorizer"))
    event["headers"] = {"Authorization": f"Bearer {key['key']}"}
    try:
        policy = invoke("authorizer", event)["policyDocument"]
    except Unauthorized:
        return False
    [statement] = policy["Statement"]
    assert statement["Effect"] == "Allow"
    return True


def statuses(run: Run, tenant_id: str) -> list[str]:
    return [key["status"] for key in run("key", "list", tenant_id, "--json").records]


def items_of(table: Table, tenant_id: str, *key_ids: str) -> list[str]:
    """The keys of all items with an id of the tenant or of one of its keys. The audit trail is none of them."""
    items = [item for item in table.scan()["Items"] if not str(item["pk"]).startswith("AUDIT#")]
    ids = tenant_id, *key_ids
    return sorted(f"{item['pk']!s} {item['sk']!s}" for item in items if any(each in str(item) for each in ids))


def trail(table: Table, tenant_id: str) -> list[str]:
    """The actions in the audit trail that are about the tenant as a whole."""
    entries = [item for item in table.scan()["Items"] if item["pk"] == f"AUDIT#{tenant_id}"]
    assert {str(each["identity"]) for each in entries} <= {"arn:aws:sts::123456789012:user/moto"}
    actions = [str(each["action"]) for each in sorted(entries, key=lambda each: str(each["sk"]))]
    return [action for action in actions if action.startswith("tenant.")]


def fill(run: Run, tenant_id: str, contacts: int) -> dict[str, Any]:
    """A tenant with everything that a tenant can have. Returns its key."""
    tag_id = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    gone_id = run("tag", "create", tenant_id, "Gone", "--json").records["id"]
    repository = ContactRepository(tenant_id)
    for number in range(contacts):
        contact, _ = repository.upsert(f"4915{number:08}", f"Person {number}")
        repository.assign_tag(contact.id, tag_id, Source.API, "asked")
    run("tag", "delete", tenant_id, gone_id, "--wait-seconds", "0", "--yes")
    key = create_key(run, tenant_id)
    for digest in "00", "7f", "ff":
        record = IdempotencyRecord(*IdempotencyRecord.key(key["key_id"], digest + "0" * 62), status="COMPLETED")
        record.expires_at = record.in_progress_until = 1
        record.fingerprint = record.owner = ""
        record.save()
    log = ChangeLog(tenant_id)
    for number in range(2):
        log.append([Change(f"cada-{number}-0", "contact.renamed", None, "API", 1)])
    return key


def test_all_keys_of_a_suspended_tenant_are_refused_and_no_others(
    run: Run, tenant_id: str, other_tenant_id: str, table: Table
) -> None:
    keys, other_key = [create_key(run, tenant_id) for _ in range(2)], create_key(run, other_tenant_id)
    assert [is_accepted(key) for key in (*keys, other_key)] == [True, True, True]
    suspended = run("tenant", "suspend", tenant_id, "--yes", "--json").records
    assert (suspended["status"], suspended["suspended_keys"]) == ("SUSPENDED", 2)
    assert [is_accepted(key) for key in (*keys, other_key)] == [False, False, True]
    assert statuses(run, tenant_id) == ["SUSPENDED", "SUSPENDED"]
    assert trail(table, tenant_id) == ["tenant.suspended"]


def test_resuming_restores_exactly_the_keys_that_worked(run: Run, tenant_id: str, table: Table) -> None:
    before, meanwhile, working = [create_key(run, tenant_id) for _ in range(3)]
    run("key", "revoke", tenant_id, before["key_id"], "--yes")
    run("tenant", "suspend", tenant_id, "--yes")
    run("key", "revoke", tenant_id, meanwhile["key_id"], "--yes")
    resumed = run("tenant", "resume", tenant_id, "--json").records
    assert (resumed["status"], resumed["resumed_keys"]) == ("ACTIVE", 1)
    assert [is_accepted(key) for key in (before, meanwhile, working)] == [False, False, True]
    assert trail(table, tenant_id) == ["tenant.suspended", "tenant.resumed"]


@pytest.mark.parametrize(
    ("command", "end"), [(["suspend", "--yes"], "SUSPENDED"), (["resume"], "ACTIVE")], ids=["suspend", "resume"]
)
def test_an_interrupted_suspension_or_resumption_is_finished_by_the_same_command(
    run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch, table: Table, command: list[str], end: str
) -> None:
    for _ in range(2):
        create_key(run, tenant_id)
    if end == "ACTIVE":
        run("tenant", "suspend", tenant_id, "--yes")
    before = trail(table, tenant_id)
    updates, update = count(), database.Table.update

    def update_once(*arguments: Any) -> Any:
        if next(updates):
            raise KeyboardInterrupt
        return update(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(database.Table, "update", update_once)
        assert run("tenant", *command, tenant_id).refusal == (130, "")
    assert sorted(statuses(run, tenant_id)) == ["ACTIVE", "SUSPENDED"]
    assert run("tenant", *command, tenant_id).exit_code == 0
    assert statuses(run, tenant_id) == [end, end]
    action = "tenant.suspended" if end == "SUSPENDED" else "tenant.resumed"
    assert trail(table, tenant_id) == [*before, action]


def test_suspending_twice_and_resuming_twice_changes_nothing_more(run: Run, tenant_id: str, table: Table) -> None:
    key = create_key(run, tenant_id)
    assert [run("tenant", "suspend", tenant_id, "--yes", "--json").records["suspended_keys"] for _ in "12"] == [1, 0]
    assert not is_accepted(key)
    assert [run("tenant", "resume", tenant_id, "--json").records["resumed_keys"] for _ in "12"] == [1, 0]
    assert trail(table, tenant_id) == ["tenant.suspended", "tenant.resumed"]


def test_a_suspended_tenant_gets_no_new_key(run: Run, tenant_id: str) -> None:
    key_id = create_key(run, tenant_id)["key_id"]
    run("tenant", "suspend", tenant_id, "--yes")
    advice = f"Resume it first with `python -m admin tenant resume {tenant_id}`."
    refusal = 1, f"Error: Tenant {tenant_id!r} is suspended. {advice}\n"
    assert run("key", "create", tenant_id, *OPTIONS).refusal == refusal
    assert run("key", "rotate", tenant_id, key_id).refusal == refusal
    assert statuses(run, tenant_id) == ["SUSPENDED"]


def test_a_key_that_is_created_while_its_tenant_is_suspended_does_not_come_to_be(
    run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def admit(*_: object) -> None:
        run("tenant", "suspend", tenant_id, "--yes")

    monkeypatch.setattr("admin.gateway.admit", admit)
    assert run("key", "create", tenant_id, *OPTIONS).refusal[1].startswith(f"Error: Tenant {tenant_id!r} is suspended.")
    assert statuses(run, tenant_id) == []


def test_the_gateway_keeps_the_keys_of_a_suspended_tenant(run: Run, tenant_id: str) -> None:
    key = create_key(run, tenant_id)
    run("tenant", "suspend", tenant_id, "--yes")
    [gateway_key] = aws("apigateway").get_api_keys()["items"]
    aws("apigateway").delete_api_key(apiKey=gateway_key["id"])
    assert run("key", "restore", "--json").records == {"restored_keys": 1, "accepted_keys": 1}
    [gateway_key] = aws("apigateway").get_api_keys()["items"]
    assert gateway_key["name"] == key["key_id"]


def test_a_tenant_is_shown_with_the_number_of_its_belongings(run: Run, tenant_id: str) -> None:
    fill(run, tenant_id, 3)
    shown = run("tenant", "show", tenant_id, "--json").records
    [listed] = run("tenant", "list", "--json").records
    assert shown == listed | {"contacts": 3, "tags": 2, "keys": 1}
    assert listed["status"] == "ACTIVE"


def test_a_tenant_is_renamed(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    assert run("tenant", "rename", tenant_id, " ACME Ltd ", "--json").records["name"] == "ACME Ltd"
    assert run("tenant", "rename", tenant_id, "acme ltd", "--json").records["name"] == "acme ltd"
    taken = run("tenant", "rename", tenant_id, "globex").refusal
    assert taken[1].startswith(f"Error: There is already a tenant 'Globex' ({other_tenant_id}).")
    assert run("tenant", "rename", tenant_id, "globex", "--another", "--json").records["name"] == "globex"
    assert run("tenant", "rename", tenant_id, "").refusal[0] == 2


@pytest.mark.parametrize("command", ["show", "suspend --yes", "resume", "rename _ x", "export _ -", "delete --yes"])
def test_an_unknown_tenant_is_refused(run: Run, command: str) -> None:
    verb, *others = command.split()
    arguments = [NOBODY if each == "_" else each for each in others]
    assert run("tenant", verb, *([] if NOBODY in arguments else [NOBODY]), *arguments).refusal == NO_TENANT


def test_a_deleted_tenant_leaves_no_item_and_other_tenants_keep_theirs(
    run: Run, tenant_id: str, other_tenant_id: str, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offboarding, "_MOST_IN_A_TRANSACTION", 2)
    key, other_key = fill(run, tenant_id, 9), fill(run, other_tenant_id, 1)
    others = items_of(table, other_tenant_id, other_key["key_id"])
    assert len(items_of(table, tenant_id, key["key_id"])) == 9 * 2 + 3 + 2 + 3 + 2 + 1
    deleted = run("tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes", "--json").records
    assert deleted == {"tenant_id": tenant_id, "deleted": {"contacts": 9, "tags": 2, "keys": 1}}
    assert items_of(table, tenant_id, key["key_id"]) == []
    assert items_of(table, other_tenant_id, other_key["key_id"]) == others
    assert trail(table, tenant_id) == ["tenant.deletion_began", "tenant.deleted"]
    assert [each["name"] for each in aws("apigateway").get_api_keys()["items"]] == [other_key["key_id"]]
    assert not is_accepted(key)
    assert is_accepted(other_key)
    assert run("tenant", "show", tenant_id).exit_code == 1


@pytest.mark.parametrize("transactions", [0, 1, 3, 5])
def test_an_interrupted_deletion_goes_on_where_it_was(
    run: Run, tenant_id: str, table: Table, monkeypatch: pytest.MonkeyPatch, transactions: int
) -> None:
    key = fill(run, tenant_id, 2)
    left, delete = [transactions], offboarding._delete

    def interrupt(keys: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        delete(keys)

    monkeypatch.setattr(offboarding, "_delete", interrupt)
    command = "tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes"
    advice = "Run the command again: it goes on where it was."
    assert run(*command).refusal == (1, f"Error: Interrupted. The tenant is deleted in part. {advice}\n")
    assert list(check_table(lambda _: None)) == []
    assert not is_accepted(key)
    refusal = run("tag", "list", tenant_id).refusal[1]
    assert refusal.startswith(f"Error: Tenant {tenant_id!r} is being deleted.")
    assert run("tenant", "show", tenant_id, "--json").records["status"] == "DELETING"
    monkeypatch.setattr(offboarding, "_delete", delete)
    assert run(*command).exit_code == 0
    assert items_of(table, tenant_id, key["key_id"]) == []
    assert trail(table, tenant_id) == ["tenant.deletion_began", "tenant.deleted"]


def test_what_a_message_created_after_the_deletion_is_deleted_by_the_same_command(
    run: Run, tenant_id: str, table: Table
) -> None:
    command = "tenant", "delete", tenant_id, "--wait-seconds", "0", "--yes"
    assert run(*command).exit_code == 0
    ContactRepository(tenant_id).record_inbound_message("4915112345678", "Late", "2026-01-01T00:00:00.000Z")
    assert len(items_of(table, tenant_id)) == 2
    assert run(*command, "--json").records["deleted"] == {"contacts": 1, "tags": 0, "keys": 0}
    assert items_of(table, tenant_id) == []


def test_the_stream_of_the_deleted_contacts_fills_no_change_log(
    run: Run, tenant_id: str, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer learns of the deletions while the command waits for it."""
    fill(run, tenant_id, 1)
    pauses: list[float] = []

    def consume(seconds: float) -> None:
        pauses.append(seconds)
        ChangeLog(tenant_id).append([Change("cada-9-0", "contact.deleted", None, "API", 1)])

    monkeypatch.setattr(offboarding, "sleep", consume)
    deleted = run("tenant", "delete", tenant_id, "--yes")
    assert " ".join(deleted.stdout.split()).endswith(" Deleted contacts 1 Deleted tags 2 Deleted keys 1")
    assert pauses == [pytest.approx(90, abs=5), 90]
    assert items_of(table, tenant_id) == []


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (
            "delete",
            "with 0 contacts, 0 tags and 0 keys? Its keys stop working, everything it has is deleted, and this ",
        ),
        ("suspend", "? Requests with its keys are refused until `tenant resume`. [y/N]: "),
    ],
)
def test_the_question_names_tenant_and_stage_and_without_a_yes_nothing_changes(
    run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch, command: str, what: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    outcome = run("tenant", command, tenant_id)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"{command.capitalize()} tenant 'Acme' ({tenant_id}) in stage local")
    assert what in outcome.stderr
    assert run("tenant", "show", tenant_id, "--json").records["status"] == "ACTIVE"


def exported(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "acme.jsonl"


def test_an_export_has_all_contacts_with_the_names_of_their_tags(
    run: Run, tenant_id: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin.export._PAGE", 2)
    fill(run, tenant_id, 7)
    done = run("tenant", "export", tenant_id, str(file), "--json").records
    assert done == {"tenant_id": tenant_id, "contacts": 7, "file": str(file)}
    found = exported(file)
    assert [each["id"] for each in found] == sorted(each["id"] for each in found)
    assert {each["phone"] for each in found} == {f"4915{number:08}" for number in range(7)}
    [assignment] = found[0]["tagAssignments"]
    assert list(found[0]) == [
        *("id", "tenantId", "phone", "displayName", "firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"),
        "tagAssignments",
    ]
    assert (assignment["tagName"], assignment["reason"]) == ("VIP", "asked")
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_export_to_standard_output_is_nothing_but_lines(
    run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ContactRepository(tenant_id).upsert("491512345678", "Zoë\u2028\x9b")
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)
    assert run("tenant", "export", tenant_id, "-").exit_code == 0
    [line] = output.buffer.getvalue().decode("ascii").splitlines()
    assert json.loads(line)["displayName"] == "Zoë\u2028\x9b"


@pytest.mark.parametrize(
    "cut", [lambda text: text[:-40], lambda text: text[: text.index("\n") + 1], lambda text: text[:30], lambda _: ""]
)
def test_an_interrupted_export_goes_on_behind_its_last_whole_line(
    run: Run, tenant_id: str, file: Path, cut: Callable[[str], str]
) -> None:
    fill(run, tenant_id, 5)
    run("tenant", "export", tenant_id, str(file))
    whole = file.read_text()
    file.write_text(cut(whole))
    assert run("tenant", "export", tenant_id, str(file), "--resume").exit_code == 0
    assert file.read_text() == whole


def test_a_file_that_exists_is_not_overwritten(run: Run, tenant_id: str, other_tenant_id: str, file: Path) -> None:
    file.write_text("mine\n")
    advice = "Pass --resume to go on with it, or choose another name."
    assert run("tenant", "export", tenant_id, str(file)).refusal == (1, f"Error: The file '{file}' exists. {advice}\n")
    refusal = 2, f"Error: '{file}' cannot be written: it is not an export of this tenant.\n"
    assert run("tenant", "export", tenant_id, str(file), "--resume").refusal == refusal
    assert file.read_text() == "mine\n"
    file.write_text(json.dumps({"tenantId": other_tenant_id, "id": NOBODY}) + "\n")
    assert run("tenant", "export", tenant_id, str(file), "--resume").refusal == refusal


def test_a_file_that_cannot_be_written_is_named(run: Run, tenant_id: str, tmp_path: Path) -> None:
    for name, reason in (
        (str(tmp_path), "Is a directory"),
        (str(tmp_path / "no" / "where"), "No such file or directory"),
    ):
        refusal = 2, f"Error: {name!r} cannot be written: {reason}.\n"
        assert run("tenant", "export", tenant_id, name, "--resume").refusal == refusal


def test_progress_is_shown_on_standard_error_also_without_a_terminal(
    run: Run, tenant_id: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(run, tenant_id, 1)
    monkeypatch.setattr("admin.progress._SECONDS_BETWEEN_LINES", 0)
    outcome = run("tenant", "export", tenant_id, str(file), "--json")
    assert (outcome.exit_code, outcome.stderr) == (0, "Exporting contacts: 1 of 1\n")
    assert json.loads(outcome.stdout)["contacts"] == 1

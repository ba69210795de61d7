"""`changes reset`: every cursor expires."""

import io
import sys

import pytest

from contacts.domain.changes import Change
from contacts.domain.errors import CursorExpired
from contacts.storage.changes import ChangeLog
from tests.admin.conftest import Run


def fill(tenant_id: str) -> ChangeLog:
    """A change log with two entries."""
    log = ChangeLog(tenant_id)
    for number in range(2):
        log.append([Change(f"cada-{number}-0", "contact.renamed", None, "API", 1)])
    return log


def is_expired(log: ChangeLog, cursor: int) -> bool:
    try:
        log.page(cursor)
    except CursorExpired:
        return True
    return False


def test_every_cursor_of_one_tenant_expires(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    log, other_log = fill(tenant_id), fill(other_tenant_id)
    [done] = run("changes", "reset", tenant_id, "--yes", "--json").records
    assert done == {"tenant_id": tenant_id, "name": "Acme", "new_cursor": log.page(None).cursor}
    assert [is_expired(log, cursor) for cursor in (0, 1, 2, done["new_cursor"])] == [True, True, True, False]
    assert [is_expired(other_log, cursor) for cursor in (0, 1, 2)] == [False, False, False]


def test_after_a_restore_all_tenants_are_reset_at_once(run: Run, tenant_id: str, other_tenant_id: str) -> None:
    logs = [fill(each) for each in (tenant_id, other_tenant_id)]
    done = run("changes", "reset", "--all", "--yes", "--json").records
    assert {each["tenant_id"] for each in done} == {tenant_id, other_tenant_id}
    assert [is_expired(log, cursor) for log in logs for cursor in (0, 1, 2)] == [True] * 6


def test_repeating_it_does_no_harm(run: Run, tenant_id: str) -> None:
    first, second = (run("changes", "reset", tenant_id, "--yes", "--json").records[0] for _ in range(2))
    assert second["new_cursor"] > first["new_cursor"]


@pytest.mark.parametrize(("target", "question"), [("one", "tenant 'Acme'"), ("--all", "all 1 tenants")])
def test_it_asks_first(run: Run, tenant_id: str, monkeypatch: pytest.MonkeyPatch, target: str, question: str) -> None:
    log = fill(tenant_id)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    outcome = run("changes", "reset", tenant_id if target == "one" else target)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(
        f"Reset the change log of {question} in stage local? Every mirror has to list all contacts again, "
        "and this cannot be undone. [y/N]: "
    )
    assert not is_expired(log, 2)


@pytest.mark.parametrize("with_tenant", [True, False])
def test_a_tenant_or_all_of_them_must_be_named(run: Run, tenant_id: str, *, with_tenant: bool) -> None:
    arguments = [tenant_id, "--all"] if with_tenant else []
    refusal = 2, "Error: Pass either a tenant's id or --all.\n"
    assert run("changes", "reset", *arguments, "--yes").refusal == refusal


def test_an_unknown_tenant_is_refused(run: Run) -> None:
    assert run("changes", "reset", "cnobody0", "--yes").exit_code == 1

"""What cannot be undone needs a confirmation, also from scripts."""

import io
import sys
from collections.abc import Callable

import pytest

from tests.admin.conftest import Outcome, Run

ABORTED = "Aborted: nothing was changed. Scripts confirm with --yes.\n"

type Ask = Callable[..., Outcome]


@pytest.fixture
def ask(run: Run, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a command with text that comes from a pipe."""

    def ask(answers: str, *arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        return run(*arguments)

    return ask


@pytest.fixture
def key_id(run: Run, tenant_id: str) -> str:
    options = "--name", "CRM\u202e", "--scope", "contacts:read", "--json"
    key_id: str = run("key", "create", tenant_id, *options).records["key_id"]
    return key_id


@pytest.fixture
def tag_id(run: Run, tenant_id: str) -> str:
    tag_id: str = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    return tag_id


def key_status(run: Run, tenant_id: str, key_id: str) -> str:
    status: str = run("key", "show", tenant_id, key_id, "--json").records["status"]
    return status


@pytest.mark.parametrize("answers", ["", "\n", "n\n", "no\n", "yes, please\n"])
def test_without_a_yes_nothing_is_changed(
    run: Run, ask: Ask, tenant_id: str, key_id: str, tag_id: str, answers: str
) -> None:
    for command in (["key", "revoke", tenant_id, key_id], ["tag", "delete", tenant_id, tag_id]):
        outcome = ask(answers, *command)
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert outcome.stderr.endswith(ABORTED)
    assert key_status(run, tenant_id, key_id) == "ACTIVE"
    assert [tag["id"] for tag in run("tag", "list", tenant_id, "--json").records] == [tag_id]


@pytest.mark.parametrize("answers", ["y\n", " YES", "yes\nno\n"])
def test_after_a_yes_it_is_done(run: Run, ask: Ask, tenant_id: str, key_id: str, tag_id: str, answers: str) -> None:
    assert ask(answers, "key", "revoke", tenant_id, key_id).exit_code == 0
    assert ask(answers, "tag", "delete", tenant_id, tag_id, "--wait-seconds", "0").exit_code == 0
    assert key_status(run, tenant_id, key_id) == "REVOKED"
    assert run("tag", "list", tenant_id, "--json").records == []


def test_the_option_yes_asks_nothing(ask: Ask, tenant_id: str, key_id: str) -> None:
    outcome = ask("n\n", "key", "revoke", tenant_id, key_id, "--yes")
    assert (outcome.exit_code, outcome.stderr) == (0, "")


def test_the_question_names_what_will_happen_to_what_and_where(
    ask: Ask, tenant_id: str, key_id: str, tag_id: str
) -> None:
    assert ask("", "key", "revoke", tenant_id, key_id).stderr.startswith(
        f"Revoke key 'CRM\\u202e' ({key_id}) of tenant 'Acme' in stage local? "
        "Requests with it are refused, and this cannot be undone. [y/N]: "
    )
    assert ask("", "tag", "delete", tenant_id, tag_id).stderr.startswith(
        f"Delete tag 'VIP' ({tag_id}) of tenant 'Acme' in stage local? "
        "It is removed from every contact that holds it, and this cannot be undone. [y/N]: "
    )


def test_the_question_names_a_table_that_is_not_the_stages_own(ask: Ask, tenant_id: str, key_id: str) -> None:
    chosen = "--stage", "prod", "--table", "contacts-local"
    question = ask("", *chosen, "key", "revoke", tenant_id, key_id).stderr
    assert "of tenant 'Acme' in stage prod (table contacts-local)? " in question


def test_json_stays_json_when_a_question_is_asked(ask: Ask, tenant_id: str, key_id: str) -> None:
    outcome = ask("y\n", "key", "revoke", tenant_id, key_id, "--json")
    assert outcome.stdout.startswith("{\n")

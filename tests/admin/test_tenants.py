import re

import pytest

from contacts.storage.table import connection
from tests.admin.conftest import Run, unanswered


def test_a_new_tenant_is_listed(run: Run) -> None:
    created = run("tenant", "create", "  Acme  ", "--json").records
    assert created == {
        "id": created["id"],
        "name": "Acme",
        "status": "ACTIVE",
        "created_at": created["created_at"],
    }
    assert re.fullmatch(r"c[a-z0-9]{24}", created["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["created_at"])
    assert run("tenant", "list", "--json").records == [created]


def test_tenants_are_shown_as_a_table(run: Run) -> None:
    created = run("tenant", "create", "[bold]Acme[/] :smile:", "--json").records
    listed = run("tenant", "list")
    minute = created["created_at"][:16].replace("T", " ")
    assert listed.exit_code == 0
    titles, _, row = listed.stdout.splitlines()[:3]
    assert re.split(r"  +", titles.strip()) == ["Id", "Name", "Status", "Created at (UTC)"]
    assert re.split(r"  +", row.strip()) == [created["id"], "[bold]Acme[/] :smile:", "ACTIVE", minute]


def test_an_empty_list_is_shown_as_such(run: Run) -> None:
    assert run("tenant", "list").stdout == "There are none.\n"
    assert run("tenant", "list", "--json").records == []


@pytest.mark.parametrize("again", ["Acme", " acme ", "AC\u200bME"])
def test_a_tenant_is_not_created_twice(run: Run, again: str) -> None:
    created = run("tenant", "create", "Acme", "--json").records
    assert run("tenant", "create", again).refusal == (
        1,
        (
            f"Error: There is already a tenant 'Acme' ({created['id']}). "
            "To create another one with this name, pass --another.\n"
        ),
    )
    assert run("tenant", "list", "--json").records == [created]


def test_two_tenants_may_have_one_name_if_that_is_wanted(run: Run) -> None:
    first = run("tenant", "create", "Acme", "--json").records
    second = run("tenant", "create", "Acme", "--another", "--json").records
    assert sorted(run("tenant", "list", "--json").records, key=str) == sorted([first, second], key=str)


def test_a_lost_answer_leaves_the_outcome_unknown_and_repeating_creates_no_second_tenant(run: Run) -> None:
    run("tenant", "list")  # the command creates its client
    with unanswered(connection().client, "PutItem"):
        assert run("tenant", "create", "Acme").refusal == (
            1,
            (
                'Error: Read timeout on endpoint URL: "https://aws". '
                "The outcome is unknown: look before you repeat the command, for example with `list` or `show`.\n"
            ),
        )
    (tenant,) = run("tenant", "list", "--json").records
    assert (
        run("tenant", "create", "Acme")
        .refusal[1]
        .startswith(f"Error: There is already a tenant 'Acme' ({tenant['id']}).")
    )
    assert run("tenant", "list", "--json").records == [tenant]


def test_a_read_without_an_answer_can_simply_be_repeated(run: Run) -> None:
    run("tenant", "list")
    with unanswered(connection().client, "Query"):
        assert run("tenant", "list").refusal == (
            1,
            (
                'Error: Read timeout on endpoint URL: "https://aws". '
                "Check the network. For the local stack, check that `make start` is running.\n"
            ),
        )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "must have 1 to 100 characters, but has 0."),
        ("   ", "must have 1 to 100 characters, but has 0."),
        ("x" * 101, "must have 1 to 100 characters, but has 101."),
        ("a\nb", "must be one line of readable text, without control characters."),
        ("a\x1b[31mb", "must be one line of readable text, without control characters."),
        ("a\udcffb", "must be one line of readable text, without control characters."),
    ],
)
def test_an_invalid_name_is_refused(run: Run, name: str, problem: str) -> None:
    assert run("tenant", "create", name).refusal == (2, f"Error: The tenant's name {problem}\n")
    assert run("tenant", "list", "--json").records == []

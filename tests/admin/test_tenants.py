import re

import pytest

from tests.admin.conftest import Run


def test_a_new_tenant_is_listed(run: Run) -> None:
    created = run("tenant", "create", "  Acme  ", "--json").records
    assert created == {"id": created["id"], "name": "Acme", "created_at": created["created_at"]}
    assert re.fullmatch(r"c[a-z0-9]{24}", created["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["created_at"])
    assert run("tenant", "list", "--json").records == [created]


def test_tenants_are_shown_as_a_table(run: Run) -> None:
    created = run("tenant", "create", "[bold]Acme[/] :smile:", "--json").records
    listed = run("tenant", "list")
    minute = created["created_at"][:16].replace("T", " ")
    assert listed.exit_code == 0
    assert listed.stdout.splitlines()[3] == f"│ {created['id']} │ [bold]Acme[/] :smile: │ {minute} │"


def test_an_empty_list_is_shown_as_such(run: Run) -> None:
    assert run("tenant", "list").stdout == "There are none.\n"
    assert run("tenant", "list", "--json").records == []


def test_two_tenants_may_have_one_name(run: Run) -> None:
    created = [run("tenant", "create", "Acme", "--json").records for _ in range(2)]
    assert sorted(run("tenant", "list", "--json").records, key=str) == sorted(created, key=str)


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

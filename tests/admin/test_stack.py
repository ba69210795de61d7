"""What `stack adopt` tells an operator. tests/rehearsal adopts a stack's resources in an emulated account."""

import re

import pytest

from admin import adoption
from local import ROOT
from tests.admin.conftest import Run


def documented(heading: str) -> list[str]:
    """The commands of docs/operations.md that come after `stack adopt`."""
    section = (ROOT / "docs" / "operations.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines()
    commands = [line.partition("#")[0].strip() for line in lines]
    [adopt] = (number for number, command in enumerate(commands) if command.endswith(" stack adopt"))
    return commands[adopt + 1 :]


@pytest.fixture(autouse=True)
def resources(monkeypatch: pytest.MonkeyPatch) -> None:
    """The adoption itself takes seconds, because SAM CLI translates the template."""
    monkeypatch.setattr(adoption, "adopt", lambda: ["Table"])


def test_a_new_stack_is_followed_by_the_documented_commands(run: Run) -> None:
    said = run("--stage", "prod", "stack", "adopt").stdout.splitlines()
    assert said[-4:] == ["Next, run:", *documented("After the deletion of a stack")]


def test_a_restored_table_is_followed_by_the_documented_commands(run: Run) -> None:
    options = "--stage", "prod", "--table", "contacts-prod-20261127"
    said = run(*options, "stack", "adopt").stdout.splitlines()
    assert said[-6:-4] == [
        'First write "TableSuffix=-20261127" into the parameter_overrides of the stage in samconfig.toml.',
        "Next, run:",
    ]
    assert [each.partition("  #")[0] for each in said[-4:]] == documented("Restoring the table")

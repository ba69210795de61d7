"""Whatever the arguments are, every command ends with an exit code, without a traceback and with harmless output."""

import io
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from admin import dead_letters, offboarding
from admin.__main__ import app
from contacts.storage.contacts import ContactRepository
from tests.admin.conftest import Run

ODD = [
    *(
        "",
        " ",
        "-",
        "--",
        "-1",
        "0",
        "1",
        "9" * 5000,
        "1e400",
        "nan",
        "inf",
        "-0.5",
        "٣",
        "true",
        "null",
        "*",
        "#",
        "a#b",
    ),
    *(
        "\0",
        "a\nb",
        "\x1b[2J\x1b[31m",
        "\x9b31m",
        "\udcff",
        "\ud800",
        "\u202eabc\u2066",
        "\u200b",
        "\u2028",
        "\ufdfa" * 50,
    ),
    *(
        "💥" * 300,
        "x" * 20_000,
        "c" * 33,
        "c" + "0" * 24,
        "NAME#vip",
        "{}",
        "{0}",
        "%s",
        "[bold]x[/]",
        "$(id)",
        "../..",
    ),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2027-02-30", "2027-01-31", "now", "20270131T12Z"),
    *("::ffff:1.2.3.4", "0.0.0.0/0", "1.2.3.4/33", "fe80::1%eth0", "#2e7d32", "#ggg", "sflo_live_" + "k" * 43),
    *("http://[x", "/v1/", "/v1/%zz?%&=&a", "https://host/prod/v1/contacts?phone=+1", "//v1/\udcff?\udcff", "GET", "/"),
    *("+49 151 2345678", "12345", "9" * 32, "ASSIGN", "REMOVE", "API", "contacts:read", "local", "contacts-local"),
]
ANY = st.sampled_from(ODD) | st.text(max_size=60) | st.text(st.characters(categories=["Cc", "Cf", "Cs"]), max_size=5)
HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Path and parameters of every command."""
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from leaves(each, (*path, name))
    else:
        yield path, command.params


COMMANDS = list(leaves(get_command(app)))


@pytest.fixture
def known(run: Run, tenant_id: str, queue_urls: dict[str, str]) -> dict[str, str]:
    """Correct values of arguments, so that odd ones get further."""
    tag_id = run("tag", "create", tenant_id, "VIP", "--json").records["id"]
    key = run("key", "create", tenant_id, "--name", "CRM", "--scope", "contacts:read", "--json").records
    contact, _ = ContactRepository(tenant_id).upsert("491512345678", "\x1b[2J\u202eZoë")
    return {
        "tenant_id": tenant_id,
        "tag_id": tag_id,
        "key_id": key["key_id"],
        "contact": contact.id,
        "contact_id": contact.id,
        "phone": contact.phone,
        "action": "ASSIGN",
        "source": "API",
        "scopes": "contacts:read",
        "name": "Gold",
        "method": "POST",
        "url": "/v1/contacts?phone=1",
        "secret": "secret",
        "queue": "tag-commands",
    }


@pytest.mark.parametrize(("path", "parameters"), COMMANDS, ids=lambda value: " ".join(map(str, value))[:20])
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_argument_makes_a_command_fail_badly(
    run: Run,
    known: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    path: tuple[str, ...],
    parameters: list[Any],
    data: st.DataObject,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(offboarding, "sleep", lambda _: None)
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
    monkeypatch.chdir(tmp_path)  # some commands write files
    options, positional = list[str](), list[str]()
    for parameter in parameters:
        value = st.just(known[parameter.name]) | ANY if parameter.name in known else ANY
        if parameter.param_type_name == "argument":
            positional.append(data.draw(value))
        elif data.draw(st.booleans()):
            options.append(parameter.opts[0])
            options += [] if parameter.is_flag else [data.draw(value)]
    separator = ["--"] if data.draw(st.booleans()) else []
    outcome = run(*path, *options, *separator, *positional, *data.draw(st.lists(ANY, max_size=1)))
    assert outcome.exit_code in {0, 1, 2}
    assert bool(outcome.stderr) == (outcome.exit_code != 0)
    output = outcome.stdout + outcome.stderr
    assert {each for each in output if unicodedata.category(each) in HARMFUL} <= {"\n"}


@given(option=st.sampled_from(["--stage", "--table", "--help", "-h", ""]) | ANY, value=ANY)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_choice_of_a_deployment_makes_a_command_fail_badly(run: Run, option: str, value: str) -> None:
    outcome = run(option, value, "tenant", "list")
    assert outcome.exit_code in {0, 1, 2}
    output = outcome.stdout + outcome.stderr
    assert {each for each in output if unicodedata.category(each) in HARMFUL} <= {"\n"}

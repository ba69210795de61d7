"""Documented `sam` commands get the parameters of their stage, by SAM CLI's own merge with samconfig.toml."""

import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from click.testing import CliRunner

from local import ROOT, stack

STAGES = "dev", "staging", "prod"
COMMANDS = {
    "build": "samcli.commands.build.command",
    "deploy": "samcli.commands.deploy.command",
    "local invoke": "samcli.commands.local.invoke.cli",
    "local start-api": "samcli.commands.local.start_api.cli",
}
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "samconfig.toml", "docs/**/*.md", ".github/**/*.yml"]
DOCUMENTED = re.compile(r"^(?: *run: |\$ )?(sam (?:build|deploy)\b.*)|(sam (?:build|deploy) --[^`&\n]*)", re.MULTILINE)
"""A line of its own, or within a sentence if it has options: a sentence can also speak of `sam build` itself."""
CONFIGURED = {"dev": {"LogRetentionDays": "7"}, "prod": {"LogRetentionDays": "90"}}


def documented() -> Iterator[str]:
    """Command lines with `sam build` and `sam deploy`, once per stage if the stage is a variable."""
    for file in chain.from_iterable(ROOT.glob(each) for each in DOCUMENTS):
        for found in DOCUMENTED.finditer(file.read_text()):
            line = found[1] or found[2]
            for stage in STAGES if "$STAGE" in line else ("",):
                yield line.replace('"$STAGE"', stage).strip()


@pytest.fixture
def parameters_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command line up to the point at which SAM CLI would start to work."""
    monkeypatch.chdir(ROOT)

    def run(line: str) -> dict[str, Any]:
        [name] = (each for each in COMMANDS if line.startswith(f"sam {each}"))
        command = importlib.import_module(COMMANDS[name])
        do_cli = create_autospec(command.do_cli)
        monkeypatch.setattr(command, "do_cli", do_cli)
        arguments = shlex.split(line.removeprefix(f"sam {name}"), comments=True)
        result = CliRunner().invoke(command.cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        call = do_cli.call_args
        return inspect.signature(do_cli).bind(*call.args, **call.kwargs).arguments

    return run


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_a_documented_command_works_on_the_stage_that_it_says(parameters_of: Any, line: str) -> None:
    [stage] = re.findall(r"--config-env (\w+)", line)
    parameters = parameters_of(line)
    assert parameters["parameter_overrides"] == {"Stage": stage, **CONFIGURED.get(stage, {})}
    assert parameters["language_extensions"] is True
    if "sam deploy" in line:
        assert parameters["stack_name"] == f"contacts-{stage}"
        assert parameters["tags"] == {"service": "contacts", "stage": stage}
        assert parameters["fail_on_empty_changeset"] is False


def test_each_stage_is_documented() -> None:
    lines = {line.partition(" #")[0].split(" --no-")[0].rstrip() for line in documented()}
    assert lines >= {f"sam {verb} --config-env {stage}" for verb in ("build", "deploy") for stage in STAGES}


@pytest.mark.parametrize("line", ["sam build", "sam local start-api", "sam local invoke GetContact"])
def test_without_a_stage_a_command_is_local(parameters_of: Any, line: str) -> None:
    parameters = parameters_of(line)
    assert parameters["parameter_overrides"] == {"Stage": "local", "Architecture": "x86_64"}


def test_make_start_takes_the_parameters_of_the_local_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured = (ROOT / "samconfig.toml").read_text().replace('"Stage=local"', '"Stage=local", "MethodRateLimit=5"')
    (tmp_path / "samconfig.toml").write_text(configured)
    (tmp_path / "template.yaml").symlink_to(ROOT / "template.yaml")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    [settings] = stack._read_template().rest_api["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == "5"


def test_overrides_on_the_command_line_lose_the_stage_and_so_create_no_stack(
    parameters_of: Any, template: dict[str, Any]
) -> None:
    parameters = parameters_of("sam deploy --config-env prod --parameter-overrides DomainName=api.example.com")
    assert parameters["parameter_overrides"] == {"DomainName": "api.example.com"}
    assert "Default" not in template["Parameters"]["Stage"]

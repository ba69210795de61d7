"""A stage on an emulated AWS account. Each fixture is a step that needs those before it."""

import json
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local import ROOT
from local.emulator.processes import free_port
from rehearsal.account import ROOT_USER, Account, Identity, check_out, is_installed, run_account
from tests import secrecy

ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


class Finished(NamedTuple):
    exit_code: int
    output: str


@dataclass(frozen=True)
class Shell:
    """Runs commands as an operator types them, in a checkout and with somebody's credentials."""

    account: Account
    checkout: Path
    identity: Identity = ROOT_USER
    replacements: dict[str, str] = field(default_factory=dict)
    """Placeholders of the documents, and what they stand for."""

    def try_(self, script: str) -> Finished:
        """Stops at the first command that fails, and answers every question with yes."""
        for placeholder, value in self.replacements.items():
            script = script.replace(placeholder, value)
        finished = subprocess.run(
            ["/bin/bash", "-eu", "-o", "pipefail", "-c", script],
            input="y\n" * 10,
            cwd=self.checkout,
            env=self.account.environment(self.identity),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout)

    def run(self, script: str) -> str:
        finished = self.try_(script)
        assert finished.exit_code == 0, finished.output
        return finished.output

    def administer(self, arguments: str) -> Any:
        """Runs `python -m admin` and returns the JSON that it prints."""
        output = self.run(f"python -m admin {arguments} --json")
        secrecy.note(output)
        return json.loads(output)


def documented(file: str, heading: str, language: str = "sh") -> list[str]:
    """The code blocks under a heading of a document, up to the next heading."""
    section = re.split(r"^#+ ", (ROOT / file).read_text(), flags=re.MULTILINE)
    [text] = (each for each in section if each.startswith(f"{heading}\n"))
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    if not is_installed():
        pytest.skip("MiniStack is not installed: the package registry did not have it")
    with run_account(free_port()) as account:
        yield account


@pytest.fixture(scope="session")
def deployer(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Has exactly the rights that docs/operations.md lists.

    Has built prod, for the processor of this machine, because the functions of the emulated account run on it."""
    checkout = tmp_path_factory.mktemp("checkout")
    check_out(checkout)
    edit(checkout / "samconfig.toml", '"Stage=prod",', f'"Stage=prod", "Architecture={ARCHITECTURE}",')
    [policy] = documented("docs/operations.md", "What a deployer may do", "json")
    shell = Shell(account, checkout, account.create_user("deployer", policy))
    shell.run(deploying("build"))
    return shell


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.fixture(scope="session")
def deployer_with_topic(deployer: Shell) -> Shell:
    """Has named the topic of prod's alarms."""
    topic = deployer.account.client("sns").create_topic(Name="alarms")["TopicArn"]
    edit(deployer.checkout / "samconfig.toml", '# "AlarmTopicArn=arn:aws:sns:…"', f'"AlarmTopicArn={topic}"')
    return deployer


def deploying(verb: str) -> str:
    """README's `sam` command."""
    [_, _, commands, _] = documented("README.md", "Deploying")
    [line] = (each for each in commands.splitlines() if each.startswith(f"sam {verb} "))
    return line


@dataclass(frozen=True)
class Prod:
    """The deployed stage, and one tenant who uses it."""

    url: str
    operator: Shell
    """With exactly the rights that docs/operations.md lists."""
    tenant_id: str
    tag_id: str
    key: str


@pytest.fixture(scope="session")
def prod(deployer_with_topic: Shell) -> Prod:
    deployer = deployer_with_topic
    [log_role, _, _, onboarding] = documented("README.md", "Deploying")
    replace(deployer, identity=ROOT_USER).run(log_role)
    deployer.run(deploying("deploy"))
    account = deployer.account
    [stack] = account.client("cloudformation").describe_stacks(StackName="contacts-prod")["Stacks"]
    [url] = (each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "ApiUrl")
    [policy] = documented("docs/operations.md", "What an operator may do", "json")
    operator = Shell(account, ROOT, account.create_user("operator", policy))
    create_tenant, create_key, create_tag = (each.removeprefix("python -m admin ") for each in onboarding.splitlines())
    tenant_id = operator.administer(create_tenant)["id"]
    operator = replace(operator, replacements={"TENANT_ID": tenant_id})
    tag_id = operator.administer(create_tag)["id"]
    key = operator.administer(f"{create_key} --rate-limit 3")["key"]
    return Prod(account.local_url(url), operator, tenant_id, tag_id, key)

"""An emulated AWS account that asks for credentials, and the environments in which commands work on it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from local.emulator.processes import run_server
from rehearsal import ROOT

ENVIRONMENT = ROOT / ".rehearse"
"""MiniStack's, which `make rehearse` sets up."""

REGION, NUMBER = "eu-central-1", "123456789012"
PORT = 4566


@dataclass(frozen=True)
class Identity:
    """Whose credentials a command has."""

    key_id: str
    secret: str


ROOT_USER = Identity("test", "test")
"""To MiniStack, this key is the account's root user, who may do everything."""


@dataclass(frozen=True)
class Account:
    url: str
    log: Path

    def environment(self, identity: Identity = ROOT_USER) -> dict[str, str]:
        """What commands need: sam, aws and the SDK find the account, and nothing of another one."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        programs = ROOT / ".venv" / "bin", ENVIRONMENT / "bin"
        return inherited | {
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": identity.key_id,
            "AWS_SECRET_ACCESS_KEY": identity.secret,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_POLL_DELAY": "1",
            "SAM_CLI_TELEMETRY": "0",
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 builds client classes at run time
        connect: Any = boto3.client  # its stubs accept only literal service names
        return connect(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ROOT_USER.key_id,
            aws_secret_access_key=ROOT_USER.secret,
        )

    def create_user(self, name: str, *policies: str) -> Identity:
        """An IAM user who has these policies, which are JSON, and no other rights."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"{name}-{number}", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Identity(key["AccessKeyId"], key["SecretAccessKey"])

    def local_url(self, api_url: str) -> str:
        """Where the emulator serves the API that a stack calls https://ID.execute-api.REGION.amazonaws.com/STAGE."""
        host, _, stage = api_url.removeprefix("https://").partition("/")
        return f"{self.url}/_aws/execute-api/{host.partition('.')[0]}/{stage}"


def is_installed() -> bool:
    """Not if the package registry did not have MiniStack."""
    return (ENVIRONMENT / ".rehearsing").exists()


@contextmanager
def run_account(port: int = PORT) -> Iterator[Account]:
    """All that it has is gone afterwards. Raises CannotStart."""
    with TemporaryDirectory(prefix="rehearsal-") as temporary:
        directory = Path(temporary)
        environment = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "DOCKER_HOST": "unix:///nonexistent",  # no service may start containers
            "IOT_MTLS_ENABLED": "0",  # these two would listen on all addresses
            "SFTP_ENABLED": "0",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": NUMBER,
            "S3_DATA_DIR": str(directory / "s3"),
            "STATE_DIR": str(directory / "state"),
            "TMPDIR": temporary,
        }
        with run_server(
            *(ENVIRONMENT / "bin" / "python", ROOT / "rehearsal" / "launcher.py"),
            host="127.0.0.1",
            port=port,
            log=directory / "account.log",
            environment=environment,
        ) as server:
            yield Account(server.wait(), server.log)


def check_out(directory: Path) -> None:
    """A copy of what is deployed, in which commands can build and an operator can edit."""
    for name in "functions", "hooks", "layers":
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in "account.yaml", "template.yaml", "samconfig.toml":
        shutil.copy(ROOT / name, directory)

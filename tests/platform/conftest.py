"""The operators' command line and the queues of the running system."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from local import ROOT
from local.stack import Stack
from tests.platform.queues import Queue

type Admin = Callable[..., Any]


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Admin:
    """What a command of the operators prints, with --json or as it is."""

    def run(*arguments: str) -> Any:
        finished = subprocess.run(
            [sys.executable, "-m", "admin", *arguments],
            env=stack.environment | {"PYTHONPATH": str(ROOT / "layers" / "common")},
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout) if "--json" in arguments else finished.stdout

    return run


@pytest.fixture(scope="session")
def secret(stack: Stack) -> str:
    """The customer's signing secret."""
    return str(stack.demo["tenants"][0]["keys"]["signed"]["secret"])


@pytest.fixture(scope="session")
def inbound_messages(stack: Stack) -> Queue:
    return Queue(stack, "inbound_messages")


@pytest.fixture(scope="session")
def tag_commands(stack: Stack) -> Queue:
    return Queue(stack, "tag_commands")

"""Schemathesis: the running system keeps to openapi.yaml, whatever is sent. schemathesis.toml says what is checked."""

import os
import subprocess
import sys

from local import ROOT
from local.stack import Stack
from tests.system import Customer

SEED = os.environ.get("SEED") or "1"
MINUTES = os.environ.get("SCHEMATHESIS_MINUTES")
"""For how long requests are made; without it, few."""


def test_the_running_system_keeps_to_the_document(stack: Stack, customer: Customer) -> None:
    size = ("--max-time", str(60 * float(MINUTES))) if MINUTES else ("--max-examples", "10")
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", "openapi.yaml", "--seed", SEED, "--no-color", *size],
        cwd=ROOT,
        env={
            **os.environ,
            "BASE_URL": stack.base_url,
            "API_KEY": str(customer.full.key),
            "TAG_IDS": " ".join(customer.tag_ids),
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout

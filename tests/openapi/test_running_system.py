"""Schemathesis: the running system keeps to openapi.yaml, whatever is sent. schemathesis.toml says what is checked."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from local import ROOT
from local.stack import Stack
from tests import secrecy
from tests.system import Customer

MINUTES = 0.2 * float(os.environ.get("MINUTES") or 0)
"""For how long it goes on in a soak; without one each operation gets a few requests, always the same ones."""
SEED = os.environ.get("SEED")


def test_the_running_system_keeps_to_the_document(
    stack: Stack, customer: Customer, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    size = ["--max-time", str(round(60 * MINUTES))] if MINUTES else ["--max-examples", "10"]
    seed = SEED or (None if MINUTES else "1")
    exchanges = tmp_path / "exchanges.jsonl"
    with capfd.disabled() if MINUTES else nullcontext():  # who waits sees what it does
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "schemathesis.cli",
                "run",
                "openapi.yaml",
                *size,
                *(["--seed", seed] if seed else []),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "BASE_URL": stack.base_url,
                "API_KEY": str(customer.full.key),
                "TAG_IDS": " ".join(customer.tag_ids),
                "EXCHANGES": str(exchanges),
            },
            check=False,
        )
    secrecy.note([json.loads(line) for line in exchanges.read_text().splitlines()])
    assert run.returncode == 0

"""Schemathesis sends generated requests to the running system and checks the answers. See schemathesis.toml."""

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
from tests.document import document
from tests.system import Customer

MINUTES = 0.2 * float(os.environ.get("MINUTES") or 0)
"""The share of `make soak`. Without it each operation gets a few requests, the same in every run."""
SEED = os.environ.get("SEED") or (None if MINUTES else "1")


def test_the_running_system_keeps_to_the_document(
    stack: Stack, customer: Customer, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    size = ["--max-time", str(round(60 * MINUTES))] if MINUTES else ["--max-examples", "10"]
    seed = ["--seed", SEED] if SEED else []
    exchanges, strict = tmp_path / "exchanges.jsonl", tmp_path / "openapi.json"
    strict.write_text(json.dumps(document().raw_schema))
    with capfd.disabled() if MINUTES else nullcontext():  # during a soak the terminal shows the progress
        run = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", str(strict), *size, *seed],
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

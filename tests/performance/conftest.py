"""The layer as `sam build` makes it."""

import subprocess
from pathlib import Path

import pytest

from local import ROOT


def build_layer(directory: Path) -> Path:
    """Returns the folder that Lambda mounts as /opt."""
    command = ["make", "--silent", "build-CommonLayer", f"ARTIFACTS_DIR={directory}"]
    subprocess.run(command, cwd=ROOT / "layers" / "common", check=True)
    return directory


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))

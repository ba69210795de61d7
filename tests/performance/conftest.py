"""The layer as `sam build` makes it, for both architectures."""

import platform
import subprocess
from pathlib import Path

import pytest

from local import ROOT


def build_layer(logical_id: str, directory: Path) -> Path:
    """Returns the folder that Lambda mounts as /opt."""
    command = ["make", "--silent", f"build-{logical_id}", f"ARTIFACTS_DIR={directory}"]
    subprocess.run(command, cwd=ROOT / "layers" / "common", check=True)
    return directory


@pytest.fixture(scope="session")
def x86_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer("CommonLayerX86", tmp_path_factory.mktemp("x86"))


@pytest.fixture(scope="session")
def arm_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer("CommonLayerArm", tmp_path_factory.mktemp("arm"))


@pytest.fixture(scope="session")
def native_layer(request: pytest.FixtureRequest) -> Path:
    """The layer that this machine can run."""
    is_arm = platform.machine() in {"aarch64", "arm64"}
    layer: Path = request.getfixturevalue("arm_layer" if is_arm else "x86_layer")
    return layer

"""What is measured: the product as `sam build` makes it, and its peers, built the default way."""

import compileall
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

ROOT = Path(__file__).parent.parent
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
PEERS = ROOT / ".aws-sam" / "peers" / "Peers"
PRODUCT = ROOT / ".aws-sam" / "build"
LAYER = PRODUCT / ("CommonLayerArm" if ARCHITECTURE == "arm64" else "CommonLayerX86") / "python"
RUNTIME_CLIENT = ROOT / ".aws-sam" / "runtime-client"
"""What Lambda keeps in /var/runtime."""


@dataclass(frozen=True)
class Artifact:
    name: str
    directory: Path
    """What Lambda mounts as /var/task."""
    layer: Path | None = None
    """What Lambda mounts as /opt/python."""
    handler: str = "app.handler"


def build() -> None:
    """Takes a minute the first time, for the peers' dependencies, and then seconds."""
    _sam_build(ROOT / "template.yaml", PRODUCT, f"Stage=local Architecture={ARCHITECTURE}")
    _sam_build(ROOT / "benchmarks" / "peers" / "template.yaml", PEERS.parent, f"Architecture={ARCHITECTURE}")
    if not RUNTIME_CLIENT.exists():
        for distribution in "awslambdaric", "simplejson", "snapshot-restore-py":
            for file in files(distribution) or []:
                target = RUNTIME_CLIENT / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(str(file.locate())), target)
        compileall.compile_dir(RUNTIME_CLIENT, quiet=1)


def _sam_build(template: Path, directory: Path, parameters: str) -> None:
    options = "--cached", "--parallel", "--parameter-overrides", parameters
    subprocess.run(
        ["sam", "build", "--template", template, "--build-dir", directory, *options],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

"""What is measured: the product as `sam build` makes it, and its peers, built the default way."""

import compileall
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".aws-sam" / "peers"
PRODUCT = ROOT / ".aws-sam" / "build"
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
    _sam_build(ROOT / "template.yaml", PRODUCT, "--parameter-overrides", "Stage=local Architecture=x86_64")
    _sam_build(ROOT / "benchmarks" / "peers" / "template.yaml", PEERS)
    if not RUNTIME_CLIENT.exists():
        for distribution in "awslambdaric", "simplejson", "snapshot-restore-py":
            for file in files(distribution) or []:
                target = RUNTIME_CLIENT / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(str(file.locate())), target)
        compileall.compile_dir(RUNTIME_CLIENT, quiet=1)


def _sam_build(template: Path, directory: Path, *options: str) -> None:
    subprocess.run(
        ["sam", "build", "--template", template, "--build-dir", directory, "--cached", "--parallel", *options],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

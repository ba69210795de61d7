"""What is measured: the API as `sam build` makes it, and its peers, built the default way."""

import compileall
import platform
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
PRODUCT = ROOT / ".aws-sam" / "build"
LAYER = PRODUCT / "CommonLayer" / "python"
PEERS = ROOT / ".aws-sam" / "peers" / "Peers"


@dataclass(frozen=True)
class Artifact:
    name: str
    directory: Path
    """Mounted as /var/task on Lambda."""
    layer: Path | None = None
    """Mounted as /opt/python on Lambda."""
    handler: str = "app.handler"

    @property
    def folders(self) -> list[Path]:
        return [self.directory, self.layer] if self.layer else [self.directory]


def build() -> None:
    """Takes a minute the first time, because of the peers' dependencies, then seconds. Raises CalledProcessError."""
    _sam_build(ROOT / "template.yaml", PRODUCT, f"Stage=local Architecture={ARCHITECTURE}")
    _sam_build(ROOT / "benchmarks" / "peers" / "template.yaml", PEERS.parent, f"Architecture={ARCHITECTURE}")


def _sam_build(template: Path, directory: Path, parameters: str) -> None:
    options = "--cached", "--parallel", "--parameter-overrides", parameters
    subprocess.run(
        ["sam", "build", "--template", template, "--build-dir", directory, *options],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


@cache
def install_runtime_client() -> Path:
    """A copy of AWS's runtime client with bytecode, as Lambda keeps it in /var/runtime."""
    directory = ROOT / ".aws-sam" / "runtime-client"
    if not directory.exists():
        directory.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=directory.parent) as parent:
            copy = Path(parent) / "copy"
            for distribution in "awslambdaric", "simplejson", "snapshot-restore-py":
                for file in files(distribution) or []:
                    (copy / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(Path(str(file.locate())), copy / file)
            compileall.compile_dir(copy, quiet=1, stripdir=copy, prependdir="/var/runtime")
            with suppress(OSError):  # another process was faster
                copy.rename(directory)
    return directory

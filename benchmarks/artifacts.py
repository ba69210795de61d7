"""What is measured: the product as `sam build` makes it, and its peers, built the default way."""

import compileall
import shutil
import subprocess
from dataclasses import dataclass, replace
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


REFERENCE = Artifact("Reference", PEERS / "Reference")
"""boto3.client("dynamodb") and nothing else, as an ordinary `sam build` ships it."""

PEER_APIS = {
    "FastAPI + Mangum": Artifact("FastapiMangum", PEERS / "FastapiMangum"),
    "Powertools resolver": Artifact("PowertoolsResolver", PEERS / "PowertoolsResolver"),
    "plain boto3": Artifact("PlainBoto3", PEERS / "PlainBoto3"),
}

ENDPOINTS = {
    "get_contact_by_phone": "GetContactByPhone",
    "get_contact": "GetContact",
    "upsert_contact": "UpsertContact",
    "update_contact": "UpdateContact",
    "delete_contact": "DeleteContact",
    "assign_tag": "AssignTag",
    "remove_tag": "RemoveTag",
}


def product(resource: str) -> Artifact:
    return Artifact(resource, PRODUCT / resource, layer=PRODUCT / "CommonLayerX86" / "python")


def peer(name: str, endpoint: str) -> Artifact:
    """FastAPI and Powertools serve all endpoints with one handler, plain functions have one each."""
    artifact = PEER_APIS[name]
    return replace(artifact, handler=f"app.{endpoint}") if name == "plain boto3" else artifact


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

"""The AWS services beside DynamoDB, in moto's server: it forgets at each stop, so what must last is put back."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import aws
from local.directory import write_private
from local.processes import Server, free_port, run_server


@contextmanager
def run_services(directory: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[Server]:
    port = port or free_port()
    with run_server(
        *(sys.executable, "-m", "moto.server", "--host", host, "--port", str(port)),
        port=port,
        log=directory / "services.log",
    ) as server:
        yield server


def restore_secrets(endpoint: str, resources: dict[str, Any], file: Path) -> dict[str, str]:
    """The template's secrets by logical id. They are generated once, as the template says, and kept in the file."""
    client = aws.connect("secretsmanager", endpoint)
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    for logical_id, resource in resources.items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            wanted = resource["Properties"]
            if logical_id not in kept:
                kept[logical_id] = client.get_random_password(**wanted["GenerateSecretString"])["RandomPassword"]
            client.create_secret(Name=wanted["Name"], SecretString=kept[logical_id])
    write_private(file, json.dumps(kept, indent=2))
    return kept

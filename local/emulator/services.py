"""The AWS services beside DynamoDB, in moto's server. It keeps everything in memory."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.emulator import aws
from local.emulator.processes import Server, free_port, run_server
from local.emulator.template import Template


@contextmanager
def run_services(directory: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[Server]:
    port = port or free_port()
    with run_server(
        *(sys.executable, "-m", "local.emulator.aws_server", host, str(port)),
        host=host,
        port=port,
        log=directory / "services.log",
        # moto would allow every web page to read its answers, and start containers for some services.
        environment={"MOTO_DISABLE_GLOBAL_CORS": "1", "DOCKER_HOST": "unix:///nonexistent"},
    ) as server:
        yield server


def create_secrets(endpoint: str, template: Template, known: Mapping[str, str]) -> None:
    """Creates the template's secrets with the known values, by logical id, or else as the template says."""
    client = aws.connect("secretsmanager", endpoint)
    for logical_id, properties in _secrets(template).items():
        generated = client.get_random_password(**properties["GenerateSecretString"])["RandomPassword"]
        client.create_secret(Name=properties["Name"], SecretString=known.get(logical_id, generated))


def read_secrets(endpoint: str, template: Template) -> dict[str, str]:
    """The current values of the template's secrets, by logical id."""
    client = aws.connect("secretsmanager", endpoint)
    return {
        logical_id: client.get_secret_value(SecretId=properties["Name"])["SecretString"]
        for logical_id, properties in _secrets(template).items()
    }


def _secrets(template: Template) -> dict[str, dict[str, Any]]:
    return template.properties("AWS::SecretsManager::Secret")

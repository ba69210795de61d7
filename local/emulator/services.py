"""The AWS services beside DynamoDB, in moto's server. It keeps everything in memory."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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


def create_secrets(endpoint: str, template: Template, known: Mapping[str, str]) -> dict[str, str]:
    """The values of the template's secrets, by logical id: the known ones, else generated as the template says."""
    client = aws.connect("secretsmanager", endpoint)
    secrets: dict[str, str] = {}
    for logical_id, properties in template.properties("AWS::SecretsManager::Secret").items():
        generated = client.get_random_password(**properties["GenerateSecretString"])["RandomPassword"]
        secrets[logical_id] = known.get(logical_id, generated)
        client.create_secret(Name=properties["Name"], SecretString=secrets[logical_id])
    return secrets

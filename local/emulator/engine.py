"""DynamoDB Local, as a process."""

import logging
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from local.emulator import aws
from local.emulator.errors import CannotStart
from local.emulator.processes import Server, free_port, private, run_server

VERSION = "3.1.0"
JARS = Path(__file__).with_name("engine_jars.sha256")
"""The files of this version, as `sha256sum` prints them."""


@contextmanager
def run_engine(
    directory: Path, *, in_memory: bool = False, host: str = "127.0.0.1", port: int | None = None
) -> Iterator[Server]:
    """Runs on the data in the directory, or on empty memory. Raises CannotStart."""
    port, directory = port or free_port(), directory.resolve()
    data, scratch = directory / "dynamodb", directory / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    for each in data, scratch:
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not in_memory:
        _write_ahead(data / "shared-local-instance.db")
    with run_server(
        *(sys.executable, "-m", "local.emulator.dynamodb_server", host, find_jars(), scratch),
        *("-sharedDb", "-disableTelemetry", "-port", str(port)),
        *(["-inMemory"] if in_memory else ["-dbPath", data]),
        host=host,
        port=port,
        log=directory / "engine.log",
    ) as server:
        yield server


def _write_ahead(database: Path) -> None:
    """Makes a commit wait for the disk once instead of three times. SQLite keeps this mode in the file."""
    with open(database, "ab", opener=private):
        pass  # SQLite would create it for everybody to read
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def create_table(endpoint: str, properties: dict[str, Any]) -> None:
    """From the properties of an AWS::DynamoDB::Table. A table that exists gets a stream if it lacks one."""
    client = aws.connect("dynamodb", endpoint)
    stream = {"StreamSpecification": {"StreamEnabled": True, **properties["StreamSpecification"]}}
    if properties["TableName"] in client.list_tables()["TableNames"]:
        if "LatestStreamArn" not in client.describe_table(TableName=properties["TableName"])["Table"]:
            client.update_table(TableName=properties["TableName"], **stream)
        return
    known = client.meta.service_model.operation_model("CreateTable").input_shape.members
    unlike_cloudformation = {"OnDemandThroughput", "SSESpecification"}  # the engine limits and encrypts nothing
    given = {name: properties[name] for name in properties.keys() & known.keys() - unlike_cloudformation}
    client.create_table(**given | stream)
    client.update_time_to_live(
        TableName=properties["TableName"], TimeToLiveSpecification=properties["TimeToLiveSpecification"]
    )


def find_jars() -> Path:
    """Fetched from Maven Central once, then kept in the virtual environment."""
    jars = Path(sys.prefix) / "dynamodb-local" / f"jars-{VERSION}"
    if not jars.exists():
        jars.parent.mkdir(exist_ok=True)
        with FileLock(jars.parent / "lock"):
            if not jars.exists():
                partial = jars.with_name("partial")
                shutil.rmtree(partial, ignore_errors=True)
                shutil.copytree(_fetch(), partial)
                verify_jars(partial)
                partial.rename(jars)
    return jars


def _fetch() -> Path:
    import jgo  # noqa: PLC0415 - takes half a second and is needed once

    logging.getLogger("jgo").setLevel(logging.ERROR)  # it warns of native libraries
    print("Fetching DynamoDB Local from Maven Central (49 MB, only this once) ...", file=sys.stderr, flush=True)
    try:
        return Path(jgo.build(f"software.amazon.dynamodb:DynamoDBLocal:{VERSION}").path) / "modules"
    except Exception as error:  # whatever failed, the advice is the same
        raise CannotStart(
            f"DynamoDB Local could not be fetched. Is Maven Central reachable? Try again. ({error})"
        ) from error


def verify_jars(directory: Path) -> None:
    """Raises CannotStart unless these are exactly the pinned files."""
    found = {f"{sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in directory.iterdir()}
    if differing := found ^ set(JARS.read_text().splitlines()):
        names = ", ".join(sorted({line.partition("  ")[2] for line in differing}))
        raise CannotStart(f"What Maven Central sent for DynamoDB Local is not what {JARS.name} says: {names}")

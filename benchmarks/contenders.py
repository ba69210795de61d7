"""Who is measured: the API, its peers, and the reference that all of them are compared with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.artifacts import LAYER, PEERS, PRODUCT, Artifact
from benchmarks.environments import ExecutionEnvironment
from benchmarks.workload import Case
from local.stack import Backend

PRODUCT_NAME, REFERENCE_NAME = "this API", "boto3 client"


@dataclass(frozen=True)
class Contender:
    name: str
    artifact: Artifact
    variables: Mapping[str, str] = field(repr=False)
    is_reference: bool = False
    """The reference sends the API's requests to DynamoDB and does nothing else."""

    def start(self, **variables: str) -> ExecutionEnvironment:
        """Raises FunctionFailed."""
        return ExecutionEnvironment(self.artifact, {**self.variables, **variables})

    def make_event(self, case: Case) -> bytes:
        return json.dumps({"requests": case.make_requests()} if self.is_reference else case.make_event()).encode()


class Contenders:
    def __init__(self, backend: Backend) -> None:
        self._environment = backend.environment
        self._functions = {each.directory.name: each for each in backend.functions}

    def product(self, function: str) -> Contender:
        found = self._functions[function]
        return Contender(PRODUCT_NAME, Artifact(found.name, PRODUCT / found.name, layer=LAYER), found.variables)

    def peers(self, function: str) -> list[Contender]:
        """The frameworks serve all endpoints with one handler; plain boto3 has a handler for each."""
        return [
            self._peer("FastAPI + Mangum", "fastapi_mangum.handler"),
            self._peer("Powertools resolver", "powertools_resolver.handler"),
            self._peer("plain boto3", f"plain_boto3.{function}"),
        ]

    def reference(self) -> Contender:
        return replace(self._peer(REFERENCE_NAME, "reference.handler"), is_reference=True)

    def _peer(self, name: str, handler: str) -> Contender:
        return Contender(name, Artifact("Peers", PEERS, handler=f"apps.{handler}"), self._environment)

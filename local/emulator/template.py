"""What SAM CLI reads from a template."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Function:
    name: str
    directory: Path
    layers: tuple[Path, ...]
    handler: str
    timeout_seconds: int
    memory_mb: int
    variables: dict[str, str]


@dataclass(frozen=True)
class EventSource:
    """A queue whose messages go to a function."""

    queue: str
    """Logical id."""
    function: str
    batch_size: int


@dataclass(frozen=True)
class StreamSource:
    """A table whose changes go to a function."""

    table: str
    """The name of the table."""
    function: str
    pattern: object
    """The records that it wants, as Lambda's filters describe them."""
    window_seconds: float
    """How long Lambda gathers records before it calls the function."""


@dataclass(frozen=True)
class Template:
    resources: dict[str, Any]
    """By logical id, with every intrinsic function resolved."""
    functions: list[Function]
    api: Any
    """The routes, as SAM CLI's local gateway takes them."""

    def properties(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    @property
    def table(self) -> dict[str, Any]:
        (properties,) = self.properties("AWS::DynamoDB::Table").values()
        return properties

    @property
    def rest_api(self) -> dict[str, Any]:
        (properties,) = self.properties("AWS::Serverless::Api").values()
        return properties

    @property
    def event_sources(self) -> list[EventSource]:
        return [
            EventSource(named_by(event["Queue"]), function, event["BatchSize"])
            for function, event in self._events("SQS")
        ]

    @property
    def stream_sources(self) -> list[StreamSource]:
        return [
            StreamSource(
                self.table["TableName"],
                function,
                json.loads(pattern["Pattern"]),
                event["MaximumBatchingWindowInSeconds"],
            )
            for function, event in self._events("DynamoDB")
            for pattern in event["FilterCriteria"]["Filters"]
        ]

    def _events(self, event_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The functions with the properties of their events of a type."""
        for function, properties in self.properties("AWS::Serverless::Function").items():
            for event in properties.get("Events", {}).values():
                if event["Type"] == event_type:
                    yield function, event["Properties"]


def named_by(arn: str) -> str:
    """The logical id in the ARN that SAM CLI makes of `!GetAtt Resource.Arn`."""
    return arn.rpartition(":")[2]


def read_template(file: Path, parameters: Mapping[str, str]) -> Template:
    # Importing SAM CLI takes more than a second. A command that is refused should not wait for it.
    from samcli.lib.providers.api_provider import ApiProvider  # type: ignore[import-untyped]  # noqa: PLC0415
    from samcli.lib.providers.sam_function_provider import (  # type: ignore[import-untyped]  # noqa: PLC0415
        SamFunctionProvider,
    )
    from samcli.lib.providers.sam_stack_provider import (  # type: ignore[import-untyped]  # noqa: PLC0415
        SamLocalStackProvider,
    )

    logging.getLogger("samcli").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):  # SAM CLI's own deprecations
        stacks, _ = SamLocalStackProvider.get_stacks(
            str(file), parameter_overrides=dict(parameters), language_extensions_enabled=True
        )
        functions = [
            Function(
                name=each.name,
                directory=file.parent / each.codeuri,
                layers=tuple(file.parent / layer.codeuri for layer in each.layers),
                handler=each.handler,
                timeout_seconds=each.timeout,
                memory_mb=each.memory,
                variables=each.environment["Variables"],
            )
            for each in SamFunctionProvider(stacks).get_all()
        ]
        return Template(stacks[0].resources, functions, ApiProvider(stacks).api)


_NAMED_BY = {"AWS::DynamoDB::Table": "TableName", "AWS::SecretsManager::Secret": "Name"}


def resolve_variables(template: Template, function: Function, *, queue_urls: Mapping[str, str]) -> dict[str, str]:
    """The function's variables, with names in place of the logical ids that SAM CLI leaves."""
    names: dict[str, str] = {
        logical_id: properties[name]
        for resource_type, name in _NAMED_BY.items()
        for logical_id, properties in template.properties(resource_type).items()
    }
    names |= queue_urls
    return {name: names.get(value, value) for name, value in function.variables.items()}

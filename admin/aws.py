"""Clients of AWS services. boto3 is imported for the first one, because most commands need none."""

from functools import cache
from typing import Any


@cache
def client(service: str, **settings: Any) -> Any:  # noqa: ANN401 - boto3 builds client classes at run time
    """One client a command and service."""
    import boto3  # noqa: PLC0415

    connect: Any = boto3.client  # its stubs accept only literal service names
    return connect(service, **settings)

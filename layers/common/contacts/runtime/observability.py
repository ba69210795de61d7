"""Logs and metrics. Phones, names, keys and bodies never go into either: log ids.

Metrics are in CloudWatch's namespace Contacts. Each one exists twice: for the whole stage, as alarms need it, and for
one kind of work. docs/operations.md lists them.
"""

from collections.abc import Mapping

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from contacts.runtime import settings

# Our messages are plain text. Powertools would try to parse each one as JSON.
logger = Logger(service="contacts", json_deserializer=str)
_metrics = Metrics(namespace="Contacts")


def count(kind: str, outcomes: Mapping[str, int], *, latency_ms: float | None = None) -> None:
    """Prints how often each outcome occurred, as one line in CloudWatch's embedded metric format."""
    if not outcomes:
        return
    for outcome, number in outcomes.items():
        _metrics.add_metric(outcome, MetricUnit.Count, number)
    if latency_ms is not None:
        _metrics.add_metric("Latency", MetricUnit.Milliseconds, latency_ms)
    _metrics.add_dimension("Stage", settings.stage())
    _metrics.add_dimensions(Stage=settings.stage(), Kind=kind)
    _metrics.flush_metrics()

"""Alarms and dashboard of template.yaml: which metrics they read, and CloudWatch's rules for the states of alarms.

The rules are those that the template uses. Their sources are alarm-evaluation.html, alarms-and-missing-data.html and
using-metric-math.html below https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

type Json = dict[str, Any]
type Dimensions = frozenset[tuple[str, str]]
type Series = Sequence[float | None]
"""A value for each period, None if there is no data."""


class Metric(NamedTuple):
    namespace: str
    name: str
    dimensions: Dimensions


class Search(NamedTuple):
    """A SEARCH of the dashboard."""

    namespace: str
    dimension_names: frozenset[str]
    terms: str


def resolve(value: Any, template: Json, stage: str) -> Any:
    """The value without its intrinsic functions. A resource's name or attribute becomes its logical id."""
    resolved = value
    match value:
        case {"Ref": "Stage"}:
            resolved = stage
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} | {"Fn::If": [str(name), *_]}:
            resolved = name
        case {"Fn::Sub": str(text)}:
            resolved = re.sub(r"\$\{(\w+)\}", r"\1", text.replace("${Stage}", stage))
        case {"Fn::FindInMap": [table, row, column]}:
            resolved = template["Mappings"][table][resolve(row, template, stage)][column]
        case {"Fn::ToJsonString": inner}:
            resolved = resolve(inner, template, stage)
        case dict():
            resolved = {name: resolve(each, template, stage) for name, each in value.items()}
        case list():
            resolved = [resolve(each, template, stage) for each in value]
    return resolved


def resources_of(template: Json, type_: str, stage: str) -> dict[str, Json]:
    """The resolved properties by logical id."""
    return {
        name: resolve(resource["Properties"], template, stage)
        for name, resource in template["Resources"].items()
        if resource["Type"] == f"AWS::CloudWatch::{type_}"
    }


def metric_of(properties: Json) -> Metric:
    dimensions = frozenset((each["Name"], each["Value"]) for each in properties["Dimensions"])
    return Metric(properties["Namespace"], properties["MetricName"], dimensions)


def metrics_of(alarm: Json) -> set[Metric]:
    if "Metrics" not in alarm:
        return {metric_of(alarm)}
    return {metric_of(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each}


def shown(dashboard: Json) -> Iterator[Metric | Search]:
    for widget in dashboard["DashboardBody"]["widgets"]:
        for namespace, *rest in widget["properties"].get("metrics", []):
            if isinstance(namespace, dict):
                for schema, terms in re.findall(r"SEARCH\('\{(.*?)\} (.*?)'", namespace["expression"]):
                    name, *dimension_names = schema.split(",")
                    yield Search(name, frozenset(dimension_names), terms)
            else:
                name, *dimensions = (each for each in rest if not isinstance(each, dict))
                yield Metric(namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))


class Data:
    """Samples of metrics, by the minute in which they were taken."""

    def __init__(self) -> None:
        self._samples = defaultdict[Metric, dict[int, list[float]]](dict)

    def put(self, namespace: str, name: str, minutes: range, *samples: float, **dimensions: str) -> None:
        """Each of the minutes has these samples, and no others."""
        metric = Metric(namespace, name, frozenset(dimensions.items()))
        for minute in minutes:
            self._samples[metric][minute] = [*samples]

    def series(self, metric: Metric, statistic: str, period_seconds: int, minutes: int) -> Series:
        length, by_minute = period_seconds // 60, self._samples[metric]
        periods = ([*range(start, start + length)] for start in range(0, minutes, length))
        samples = ([each for minute in period for each in by_minute.get(minute, ())] for period in periods)
        return [STATISTICS[statistic](each) if each else None for each in samples]


def percentile(rank: float) -> Callable[[Sequence[float]], float]:
    return lambda samples: sorted(samples)[math.ceil(rank * len(samples)) - 1]


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "SampleCount": len,
    "Sum": sum,
    "p90": percentile(0.90),
    "p99": percentile(0.99),
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
}
FUNCTIONS = {
    "FILL": lambda value, default: default if value is None else value,
    "IF": lambda condition, value, otherwise: value if condition else otherwise,
}


def compute(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Metric math for one period. Without one of its values there is no result."""
    try:
        return eval(expression, {**FUNCTIONS}, dict(values))  # type: ignore[no-any-return]
    except TypeError:
        return None


def values_of(alarm: Json, data: Data, minutes: int) -> tuple[int, Series]:
    """The period in seconds, and what the alarm compares with its threshold."""
    if "Metrics" not in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return alarm["Period"], data.series(metric_of(alarm), statistic, alarm["Period"], minutes)
    [expression] = (each["Expression"] for each in alarm["Metrics"] if each.get("ReturnData", True))
    inputs = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    [period] = {each["Period"] for each in inputs.values()}
    series = {
        id_: data.series(metric_of(each["Metric"]), each["Stat"], period, minutes) for id_, each in inputs.items()
    }
    rows = zip(*series.values(), strict=True)
    return period, [compute(expression, dict(zip(series, row, strict=True))) for row in rows]


def is_alarmed(breaching: Sequence[bool | None], needed: int, evaluated: int) -> bool:
    """The state after the last period, for TreatMissingData: notBreaching.

    CloudWatch looks at more periods than it evaluates, and takes those with data first.
    """
    known = [each for each in breaching[-evaluated - 2 :] if each is not None]
    return sum(known[-evaluated:]) >= needed


def alarmed_minutes(alarm: Json, data: Data, minutes: int) -> list[int]:
    """After which minutes the alarm is in the state ALARM."""
    assert alarm["TreatMissingData"] == "notBreaching"
    period, values = values_of(alarm, data, minutes)
    breaks = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [None if each is None else breaks(each, alarm["Threshold"]) for each in values]
    evaluated = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm") or evaluated
    return [
        number * period // 60
        for number in range(1, len(values) + 1)
        if is_alarmed(breaching[:number], needed, evaluated)
    ]


def alarms_of(incident: Json) -> list[str]:
    """The logical ids of the alarms of which one is enough."""
    names = re.findall(r'ALARM\("(\w+)"\)', incident["AlarmRule"])
    assert incident["AlarmRule"] == " OR ".join(f'ALARM("{name}")' for name in names)
    return names

"""The median and the quartiles of repeated measurements, and the verdict on a goal."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles

MOST_NOISE = 0.2
"""Verdicts are given while the quartiles of the reference are at most this share of its median apart."""


@dataclass(frozen=True)
class Spread:
    low: float
    median: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        return Spread(*quantiles(values, n=4, method="inclusive"))

    @staticmethod
    def of_seconds(seconds: Iterable[float]) -> "Spread":
        """Converts to milliseconds."""
        return Spread.of(1000 * each for each in seconds)

    @property
    def noise(self) -> float:
        return (self.high - self.low) / self.median

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 1 if self.median >= 10 else 2  # noqa: PLR2004 - three figures in all
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def judge(value: float, goal: float | None, reference: Spread) -> list[str]:
    """The cells `goal` and `verdict` of a row. The value is compared as it is shown, with two decimals."""
    if goal is None:
        return ["", ""]
    if reference.noise > MOST_NOISE:
        return [f"{goal:.2f}", "too noisy"]
    return [f"{goal:.2f}", "met" if round(value, 2) <= goal else "missed"]


def describe_noise(reference: Spread) -> str:
    quiet = "quiet enough to judge" if reference.noise <= MOST_NOISE else "too noisy to judge: run this again"
    return (
        f"The machine was {quiet}. The quartiles of the reference are {100 * reference.noise:.0f} % of its median "
        f"apart; goals are judged up to {100 * MOST_NOISE:.0f} %."
    )

"""What was measured often: its median, and between which values the middle half lies."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles


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
        """In milliseconds."""
        return Spread.of(1000 * each for each in seconds)

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 1 if self.median >= 10 else 2  # noqa: PLR2004 - three figures in all
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"

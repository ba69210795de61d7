"""The pictures of docs/performance.md."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.spread import Spread

mpl.use("agg")
plt.rcParams |= {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.size": 9,
}
PRODUCT, OTHERS = "#0b7285", ("#495057", "#868e96", "#adb5bd", "#dee2e6")


def draw_bars(title: str, unit: str, bars: Mapping[str, Spread], goals: Mapping[str, float]) -> Figure:
    """One bar for each name, with its quartiles; the bars with a goal are the product's."""
    figure, axes = _make_axes(title, unit, list(bars), inches=0.32)
    colours = [PRODUCT if name in goals else OTHERS[2] for name in bars]
    _draw_spreads(axes, range(len(bars)), list(bars.values()), height=0.7, color=colours)
    places = [(list(bars).index(name), goal) for name, goal in goals.items()]
    lows, highs = [place - 0.45 for place, _ in places], [place + 0.45 for place, _ in places]
    axes.vlines([goal for _, goal in places], lows, highs, color="#343a40", linewidth=1.5, label="goal")
    axes.legend(frameon=False)
    return figure


def draw_groups(title: str, unit: str, groups: Mapping[str, Mapping[str, Spread]], product: str) -> Figure:
    """One group of bars for each name, with the same contenders in every group."""
    contenders = list(next(iter(groups.values())))
    figure, axes = _make_axes(title, unit, list(groups), inches=0.16 * (len(contenders) + 1))
    others = iter(OTHERS)
    height = 1 / (len(contenders) + 1)
    for number, contender in enumerate(contenders):
        places = [group + (number - len(contenders) / 2 + 0.5) * height for group in range(len(groups))]
        colour = PRODUCT if contender == product else next(others)
        spreads = [group[contender] for group in groups.values()]
        _draw_spreads(axes, places, spreads, height=height, color=colour, label=contender)
    figure.legend(loc="outside lower center", ncols=len(contenders), frameon=False)
    return figure


def draw_stacks(title: str, unit: str, stacks: Mapping[str, Mapping[str, float]]) -> Figure:
    """One bar for each name, made of the same parts."""
    figure, axes = _make_axes(title, unit, list(stacks), inches=0.36)
    parts = list(next(iter(stacks.values())))
    ends = len(stacks) * [0.0]
    for part, colour in zip(parts, (PRODUCT, *OTHERS), strict=False):
        lengths = [stack[part] for stack in stacks.values()]
        axes.barh(range(len(stacks)), lengths, height=0.7, left=ends, color=colour, label=part)
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    figure.legend(loc="outside lower center", ncols=len(parts), frameon=False)
    return figure


def _make_axes(title: str, unit: str, names: Sequence[str], inches: float) -> tuple[Figure, Axes]:
    """For horizontal bars; `inches` is the height of one name."""
    figure, axes = plt.subplots(figsize=(8, 1 + inches * len(names)))
    axes.set_yticks(range(len(names)), names)
    axes.set(title=title, xlabel=unit)
    axes.invert_yaxis()
    return figure, axes


def _draw_spreads(axes: Axes, places: Sequence[float], spreads: Sequence[Spread], **style: Any) -> None:  # noqa: ANN401
    medians = [each.median for each in spreads]
    whiskers = [[each.median - each.low for each in spreads], [each.high - each.median for each in spreads]]
    axes.barh(places, medians, xerr=whiskers, error_kw={"lw": 0.8, "ecolor": "#343a40"}, **style)

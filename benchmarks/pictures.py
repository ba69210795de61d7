"""The pictures of the page."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.spread import Spread

mpl.use("agg")
pyplot.rcParams |= {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 9,
}
PRODUCT, OTHER = "#0b7285", "#adb5bd"
OTHERS = "#495057", "#868e96", "#adb5bd", "#dee2e6"


def draw_bars(title: str, unit: str, bars: Mapping[str, Spread], product: Sequence[str]) -> Figure:
    """One bar each, with its quartiles, the first one on top."""
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.32 * len(bars)))
    _draw(axes, list(range(len(bars))), list(bars.values()), [PRODUCT if name in product else OTHER for name in bars], 0.7)
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set(title=title, xlabel=unit)
    axes.invert_yaxis()
    return figure


def draw_groups(title: str, unit: str, groups: Mapping[str, Mapping[str, Spread]], product: str) -> Figure:
    """A group of bars for each name; the same contenders in every group."""
    contenders = list(next(iter(groups.values())))
    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.16 * len(groups) * (len(contenders) + 1)))
    height = 1 / (len(contenders) + 1)
    colours = dict(zip([each for each in contenders if each != product], OTHERS, strict=False)) | {product: PRODUCT}
    for number, contender in enumerate(contenders):
        places = [place + (number - len(contenders) / 2 + 0.5) * height for place in range(len(groups))]
        spreads = [group[contender] for group in groups.values()]
        _draw(axes, places, spreads, len(groups) * [colours[contender]], height, contender)
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(title=title, xlabel=unit)
    axes.invert_yaxis()
    axes.legend(loc="lower right", frameon=False)
    return figure


def draw_lines(title: str, x_label: str, y_label: str, lines: Mapping[str, Mapping[int, Spread]]) -> Figure:
    """Over a logarithmic axis, with quartiles."""
    figure, axes = pyplot.subplots(figsize=(8, 3.6))
    for name, points in lines.items():
        spreads = list(points.values())
        (line,) = axes.plot(list(points), [each.median for each in spreads], marker="o", markersize=4, label=name)
        axes.fill_between(
            list(points), [each.low for each in spreads], [each.high for each in spreads], alpha=0.12, color=line.get_color()
        )
    axes.set(title=title, xlabel=x_label, ylabel=y_label, xscale="log", ylim=(0, None))
    axes.legend(frameon=False, ncols=2)
    return figure


def _draw(
    axes: Axes,
    places: Sequence[float],
    spreads: Sequence[Spread],
    colours: Sequence[str],
    height: float,
    label: str | None = None,
) -> None:
    medians = [each.median for each in spreads]
    whiskers = [[each.median - each.low for each in spreads], [each.high - each.median for each in spreads]]
    axes.barh(places, medians, height, color=colours, xerr=whiskers, error_kw={"lw": 0.8, "ecolor": "#343a40"}, label=label)

"""The figures of docs/benchmarks.md as SVG."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.contenders import Round
from tests.benchmarks.figures import Median, line
from tests.benchmarks.growth import points
from tests.benchmarks.speed import Rounds

FOLDER = "plots"
STYLE = {
    "svg.hashsalt": "seo-bench",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
OURS, OTHERS = "#2a6f97", "#b0b7bf"


def speed_plot(docs: Path, name: str, found: Rounds) -> str:
    """Bars of pages a second with the least and most; returns its Markdown."""

    def draw(axes: Axes) -> None:
        names = list(found)[::-1]
        medians = [Median.of(one.printed.rate for one in found[name]) for name in names]
        middle = [median.middle for median in medians]
        spread = [
            [median.middle - median.least for median in medians],
            [median.most - median.middle for median in medians],
        ]
        colours = [OURS if name.startswith("seo ") else OTHERS for name in names]
        axes.barh(names, middle, color=colours, xerr=spread, error_kw={"elinewidth": 1, "capsize": 2})
        for place, value in enumerate(middle):
            axes.annotate(f"  {value:,.0f}", (max(value, medians[place].most), place), va="center")
        axes.set_xlabel("pages a second, median; whiskers: least and most")

    return _written(docs, f"speed-{name}", f"Pages a second of each contender, list {name}", draw)


def growth_plot(docs: Path, kind: str, found: Sequence[Round]) -> str:
    """CPU and wall time by pages on logarithmic axes, with the straight line of each; returns its Markdown.

    Only a line that starts at 0 is straight there: it is drawn too, with the same slope.
    """

    def draw(axes: Axes) -> None:
        for unit, colour, label in (("cpu", OURS, "CPU time, all processes"), ("wall", "#c8553d", "wall time")):
            measured = points(found, unit)
            start, slope = line(measured)
            axes.plot(*zip(*measured, strict=True), "o", color=colour, label=label)
            pages = np.geomspace(measured[0][0], measured[-1][0], 100)  # a start bends the line on these axes
            straight = f"{start:.1f} s + {1000 * slope:.2f} ms × pages"
            axes.plot(pages, start + slope * pages, color=colour, linewidth=1, label=straight)
            axes.plot(pages, slope * pages, ":", color=colour, linewidth=1)
        axes.plot([], [], ":", color="grey", linewidth=1, label="the same without the start")
        axes.set(xscale="log", yscale="log", xlabel="pages", ylabel="seconds")
        axes.legend(frameon=False)

    return _written(docs, f"growth-{kind}", f"Cost of a {kind} by its number of pages", draw)


def _written(docs: Path, name: str, title: str, draw: Callable[[Axes], None]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        draw(figure.subplots())
        path = docs / FOLDER / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
    return f"![{title}]({FOLDER}/{path.name})"

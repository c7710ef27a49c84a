"""The figure of a search: cost against error."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH
from carousel.search.result import SearchResult
from fixedpoint.search.evaluation import Evaluation
from fixedpoint.search.search import front
from fixedpoint.search.space import RULE


def figure(result: SearchResult) -> Figure:
    """Cost against error: all that was tried, the Pareto set, the starts, what was chosen."""
    able = [each for each in result.state.known.values() if each.cost is not None]
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(WIDTH, 4.0), dpi=200, layout="constrained")
        panel = drawn.subplots()
        panel.set(xscale="log", yscale="log")
        look = {"color": "#d0d5dd", "markersize": 2.5, "rasterized": True}
        panel.plot(*_points(able), "o", label="tried", **look)
        look = {"color": COLOURS[0], "linewidth": 1.2}
        panel.step(*_points(front(able)), where="post", label="none is better in both", **look)
        for (name, family), colour in zip(result.starts.items(), (COLOURS[2], GREY), strict=True):
            label = f"{name}, bits" if name == RULE else f"{name} widths, bits"
            look = {"color": colour, "markersize": 3.5, "linewidth": 0.8}
            panel.plot(*_points(family), "s-", label=label, **look)
            _bits(panel, family, colour)
        panel.plot(*_points([result.best]), "o", color=COLOURS[1], markersize=6, label="chosen")
        if (limit := result.goal.tolerance) is not None:
            look = {"color": COLOURS[1], "linestyle": ":", "linewidth": 1.0}
            panel.axhline(limit, label="tolerance", **look)
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        panel.xaxis.set_minor_formatter("{x:,.0f}")
        panel.set(xlabel="cost, LUT4", ylabel="RMSE against float")
        drawn.legend(loc="outside upper center", ncols=3)
    return drawn


def _bits(panel: Axes, these: Sequence[Evaluation], colour: str) -> None:
    """The bits of widths, written at their points."""
    look = {"color": colour, "fontsize": 7, "textcoords": "offset points"}
    for each, cost, error in zip(these, *_points(these), strict=True):
        panel.annotate(str(each.widths.input), (cost, error), (4, 3), **look)


def _points(these: Sequence[Evaluation]) -> tuple[list[float], list[float]]:
    return [e.cost.total for e in these if e.cost], [e.rmse for e in these if e.cost]

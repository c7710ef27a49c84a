"""The figure: what is left of a symbol, and how far states have moved, step by step."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carousel.figure.story import Story
from carousel.report.plots import COLOURS, STYLE, WIDTH
from golden.batch import Whole
from golden.squash import Array

POINTS = 1500  # of a line, where there are more
POWERS = 1e-6, 1e-3, 1e0
ZERO = 1e-9  # where the lower panel has what is exactly 0
LOOKS = ((COLOURS[1], "-", 1.6), (COLOURS[0], "-", 3.2), ("#101828", "--", 1.1))


def story(told: Story) -> Figure:
    """Above what is left of the first symbol: the distance between two runs that differ in it
    alone. Below how far the states of memory cells have moved since the last symbol."""
    looks = dict(zip(told.distances, LOOKS, strict=True))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        left, moves = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
        for label, values in told.distances.items():
            _distance(left, label, values[told.first + 1 : -1], *looks[label])
        for label, values in told.moves.items():
            _moved(moves, values[told.last + 1 : -1], told.last - told.first, *looks[label])
        left.set(ylabel="distance of the two runs")
        left.set_xlim(1, told.lag)
        left.set_ylim(1e-17, 1e3)
        moves.set(xlabel="steps since the symbol", ylabel="change of a state")
        moves.set_yticks([ZERO, *POWERS], ["0", *(f"$10^{{{k}}}$" for k in (-6, -3, 0))])
        moves.set_ylim(ZERO / 4, 1e2)
        moves.xaxis.set_major_formatter("{x:,.0f}")
        figure.legend(loc="outside upper center", ncols=3, handlelength=1.6, columnspacing=1.4)
    return figure


def _distance(panel: Axes, label: str, kept: Array, colour: str, line: str, width: float) -> None:
    """The line of one network, from the step after the symbol on."""
    steps = thinned(len(kept))
    shown = np.where(kept > 0, kept, np.nan)[steps]
    panel.loglog(steps + 1, shown, line, color=colour, linewidth=width, label=label)
    if not kept[-1]:
        _lost(panel, int(np.flatnonzero(kept)[-1]) + 1, float(kept[kept > 0][-1]), colour)


def _moved(panel: Axes, moved: Array, start: int, colour: str, line: str, width: float) -> None:
    """The line of one network, from so many steps after the symbol on."""
    steps = thinned(len(moved))
    places = steps + 1 + start
    panel.loglog(places, np.maximum(moved[steps], ZERO), line, color=colour, linewidth=width)
    if not moved.any():
        text = f"gateware: not one LSB in {len(moved):,} steps"
        near = {"xytext": (-4, 5), "textcoords": "offset points", "ha": "right"}
        panel.annotate(text, (places[-1], ZERO), **near)


def thinned(count: int) -> Whole:
    """At most `POINTS` of `count` places from 0 on, even on a logarithmic axis, with both ends."""
    return np.unique(np.geomspace(1, count, POINTS).round().astype(np.int64)) - 1


def _lost(panel: Axes, step: int, value: float, colour: str) -> None:
    """Mark the last step at which two runs differ at all."""
    panel.plot(step, value, "o", color=colour, markersize=4)
    text = f"after {step + 1} steps the two runs\nare equal to the last bit"
    panel.annotate(text, (step, value), (12, 8), textcoords="offset points", color=colour)

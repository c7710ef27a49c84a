"""The figure: what is left of a symbol, step by step."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carousel.report.plots import COLOURS, STYLE, WIDTH
from golden.squash import Array


def story(distances: dict[str, Array], first: int) -> Figure:
    """What is left of the first symbol: the distance between two runs that differ in it alone.

    Parameters
    ----------
    distances : label -> (T,) distance of the states, 1 just after the symbol.
    first : the step of the symbol.
    """
    length = len(next(iter(distances.values())))
    looks = ((COLOURS[1], "-", 1.6), (COLOURS[0], "-", 3.2), ("#101828", "--", 1.1))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
        panel = figure.subplots()
        for (label, values), (colour, line, width) in zip(distances.items(), looks, strict=True):
            left = values[first + 1 :]
            steps = np.arange(1, len(left) + 1)
            kept = np.where(left > 0, left, np.nan)
            panel.loglog(steps, kept, line, color=colour, linewidth=width, label=label)
            if not left[-1]:
                _lost(panel, int(np.flatnonzero(left)[-1]) + 1, float(left[left > 0][-1]), colour)
        panel.set(xlabel="steps since the symbol", ylabel="distance of the two runs")
        panel.set_xlim(1, length - first - 1)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_ylim(1e-17, 1e3)
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def _lost(panel: Axes, step: int, value: float, colour: str) -> None:
    """Mark the last step at which two runs differ at all."""
    panel.plot(step, value, "o", color=colour, markersize=4)
    text = f"after {step + 1} steps the two runs\nare equal to the last bit"
    panel.annotate(text, (step, value), (12, 8), textcoords="offset points", color=colour)

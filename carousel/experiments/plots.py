"""Figures of a campaign: training sequences compared with the paper's, and error flow against
lag."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from carousel.experiments.contrast import Contrast
from carousel.experiments.results import Results
from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH

FAINTEST = 1e-40  # of the flow that is drawn


def flow(contrast: Contrast) -> Figure:
    """Error flow against lag, and where it says something the paper's bound, dotted."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        panel = figure.subplots()
        for curve, colour in zip(contrast.curves, ("#101828", *COLOURS), strict=True):
            values = np.array(curve.flow)
            width = 2.4 if curve is contrast.curves[0] else 1.3
            look = {"color": colour, "linewidth": width, "label": curve.label}
            panel.loglog(contrast.lags, np.where(values > 0, values, np.nan), **look)
            if curve.bound:
                bound = np.array(curve.bound)
                look = {"color": colour, "linewidth": 1.0, "linestyle": ":"}
                panel.loglog(contrast.lags, np.where(bound > 0, bound, np.nan), **look)
        panel.set(xlabel="lag, steps", ylabel="error flow", ylim=(FAINTEST, 1e4))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.margins(x=0.01)
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def counts(results: Results) -> Figure:
    """For each row that was solved: the mean and the range here, and the paper's mean."""
    rows = [row for row in results.rows if row.solved]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.0 + 0.24 * len(rows)), layout="constrained")
        panel = figure.subplots()
        for place, row in enumerate(rows):
            ours = row.counts(row.criteria[-1])
            assert ours is not None
            look = {"color": COLOURS[0], "linewidth": 1.6}
            panel.plot((ours.least, ours.most), (place, place), **look)
            names = ("here, mean and range", "in the paper, mean") if not place else (None, None)
            panel.plot(ours.mean, place, "o", color=COLOURS[0], label=names[0])
            paper = row.paper.sequences[row.criteria[-1]]
            panel.plot(paper, place, "x", color=COLOURS[1], markeredgewidth=1.6, label=names[1])
        panel.set_yticks(range(len(rows)), [row.name for row in rows])
        panel.set_ylim(len(rows) - 0.4, -0.6)  # from above, without empty rows
        panel.set(xscale="log", xlabel="training sequences")
        panel.tick_params(axis="y", length=0)
        panel.grid(color=GREY, alpha=0.15)
        figure.legend(loc="outside upper center", ncols=2)
    return figure

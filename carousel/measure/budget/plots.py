"""Figures of the error budget: each quantiser alone, shares over time, codes in their ranges."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from carousel.report.plots import GREY, STYLE, WIDTH
from fixedpoint.budget.account import Budget, PartError
from fixedpoint.budget.histogram import CodeUse

SHOWN, LEAST = 20, 0.0005  # quantisers in a figure, and a share that is written down
INK = "#101828"
COLOURS = {
    "input": "#8c6d31",
    "weights": "#0b6e99",
    "biases": "#7fb2cc",
    "pre-activation": "#d99a2b",
    "sigma table": "#8a5fb0",
    "gates": "#3a7d44",
    "g and h": "#93c47d",
    "state": "#d1495b",
    "output": "#667085",
    "thresholds": "#c2489b",
}


def alone(budget: Budget) -> Figure:
    """RMSE of the output with one quantiser on, on a scale of powers of ten, and its share."""
    shares = budget.shares
    parts = sorted((part for part in budget.parts if part.whole.rmse), key=_size)[-SHOWN:]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.0 + 0.19 * max(len(parts), 3)), layout="constrained")
        panel = figure.subplots()
        sizes = [part.whole.rmse for part in parts]
        left = min(sizes, default=1e-9) / 2
        colours = [COLOURS[part.group] for part in parts]
        panel.hlines(range(len(parts)), left, sizes, colors=colours, linewidth=1.4)
        panel.scatter(sizes, range(len(parts)), c=colours, s=22, zorder=3)
        for row, part in enumerate(parts):
            if shares[part.name] < LEAST:
                continue
            text = f"{100 * shares[part.name]:.1f} %"
            at = (part.whole.rmse, row)
            white = {"color": "white", "pad": 0.6}
            panel.annotate(text, at, (6, -3), textcoords="offset points", bbox=white)
        _together(panel, budget.whole.rmse)
        most = max([*sizes, budget.whole.rmse], default=1.0) or 1.0
        panel.set(
            xscale="log", xlabel="RMSE of the output with this one alone", xlim=(left, 6 * most)
        )
        panel.set_yticks(range(len(parts)), [part.name for part in parts])
        panel.tick_params(axis="y", length=0, labelcolor=INK)
        panel.grid(axis="y", visible=False)
        _legend(figure, [part.group for part in parts])
    return figure


def _size(part: PartError) -> float:
    return part.whole.rmse


def _together(panel: Axes, rmse: float) -> None:
    """A line at the error of all together, if there is one."""
    if rmse:
        panel.axvline(rmse, color=INK, linestyle=":", linewidth=1.0)
        panel.annotate(
            "all together",
            (rmse, 0),
            (3, 0),
            textcoords="offset points",
            rotation=90,
            color=INK,
            fontsize=8,
            ha="left",
            va="bottom",
        )


def _legend(figure: Figure, groups: Sequence[str]) -> None:
    """The colours of these groups."""
    shown = [name for name in COLOURS if name in groups]
    handles = [Patch(color=COLOURS[name], label=name) for name in shown]
    figure.legend(handles=handles, loc="outside upper center", ncols=5)


def over_time(budget: Budget) -> Figure:
    """RMSE of the output over the steps, and below it the shares of the groups."""
    shares, last = budget.shares_over_time, budget.together[-1]
    steps = [*(step for step, _ in shares), last.step + last.steps]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.7))
        sizes = np.array([block.rmse for block in (*budget.together, last)])
        sizes = np.where(sizes > 0, sizes, np.nan)
        upper.semilogy(steps, sizes, color=INK, linewidth=1.2, drawstyle="steps-post")
        upper.set_ylabel("RMSE")
        groups = [name for name in COLOURS if any(parts.get(name) for _, parts in shares)]
        stack = [[100 * parts[name] for _, parts in (*shares, shares[-1])] for name in groups]
        colours = [COLOURS[name] for name in groups]
        lower.stackplot(steps, stack, colors=colours, step="post", linewidth=0)
        lower.set(xlabel="step", ylabel="share, %", ylim=(0, 100))
        lower.margins(x=0)
        lower.set_axisbelow(True)
        _legend(figure, groups)
    return figure


def ranges(uses: dict[str, CodeUse]) -> Figure:
    """For each quantiser how often its codes lie where in the allowed range, lowest to highest.

    Heights are square roots of frequencies, so that what is rare can be seen.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.8 + 0.24 * len(uses)), layout="constrained")
        panel = figure.subplots()
        for row, use in enumerate(uses.values()):
            heights = np.sqrt(np.array(use.bins) / max(use.bins))
            edges = np.linspace(0, 1, len(heights) + 1)
            colour, base = COLOURS[use.group], len(uses) - 1 - row
            panel.stairs(base + 0.85 * heights, edges, baseline=base, fill=True, color=colour)
            if use.saturations:
                panel.text(1.01, base, f"{use.saturations:,} clipped", color=GREY, fontsize=7.5)
        panel.set_yticks([len(uses) - 0.8 - row for row in range(len(uses))], list(uses))
        panel.set_xticks((0, 0.25, 0.5, 0.75, 1), ("lowest code", "", "middle", "", "highest code"))
        panel.set(xlim=(0, 1), ylim=(0, len(uses)))
        panel.set_axisbelow(True)
        panel.tick_params(axis="y", length=0, labelcolor=INK)
        panel.grid(axis="y", visible=False)
        _legend(figure, [use.group for use in uses.values()])
    return figure

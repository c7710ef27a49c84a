"""Figures of the hold: what is left after a lag, and the retention map."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure

from carousel.measure.retention.lags import VIEWS, Setting
from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH
from fixedpoint.retention.map import Retention, retention
from golden.squash import Array

FLOOR = 1e-6  # of what is left or has changed: less, and 0, stands there
ACROSS, UP = 240, 160  # net inputs and states of a map
HELD, STICKS = "#d7efe0", "#f7d9a8"
LOOKS: Mapping[str, dict] = {
    "float64": {"color": COLOURS[0], "linewidth": 3.2, "alpha": 0.45},
    "float32": {"color": COLOURS[1], "linestyle": "--", "linewidth": 1.3},
    "fixed point": {"color": COLOURS[2], "linewidth": 1.3, "marker": "o", "markersize": 3.5},
    "gateware": {"color": "#101828", "linestyle": "", "marker": "x", "markersize": 6},
}


def lags(settings: Sequence[Setting]) -> Figure:
    """A row for each setting: what is left, and the largest change with its bound, over the lag.

    Of several layers the worst. What is below FLOOR is drawn there.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.7 + 1.7 * len(settings)), layout="constrained")
        for setting, (left, right) in zip(
            settings, figure.subplots(len(settings), 2, squeeze=False, sharex=True), strict=True
        ):
            for view in VIEWS:
                if view in setting.kept:
                    kept = setting.kept[view]
                    _curve(left, setting, view, kept.left.min(axis=0))
                    _curve(right, setting, view, kept.change.max(axis=0))
            limit = np.maximum(setting.bound.max(axis=0), FLOOR)
            right.loglog(setting.lags, limit, ":", color=GREY, linewidth=1.4, label="bound")
            left.set_title(setting.title, loc="left", fontsize=9)
            left.set(ylabel="part left")
            right.set(ylabel="largest change")
            for panel in (left, right):
                panel.set_ylim(FLOOR / 2, max(3.0, panel.get_ylim()[1]))
                panel.axhline(FLOOR, color=GREY, linewidth=0.6)
                panel.minorticks_off()
        for panel in figure.axes[-2:]:
            panel.set_xlabel("lag, steps")
        shown = figure.axes[1].get_legend_handles_labels()
        figure.legend(*shown, loc="outside upper center", ncols=5)
    return figure


def _curve(panel: Axes, setting: Setting, view: str, values: Array) -> None:
    shown = np.maximum(values, FLOOR)  # nan stays, and is not drawn
    panel.loglog(setting.lags[: len(values)], shown, label=view, **LOOKS[view])


def map_of(layer: Retention) -> Figure:
    """Leak by the net input of f and the state, where there is any; creep by the net input of i."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
        panels = figure.subplots(1, 1 + layer.forgets, squeeze=False)[0]
        if layer.forgets:
            _leak(figure, panels[0], layer)
        _creep(panels[-1], layer)
    return figure


def _leak(figure: Figure, panel: Axes, layer: Retention) -> None:
    """LSB a step by net input and state, the held and the sticking states marked."""
    high = layer.layer.formats.s.high
    at = np.linspace(0, len(layer.net) - 1, min(ACROSS, len(layer.net))).astype(int)
    some = retention(layer.layer, layer.net[at])
    s = np.unique(np.geomspace(1, high, UP).round().astype(int))
    leak, held = some.leak(s), np.broadcast_to(some.short == 0, (len(s), len(at)))
    kinds = np.where(held, 0.0, np.where(leak == 0, 1.0, np.nan))
    marks = {"cmap": ListedColormap([HELD, STICKS]), "vmin": 0, "vmax": 1, "rasterized": True}
    panel.pcolormesh(some.real_net, s, kinds, **marks)
    moves = np.where(leak > 0, leak, np.nan)
    scale = {"norm": LogNorm(1, high), "cmap": "Blues", "rasterized": True}
    shown = panel.pcolormesh(some.real_net, s, moves, **scale)
    panel.set_yscale("log")
    panel.minorticks_off()
    panel.grid(False)
    gate = "i" if layer.layer.shape.coupled else "f"
    panel.set(xlabel=f"net input of {gate}", ylabel="state, LSB")
    panel.set_title("leak, fixed point", loc="left", fontsize=9)
    figure.colorbar(shown, ax=panel, label="LSB a step", aspect=30).minorticks_off()
    for colour, text in ((HELD, "held exactly"), (STICKS, "sticks")):
        panel.fill_between([], [], [], color=colour, label=text)
    panel.legend(loc="lower left", fontsize=8, frameon=True)


def _creep(panel: Axes, layer: Retention) -> None:
    """What a step adds with the g of largest magnitude, float and fixed point, in LSB."""
    low, high = layer.creep
    fixed = np.maximum(np.abs(low), np.abs(high)).astype(float)
    panel.semilogy(layer.real_net, layer.float_creep, color=COLOURS[0], label="float", alpha=0.6)
    fixed[fixed == 0] = np.nan
    panel.semilogy(layer.real_net, fixed, color=COLOURS[2], linewidth=1.2, label="fixed point")
    still, shut = np.isnan(fixed), layer.gate == 0
    for where, colour, text in ((shut, HELD, "i = 0"), (still & ~shut, STICKS, "rounded away")):
        if where.any():
            ends = layer.real_net[where][[0, -1]]
            panel.axvspan(*ends, color=colour, label=text, linewidth=0)
    panel.minorticks_off()
    panel.set(xlabel="net input of i", ylabel="LSB a step")
    panel.set_title("creep with the largest g", loc="left", fontsize=9)
    panel.legend(loc="lower right", fontsize=8)

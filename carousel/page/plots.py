"""Figures as SVG text: they lie inside the report, look the same everywhere and need no network."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from carousel.cli.inputs import Inputs
from golden.squash import Array
from golden.trace import Trace

WIDTH = 5.8  # inches; the report scales figures to its own width
SHOWN_CELLS = SHOWN_SEQUENCES = 4
COLOURS = ("#0b6e99", "#d1495b", "#3a7d44", "#8a5fb0", "#b7791f")
GREY = "#667085"

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#344054",
    "axes.grid": True,
    "grid.color": "#e4e7ec",
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "svg.fonttype": "path",
}


def svg(figure: Figure, name: str) -> str:
    """The figure as one <svg> element; `name` keeps its inner names apart from other figures'."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # `savefig` would draw it twice
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]


def states(
    inputs: Inputs, floating: Trace, hardware: Trace, directions: Mapping[int, str]
) -> Figure:
    """States of some layers through one sequence of each class: float as a line, gateware dashed.

    Steps are the sequence's, for a layer that runs in reverse too.

    Parameters
    ----------
    floating, hardware : traces of the same batch, both in real values.
    directions : the layers to draw, and what to call the direction of each.
    """
    shown, cells = _one_of_each(inputs), _some_cells(floating, directions)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 1.25 * len(cells)), layout="constrained")
        panels = figure.subplots(len(cells), 1, sharex=True, squeeze=False)[:, 0]
        for (layer, cell), panel in zip(cells, panels, strict=True):
            for k, (n, label) in enumerate(shown.items()):
                colour = COLOURS[k % len(COLOURS)]
                float_line = {"color": colour, "alpha": 0.35, "linewidth": 2.4}
                panel.plot(floating.get("s", layer)[n, :, cell], label=label, **float_line)
                panel.plot(hardware.get("s", layer)[n, :, cell], "--", color=colour, linewidth=0.9)
            panel.set_ylabel(f"{directions[layer]} cell {cell}".strip())
            panel.margins(x=0.01)
        panels[-1].set_xlabel("step")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def errors(over_time: dict[str, list[tuple[int, float]]], lsb: float) -> Figure:
    """Largest difference between fixed point and float at each step, by signal.

    Parameters
    ----------
    over_time : signal -> (step, largest absolute difference from there on).
    lsb : of the state, drawn as a line to measure by.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        panel = figure.subplots()
        for (name, curve), colour in zip(over_time.items(), COLOURS, strict=False):
            steps, values = np.array(curve).T
            kept = np.where(values > 0, values, np.nan)
            mark = "o" if len(steps) == 1 else ""
            panel.semilogy(steps, kept, mark + "-", color=colour, linewidth=1.0, label=name)
        _level(panel, lsb, "1 LSB of the state")
        panel.set(xlabel="step", ylabel="largest difference from float")
        panel.margins(x=0.01)
        figure.legend(loc="outside upper center", ncols=4)
    return figure


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


def _level(panel: Axes, value: float, label: str) -> None:
    panel.axhline(value, color=GREY, linestyle=":", linewidth=1.0, label=label)


def _some_cells(trace: Trace, layers: Iterable[int]) -> list[tuple[int, int]]:
    """(layer, cell) of the first cells of each layer, as many of each."""
    widths = {layer: trace.get("s", layer).shape[-1] for layer in layers}
    each = SHOWN_CELLS // len(widths)
    return [(layer, cell) for layer, width in widths.items() for cell in range(min(each, width))]


def _one_of_each(inputs: Inputs) -> dict[int, str]:
    """The first sequence of each class, or the first few where there are no classes."""
    if inputs.target is None or not inputs.classes:
        return {n: f"sequence {n}" for n in range(min(inputs.count, SHOWN_SEQUENCES))}
    kinds = inputs.target.argmax(axis=1).tolist()
    shown = sorted(set(kinds))[:SHOWN_SEQUENCES]
    return {kinds.index(kind): inputs.classes[kind] for kind in shown}

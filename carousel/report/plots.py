"""Figures as SVG text: they lie inside the report, look the same everywhere and need no network."""

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDTH = 5.8  # inches; the report scales figures to its own width
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

"""The figure of `bench.hardware`, cycles a step and LUTs over the lanes, and with it the tables:
`python -m bench.hardware_figure FILE` draws them from results, as they are, and measures nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.hardware_cases import LARGE
from bench.hardware_table import cost, scaling, text
from carousel.cli import output
from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH, svg

BLUE, RED = COLOURS[:2]


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the SVG, or nothing where fewer than two points of it were measured.

    Raises
    ------
    OutputError : `path` cannot be written.
    """
    points = scaling(results["cases"])
    if (line := cost(points)) is None:
        return
    lanes = np.array([e["lanes"] for e in points])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.4 * WIDTH, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        _cycles(left, lanes, points)
        _luts(right, lanes, points, *line)
        left.set_xticks(lanes, map(str, lanes))
        right.set_xticks(lanes[lanes > 4], map(str, lanes[lanes > 4]))  # 4 and 8 would touch
        for panel in (left, right):
            panel.set_xlabel("lanes")
            panel.minorticks_off()
        figure.suptitle(f"{LARGE}, 16 bits", fontsize=9)
    with output.file(path) as other:
        other.write_text(svg(figure, "hardware"), encoding="utf-8")


def _cycles(panel: Axes, lanes: np.ndarray, points: list[dict[str, Any]]) -> None:
    panel.loglog(
        lanes, [e["cycles"]["least"] for e in points], color=GREY, linewidth=1, label="ideal"
    )
    measured = [e["cycles"]["measured"] for e in points]
    panel.loglog(lanes, measured, "o", color=BLUE, label="simulated")
    panel.set_yticks(measured, [f"{cycles:,.0f}" for cycles in measured])
    panel.set_ylabel("cycles a step")
    panel.legend()


def _luts(
    panel: Axes, lanes: np.ndarray, points: list[dict[str, Any]], slope: float, rest: float
) -> None:
    ends = np.array([0, lanes[-1]])
    label = f"{slope:.0f} a lane + {rest:.0f}"
    panel.plot(ends, rest + slope * ends, color=GREY, linewidth=1, label=label)
    luts = [e["synthesised"]["LUT4"] for e in points]
    panel.plot(lanes, luts, "o", color=RED, label="synthesised")
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_ylim(bottom=0)
    panel.set_ylabel("LUT4")
    panel.legend()


if __name__ == "__main__":
    file = Path(sys.argv[1])
    found = json.loads(file.read_text(encoding="utf-8"))
    draw(found, file.with_suffix(".svg"))
    print(text(found))

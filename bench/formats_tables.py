"""The tables and the figure of `bench.bench_formats`, written into docs/formats.md."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from bench import pages
from carousel.cli import output
from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH, svg
from carousel.report.tables import Table

PAGE, FIGURE = pages.DOCS / "formats.md", pages.DOCS / "formats.svg"
SHOWN = ("digits", "spoken digits")
BANDS = (60, 50, 40, 30, 20, -math.inf)  # in decibels, from above
LOOKS = {  # of the figure: by way its colour and marker
    "uniform": (GREY, "s-"),
    "rule, shared scales": (COLOURS[4], "^-"),
    "rule": (COLOURS[0], "o-"),
    "rule, rounded by data": (COLOURS[2], "D-"),
    "search": (COLOURS[3], "P"),
    "weights of 4 bits, rounded by data": (COLOURS[2], "d"),
    "weights of 4 bits, trained": (COLOURS[1], "*"),
    "ternary weights, trained": (COLOURS[1], "X"),
}


def table(name: str, result: dict[str, Any]) -> str:
    """Markdown of one network."""
    judged, told = "accuracy" in result, "f1" in result
    real = f", {100 * result['accuracy']:.2f} % right in float" if judged else ""
    real += f", F1 {result['f1']:.4f}" if told else ""
    decided = f", {result['decisions']:,} decisions" if judged else ""
    title = f"### {name}: {result['sequences']:,} sequences{decided}{real}"
    heads = [
        "bits",
        "formats",
        *(["right", "changed"] if judged else []),
        *(["F1"] if told else []),
    ]
    heads += ["error to signal", "lane", "multiplier bits", "memory bits", "cost"]
    rows = []
    for bits, ways in result["bits"].items():
        for how, row in ways.items():
            cells = [bits, how]
            if judged:
                cells += [f"{100 * row['accuracy']:.2f} %", f"{row['changed']:,}"]
            cells += [f"{row['f1']:.4f}"] if told else []
            cells += [f"{row['error_to_signal']:.1e}", " x ".join(map(str, row["lane_bits"]))]
            cells += [f"{row[key]:,.0f}" for key in ("multiplier_bits", "memory_bits", "cost")]
            rows.append(cells)
    return f"{title}\n\n{Table.of('', heads, rows).markdown()}\n"


def bands(results: dict[str, Any]) -> Table:
    """By how good the output is in decibels, the most that any choice does to decisions."""
    choices = [
        (
            row["decibels"],
            row["changed"] / result["decisions"],
            result["accuracy"] - row["accuracy"],
        )
        for result in results.values()
        if "accuracy" in result
        for ways in result["bits"].values()
        for row in ways.values()
    ]
    rows, above = [], math.inf
    for bound in BANDS:
        within = [each[1:] for each in choices if bound <= each[0] < above]
        changed, lost = np.max(within, axis=0) if within else (0.0, 0.0)
        name = f"{bound} or more" if above == math.inf else f"{bound} to {above}"
        name = f"below {above}" if bound == -math.inf else name
        rows.append((name, str(len(within)), f"{100 * changed:.2f} %", f"{100 * lost:.2f} points"))
        above = bound
    return Table.of("", ("dB", "choices", "decisions changed, at most", "lost, at most"), rows)


def write(results: dict[str, Any]) -> None:
    """Both, into the documentation.

    Raises
    ------
    OutputError : a file that cannot be written.
    """
    pages.write(PAGE, "decibels", bands(results).markdown())
    pages.write(PAGE, "tables", "\n".join(table(*each) for each in results.items()).rstrip())
    with output.file(FIGURE) as other:
        other.write_text(svg(_figure(results), "formats") + "\n", encoding="utf-8")


def _figure(results: dict[str, Any]) -> Figure:
    """Cost against error to signal of every way and width."""
    shown = [name for name in SHOWN if name in results]
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(1.4 * WIDTH, 3.8), layout="constrained")
        panels = drawn.subplots(1, len(shown), squeeze=False)[0]
        for panel, name in zip(panels, shown, strict=True):
            _panel(panel, results[name]["bits"])
            panel.set_title(name, fontsize=9)
        panels[0].set_ylabel("error to signal")
        handles, names = panels[0].get_legend_handles_labels()
        drawn.legend(handles, names, loc="outside upper center", ncols=3)
    return drawn


def _panel(panel: Axes, results: dict[str, Any]) -> None:
    panel.set(xscale="log", yscale="log", xlabel="cost, LUT4")
    for how, (colour, look) in LOOKS.items():
        found = [(bits, ways[how]) for bits, ways in results.items() if how in ways]
        costs, errors = ([row[key] for _, row in found] for key in ("cost", "error_to_signal"))
        panel.plot(costs, errors, look, color=colour, label=how, markersize=5, linewidth=1)
        if how == "rule":
            for (bits, _), x, y in zip(found, costs, errors, strict=True):
                panel.annotate(bits, (x, y), (5, 4), textcoords="offset points", fontsize=8)
    panel.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.xaxis.set_minor_formatter("{x:,.0f}")
    panel.tick_params(axis="x", which="both", labelsize=8)

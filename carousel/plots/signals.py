"""Signals of runs over time, and how far fixed point is from float."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH
from fixedpoint import ErrorReport
from golden.errors import InputError
from golden.squash import Array
from golden.trace import Trace

SHOWN = 4  # units
LINES = ("-", "--", ":")


def trace(
    traces: Mapping[str, Trace], signal: str = "out", sequence: int = 0, units: int = SHOWN
) -> Figure:
    """One signal in several views: a panel for each of its first units, a line for each trace.

    Parameters
    ----------
    traces : by what to call them, of real values, such as `{"float": net.run(x), "fixed point":
        qnet.run(codes).real()}`; three at most.
    signal : its full name, `out` or as in `0.s`.
    sequence : which one of a batch.
    units : panels at most.

    Raises
    ------
    InputError : no trace or more than three; a signal or a sequence that a trace lacks.
    """
    if not 1 <= len(traces) <= len(LINES):
        raise InputError(f"traces: {len(traces)}, must be 1 to {len(LINES)}")
    shown = {name: _one(each, signal, sequence) for name, each in traces.items()}
    count = min(units, min(values.shape[1] for values in shown.values()))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 1.25 * count), layout="constrained")
        panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for unit, panel in enumerate(panels):
            for k, (name, values) in enumerate(shown.items()):
                steps = np.arange(len(values))
                panel.plot(steps, values[:, unit], LINES[k], color=COLOURS[k], label=name)
            panel.set_ylabel(f"{signal} {unit}")
            panel.margins(x=0.01)
        panels[-1].set_xlabel("step")
        figure.align_ylabels()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def error(report: ErrorReport) -> Figure:
    """The largest difference of every signal from float, block of steps by block of steps."""
    over_time = {
        name: [(block.step, block.max_abs) for block in signal.over_time]
        for name, signal in report.signals.items()
    }
    return curves(over_time, report.signals["out"].lsb, "1 LSB of the output")


def curves(over_time: Mapping[str, Sequence[tuple[int, float]]], lsb: float, told: str) -> Figure:
    """Largest difference between fixed point and float at each step, by signal.

    Parameters
    ----------
    over_time : signal -> (step, largest absolute difference from there on).
    lsb, told : a level to measure by, and what it is.
    """
    colours = COLOURS if len(over_time) <= len(COLOURS) else mpl.color_sequences["tab10"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        panel = figure.subplots()
        for k, (name, curve) in enumerate(over_time.items()):
            line = "-" if k < len(colours) else "--"
            steps, values = np.array(curve).T
            kept = np.where(values > 0, values, np.nan)
            mark = "o" if len(steps) == 1 else ""
            colour = colours[k % len(colours)]
            panel.semilogy(steps, kept, mark + line, color=colour, linewidth=1.0, label=name)
        _level(panel, lsb, told)
        panel.set(xlabel="step", ylabel="largest difference from float")
        panel.margins(x=0.01)
        figure.legend(loc="outside upper center", ncols=4)
    return figure


def _level(panel: Axes, value: float, label: str) -> None:
    panel.axhline(value, color=GREY, linestyle=":", linewidth=1.0, label=label)


def _one(shown: Trace, signal: str, sequence: int) -> Array:
    """A signal of one sequence, (T, width)."""
    known = dict(shown.signals())
    if signal not in known:
        raise InputError(f"signal {signal!r}: allowed are {', '.join(known)}")
    values = known[signal]
    if values.ndim == 2:
        values = values[None]
    if not 0 <= sequence < len(values):
        raise InputError(f"sequence {sequence}: allowed are 0 to {len(values) - 1}")
    return values[sequence]

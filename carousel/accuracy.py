"""What fixed point costs: the float and the integer run of the same sequences side by side."""

import math
from dataclasses import dataclass
from typing import Any

from carousel import steps
from carousel.tables import Table, every_format
from fixedpoint import QuantizedTrace
from fixedpoint.error import ErrorReport, compare
from golden.trace import Trace

POINTS = 250  # of a curve over time


@dataclass(frozen=True)
class Measured:
    """One comparison.

    Attributes
    ----------
    floating, fixed : the two traces.
    errors : by signal, and over time.
    """

    floating: Trace
    fixed: QuantizedTrace
    errors: ErrorReport


def measure(subject: steps.Subject) -> Measured:
    """Run both and compare."""
    with steps.progress("Float and fixed point"):
        floating, fixed = subject.net.run(subject.inputs.x), subject.qnet.run(subject.codes)
        block = math.ceil(subject.inputs.length / POINTS)
        return Measured(floating, fixed, compare(floating, fixed, block))


def table(found: Measured) -> Table:
    """For people."""
    rows = (
        (
            name,
            f"{error.max_abs:.3g}",
            f"{error.max_lsb:,.1f}",
            f"{error.rmse:.3g}",
            f"{error.rmse_lsb:,.2f}",
            f"{error.sqnr_db:.1f}",
            f"{error.saturations:,}",
        )
        for name, error in found.errors.signals.items()
    )
    head = ("signal", "largest", "in LSB", "RMSE", "in LSB", "SQNR, dB", "saturations")
    return Table.of("Fixed point against float", head, rows)


def saturations(trace: QuantizedTrace) -> Table:
    """Whatever saturated, or one line that says nothing did."""
    found = [(name, f"{count:,}") for name, count in trace.saturations.items() if count]
    return Table.of("Saturations", ("signal", "values"), found or [("none", "0")])


def plain(subject: steps.Subject, found: Measured) -> dict[str, Any]:
    """For programs."""
    inputs = subject.inputs
    return {
        "input": {"source": inputs.source, "sequences": inputs.count, "length": inputs.length},
        "formats": {name: str(form) for name, form in every_format(subject.qnet.formats).items()},
        "saturated_weights": subject.qnet.saturated_weights,
        "saturations": found.fixed.saturations,
        "errors": found.errors.as_dict(),
    }

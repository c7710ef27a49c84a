"""What became of what the sequences themselves wrote, in float and in fixed point."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from carousel.cli.subject import Subject
from carousel.report.tables import Table
from fixedpoint import QuantizedTrace
from fixedpoint.retention.written import Written, written

LAGS = (1, 10, 100, 1_000, 10_000, 100_000)
TITLE = "Left of what the sequences wrote (1: all, 0: nothing)"

Own = Mapping[str, Sequence[Written]]
"""By view, each layer."""


def find(subject: Subject, fixed: QuantizedTrace) -> Own:
    """Of the subject's sequences, whose run in fixed point is given; empty for a single step."""
    if subject.inputs.length == 1:
        return {}
    layers, real = subject.net.layers, subject.net.run(subject.inputs.x)
    traces = {"float": real, "fixed point": fixed.real()}
    return {view: written(layers, trace, LAGS) for view, trace in traces.items()}


def table(found: Own) -> Table:
    """For people: on average, each write weighing its size, and of the cell that keeps most."""
    head = ["steps later", "layer"]
    head += [f"{view}{of}" for view in found for of in ("", ", best cell")]
    rows = []
    for layers in zip(*found.values(), strict=True):
        for n, lag in enumerate(layers[0].lags):
            shares = [share for one in layers for share in (one.left[n], one.best[n])]
            rows.append((f"{lag:,}", layers[0].layer, *(f"{share:.4g}" for share in shares)))
    return Table.of(TITLE, head, rows)


def plain(found: Own) -> dict[str, Any]:
    """For programs."""
    return {view: [asdict(layer) for layer in layers] for view, layers in found.items()}

"""What became of what the sequences themselves wrote, in float and in fixed point."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from carousel.cli.subject import Subject
from carousel.report.tables import Table
from fixedpoint.retention.written import Written, written
from golden import pieces

LAGS = (1, 10, 100, 1_000, 10_000, 100_000)
TITLE = "Left of what the sequences wrote (1: all, 0: nothing)"

Own = Mapping[str, Sequence[Written]]
"""By view, each layer."""


def find(subject: Subject) -> Own:
    """Of the subject's sequences, as many first steps as are held at once; empty for one step."""
    if subject.inputs.length == 1:
        return {}
    real = next(pieces.run(subject.net, subject.inputs.x))
    fixed = next(pieces.run(subject.qnet, subject.codes)).real()
    traces = {"float": real, "fixed point": fixed}
    return {view: written(subject.net.layers, trace, LAGS) for view, trace in traces.items()}


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

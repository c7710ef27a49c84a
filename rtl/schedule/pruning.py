"""Pruning in the shape that a core leaves out: whole columns of groups of rows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fixedpoint.quantization import quantize
from golden.errors import CarouselError
from golden.network import Network
from golden.squash import Array
from golden.trace import Trace
from rtl.schedule.phases import Column, Phase
from rtl.schedule.schedule import schedule_of

Weights = dict[tuple[int, str], Array]


def prune(net: Network, lanes: int, zeros: float, x: Array) -> Network:
    """The network with weights set to 0 where a core of so many lanes then saves clocks.

    Such a core multiplies one column of a group of rows in each clock. Of the columns of all groups
    of a layer, a projection or a dense stage those become 0 that matter least: by the sum of the
    squares of what they add to the rows' sums on the input x. The core must be made with as many
    lanes; `fixedpoint.aware` trains what is left. In steps (0.5, then 0.75 of what that gives, and
    so on) with training between them more is kept than at once.

    Parameters
    ----------
    lanes : multipliers, one of `rtl.allowed_lanes`.
    zeros : the share of each stage's columns that become 0, from 0 to below 1.
    x : (T, D) or (N, T, D), typical input, real; no sequence padded, as what stands behind its end
        counts as well.

    Raises
    ------
    LaneError, UnsupportedError : no such core.
    CarouselError : a share out of range.
    InputError : x that does not fit the network.
    """
    if not 0 <= zeros < 1:
        raise CarouselError(f"zeros {zeros}: must be from 0 to below 1")
    weights = {key: values.copy() for key, values in _weights(net).items()}
    stages: dict[tuple[int, bool], list[Phase]] = {}
    qnet = quantize(net, calibrate=x)  # any formats have the same phases
    for phase in schedule_of(qnet, lanes, every=True).phases:
        stages.setdefault((phase.layer, phase.yields == "y"), []).append(phase)
    trace = net.run(x)
    for phases in stages.values():
        _prune(phases, weights, zeros, lambda phase, column: _power(x, trace, phase, column))
    return _with(net, weights)


def _prune(
    phases: list[Phase],
    weights: Weights,
    zeros: float,
    power: Callable[[Phase, Column], float],
) -> None:
    """Set the columns of a stage's groups that matter least to 0."""
    found = []
    for phase in phases:
        for column in phase.columns:
            seen = power(phase, column)
            for number in range(phase.groups):
                at = [(row.layer, row.kind, row.index) for row in phase.group(number)]
                size = sum(weights[k, kind][n, column.column] ** 2 for k, kind, n in at)
                found.append((seen * size, at, column.column))
    found.sort(key=lambda each: each[0])
    for _, rows, column in found[: int(zeros * len(found))]:
        for k, kind, n in rows:
            weights[k, kind][n, column] = 0


def _power(x: Array, trace: Trace, phase: Phase, column: Column) -> float:
    """The mean square of a column's value."""
    row = column.row
    if row is None:
        values = x[..., column.address]
    elif row.kind in ("stem", "dense"):
        values = trace.get(row.kind, row.layer)[..., row.index]
    else:
        cell = "m" if phase.yields == "y" else "y"
        values = trace.get(cell if row.kind == "g" else row.kind, row.layer)[..., row.index]
    return float(np.mean(np.square(values)))


def _weights(net: Network) -> Weights:
    """All weights by the number of their stage and what their rows yield."""
    found = {
        (k, kind): w for k, layer in enumerate(net.layers) for kind, w in layer.weights.items()
    }
    found |= {
        (k, "y"): layer.projection
        for k, layer in enumerate(net.layers)
        if layer.projection is not None
    }
    dense = enumerate(net.dense, len(net.layers))
    return found | {(k, net.dense_kind(k)): stage.weights for k, stage in dense}


def _with(net: Network, weights: Weights) -> Network:
    """The network with other weights."""

    def dense(stages, first: int):
        numbered = enumerate(stages, first)
        return tuple(replace(s, weights=weights[k, net.dense_kind(k)]) for k, s in numbered)

    layers = tuple(
        replace(
            layer,
            weights={kind: weights[k, kind] for kind in layer.weights},
            projection=weights.get((k, "y")),
        )
        for k, layer in enumerate(net.layers)
    )
    stem, head = dense(net.stem, len(net.layers)), dense(net.head, net.first_head)
    return replace(net, layers=layers, stem=stem, head=head)

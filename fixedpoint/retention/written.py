"""What became of what a run's own input wrote: the part of it that forget gates have left.

Step t writes w(t) = i(t) g(t) into a state. Of that there is

    f(t+1) f(t+2) ... f(t+n) w(t)

left n steps later, with f = 1 in the cell of 1997 and f = 1 - i where gates are coupled; the rest
of the state came from other steps. What rounding adds, half an LSB a step at most, is not followed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from golden.cell import Layer
from golden.squash import Array
from golden.trace import Trace

NOTHING = -1000.0  # stands for the logarithm of 0: its exponential is 0


@dataclass(frozen=True)
class Written:
    """What is left of the writes of a layer.

    Attributes
    ----------
    layer : its number.
    lags : steps since the write, each shorter than the sequences.
    left : by lag, the mean over sequences, steps and cells, each write weighing |w|; nan if no step
        wrote anything so long before the end.
    best : the same of the cell that keeps most, by lag.
    """

    layer: int
    lags: tuple[int, ...]
    left: tuple[float, ...]
    best: tuple[float, ...]


def written(layers: Sequence[Layer], trace: Trace, lags: Sequence[int]) -> list[Written]:
    """Of each layer of a run, whose trace has real values, (N, T, width) or (T, width)."""
    found = []
    for k, (layer, signals) in enumerate(zip(layers, trace.layers, strict=True)):
        wrote, kept = _writes(layer, signals)
        reached = tuple(lag for lag in lags if lag < wrote.shape[1])
        cells = [_left(wrote, kept, lag) for lag in reached]
        left = tuple(_ratio(still.sum(), whole.sum()) for still, whole in cells)
        best = tuple(max(map(_ratio, still, whole), key=_known) for still, whole in cells)
        found.append(Written(k, reached, left, best))
    return found


def _writes(layer: Layer, signals: Mapping[str, Array]) -> tuple[Array, Array]:
    """|w(t)| and the logarithm of f(1) ... f(t), (N, T, cells), in the order the layer runs in."""
    g = signals["g"].reshape(-1, *signals["g"].shape[-2:])
    size = g.shape[-1] // layer.shape.blocks
    gates = {
        kind: np.repeat(signals[kind].reshape(*g.shape[:2], -1), size, axis=2)
        for kind in layer.shape.gates
    }
    keeps = gates.get("f", 1.0 - gates["i"] if layer.coupled else np.ones_like(g))
    logs = np.full_like(g, NOTHING)
    np.log(keeps, out=logs, where=keeps > 0.0)
    wrote = np.abs(gates["i"] * g)
    if layer.reverse:
        wrote, logs = wrote[:, ::-1], logs[:, ::-1]
    return wrote, np.cumsum(logs, axis=1)


def _left(wrote: Array, kept: Array, lag: int) -> tuple[Array, Array]:
    """Of each cell what is left of all writes `lag` steps later, and what they were, (cells,)."""
    early = wrote[:, : wrote.shape[1] - lag]
    share = np.exp(kept[:, lag:] - kept[:, : kept.shape[1] - lag])
    return (share * early).sum(axis=(0, 1)), early.sum(axis=(0, 1))


def _ratio(still: float, whole: float) -> float:
    return float(still / whole) if whole > 0.0 else math.nan


def _known(share: float) -> float:
    return -math.inf if math.isnan(share) else share

"""What is made of all steps of a sequence: cells that are always open, in 1997's words.

    sum      s(t) = s(t-1) + a(t)                      g the identity
    largest  s(t) = s(t-1) + max(0, a(t) - y(t-1))     g is relu, y(t-1) = s(t-1)

The input gate's net input is 1 and its function the identity clipped to 0..1; the error carousel
adds up. The largest starts from a value that no a is below. A mean is a factor behind the sum.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from golden.cell import Layer
from golden.importers.stages import LEAKY, Cells, Dense, Skip, Stage
from golden.squash import Array, squash

Range = tuple[Array, Array]
FINEST = 16  # the value that the largest starts from is a multiple of 1/16


def summed(width: int) -> Layer:
    """So many cells that add up what comes in."""
    none, one = np.zeros((1, 2 * width)), np.ones(1)
    rows = np.hstack([np.eye(width), np.zeros((width, width))])
    weights = {"i": none, "o": none.copy(), "g": rows}
    biases = {"i": one, "o": one.copy(), "g": np.zeros(width)}
    return Layer(weights, biases, width, g="identity", h="identity", gate="hard")


def largest(low: Array) -> Layer:
    """Cells that keep the largest of what comes in, none of which is below `low` (K,)."""
    layer, start = summed(len(low)), np.floor(low * FINEST) / FINEST
    rows = np.hstack([np.eye(len(low)), -np.eye(len(low))])
    return replace(
        layer,
        weights={**layer.weights, "g": rows},
        g="relu",
        initial={"s": start, "y": start.copy()} if start.any() else {},
    )


def alone(layer: Layer) -> Layer:
    """The same cells, each in a block of its own: so they share a core with peepholes."""
    each = {
        what: {
            kind: values if kind == "g" else np.repeat(values, layer.block_size, axis=0)
            for kind, values in getattr(layer, what).items()
        }
        for what in ("weights", "biases")
    }
    return replace(layer, **each, block_size=1)


def lowest(stages: Sequence[Stage], width: int, index: bool = False) -> Array | None:
    """(width,) the least that stages can give of any input; None where there is no least.

    Parameters
    ----------
    index : the input is a vector of zeros with a one.
    """
    inputs = next((stage.inputs for stage in stages if stage.inputs is not None), 1)
    ends = (0.0, 1.0) if index else (-np.inf, np.inf)
    low, _ = _range(stages, (np.full(inputs, ends[0]), np.full(inputs, ends[1])))
    return np.broadcast_to(low, (width,)) if np.isfinite(low).all() else None


def _range(stages: Sequence[Stage], ends: Range) -> Range:
    """Between what the values behind stages lie, of an input between `ends`."""
    low, high = ends
    for stage in stages:
        if isinstance(stage, Skip):
            parts = [(low, high), _range(stage.other, ends)][:: -1 if stage.before else 1]
            join = np.add if stage.adds else _side_by_side
            low, high = (join(parts[0][k], parts[1][k]) for k in (0, 1))
        elif isinstance(stage, Cells):
            both = [_of_cells(layer) for layer in stage.layers]
            low, high = (np.concatenate([each[k] for each in both]) for k in (0, 1))
        else:
            low, high = _of_dense(stage, low, high)
    return low, high


def _side_by_side(one: Array, other: Array) -> Array:
    return np.concatenate([one, other])


def _of_cells(layer: Layer) -> Range:
    """Between what y lies: the gate's value, from 0 to 1, times h."""
    low, high = (np.full(layer.shape.cells, end) for end in squash(layer.h).ends)
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    return (low, high) if layer.projection is None else _times(layer.projection, low, high)


def _of_dense(stage: Dense, low: Array, high: Array) -> Range:
    low, high = _times(stage.weights, low, high)
    low, high = low + stage.biases, high + stage.biases
    if stage.function == LEAKY:
        slope = np.zeros(()) if stage.slope is None else stage.slope
        ends = [np.where(end < 0, slope * end, end) for end in (low, high)]
        zero = np.clip(0.0, low, high)  # where it falls first and then rises
        return np.minimum.reduce([*ends, zero]), np.maximum.reduce([*ends, zero])
    function = squash(stage.function)
    return function(low), function(high)


def _times(weights: Array, low: Array, high: Array) -> Range:
    """Between what products lie; 0 times what has no end is 0."""
    found = []
    for least, most in ((low, high), (high, low)):
        with np.errstate(invalid="ignore"):
            each = np.where(weights > 0, weights * least, weights * most)
        each = np.where(weights == 0, 0.0, each)
        found.append(each.sum(axis=1) if weights.ndim == 2 else each)
    return found[0], found[1]

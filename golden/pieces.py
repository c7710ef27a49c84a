"""A long run in pieces of steps, so that what is held of it at once does not grow with it."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from golden.cell import LayerState

HELD = 1 << 22  # values of signals that are held at once


def width(net: Any) -> int:
    """Values of all signals of one step."""
    layers = (sum(layer.shape.signals.values()) for layer in net.layers)
    return sum(layers) + sum(stage.outputs for stage in net.dense)


def bounds(net: Any, sequences: int, steps: int) -> list[int]:
    """The steps with which pieces begin, and the end: one where all fits, or where none can be
    gone on from, because layers run in reverse or the output is that of the last step."""
    count = math.ceil(steps * sequences * width(net) / HELD)
    if net.first_reverse is not None or net.output != "every":
        count = 1
    return np.linspace(0, steps, min(count, steps) + 1).astype(int).tolist()


def run(
    net: Any, x: np.ndarray, state: tuple[LayerState, ...] | None = None, **options: Any
) -> Iterator[Any]:
    """The traces of pieces in order; net, x, state and options as of a network's own `run`."""
    sequences = 1 if x.ndim == 2 else len(x)
    for first, last in pairwise(bounds(net, sequences, x.shape[-2])):
        trace = net.run(x[..., first:last, :], state, **options)
        state = trace.state
        yield trace

"""A long run in pieces of sequences and steps, so that what is held of it at once does not grow."""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from golden.cell import LayerState

PARTS = ("s", "y", "gates")  # of a layer's state
HELD = 1 << 22  # values of signals that are held at once
SIDE = 128  # sequences that are run side by side where there are as many, which is fast


def width(net: Any) -> int:
    """Values of all signals of one step."""
    layers = (sum(layer.shape.signals.values()) for layer in net.layers)
    return sum(layers) + sum(stage.outputs for stage in net.dense)


def cuts(net: Any, sequences: int, steps: int) -> tuple[list[int], list[int]]:
    """The sequences with which pieces begin, and the steps; each with the end.

    Sequences of few steps are cut into groups that fit as a whole. Long ones are cut into pieces of
    steps, but for those that cannot be gone on from, because layers run in reverse or the output is
    that of the last step.
    """
    goes_on = net.first_reverse is None and net.output == "every"
    side = min(sequences, max(SIDE if goes_on else 1, HELD // (steps * width(net))))
    count = math.ceil(steps * side * width(net) / HELD) if goes_on else 1
    return _even(sequences, math.ceil(sequences / side)), _even(steps, min(count, steps))


def _even(whole: int, parts: int) -> list[int]:
    return np.linspace(0, whole, parts + 1).astype(int).tolist()


def run(
    net: Any, x: np.ndarray, state: tuple[LayerState, ...] | None = None, **options: Any
) -> Iterator[Any]:
    """The traces of pieces, of some sequences after the others; net, x, state and options as of a
    network's own `run`."""
    sequences = 1 if x.ndim == 2 else len(x)
    groups, steps = cuts(net, sequences, x.shape[-2])
    for begin, end in pairwise(groups):
        some = x if x.ndim == 2 else x[begin:end]
        now = state if state is None or x.ndim == 2 else starts(state, slice(begin, end))
        for first, last in pairwise(steps):
            trace = net.run(some[..., first:last, :], now, **options)
            now = trace.state
            yield trace


def starts(state: tuple[LayerState, ...], some: Any) -> tuple[LayerState, ...]:
    """The states of some sequences."""
    return tuple(LayerState(each.s[some], each.y[some], each.gates[some]) for each in state)


def together(states: Iterable[tuple[LayerState, ...]]) -> tuple[LayerState, ...]:
    """The states of groups of sequences as one."""
    return tuple(
        LayerState(*(np.concatenate([getattr(each, part) for each in layer]) for part in PARTS))
        for layer in zip(*states, strict=True)
    )

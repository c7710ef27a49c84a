"""The state of a network as the words of a core's state port, and back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.cell import LayerState
from rtl.schedule.rows import Row
from sim.job import Ints

State = tuple[LayerState, ...]


def to_words(qnet: QuantizedNetwork, words: Sequence[Row], state: State) -> Ints:
    """The words that make a core start from `state`, (W,) for one of one sequence alone, (N / K, W)
    for one of N on a core of K streams; 0 for what no step looks at."""
    streams = _streams(words)
    values = np.zeros((state[0].s[..., 0].size // streams, len(words)), np.int64)
    for k, row in enumerate(words):
        place = _place(qnet, row)
        if place:
            layer, part, unit = place
            values[:, k] = getattr(state[layer], part)[..., unit].reshape(-1)[row.stream :: streams]
    return values if state[0].s.ndim > 1 else values[0]


WITHIN = ("m", "stem", "dense")
"""Kinds of words that no step reads of the one before."""


def from_words(qnet: QuantizedNetwork, words: Sequence[Row], codes: Ints, rest: State) -> State:
    """The state that words (N / K, W) hold; what they do not hold is taken from `rest`."""
    streams = _streams(words)
    parts = [{"s": st.s.copy(), "y": st.y.copy(), "gates": st.gates.copy()} for st in rest]
    for k, row in enumerate(words):
        place = _place(qnet, row)
        if place:
            layer, name, unit = place
            part = parts[layer][name]
            part.reshape(-1, part.shape[-1])[row.stream :: streams, unit] = codes[:, k]
    return tuple(LayerState(**part) for part in parts)


def _streams(words: Sequence[Row]) -> int:
    """The sequences side by side whose states the words are."""
    return 1 + max(row.stream for row in words)


def _place(qnet: QuantizedNetwork, row: Row) -> tuple[int, str, int] | None:
    """Where a word belongs: layer, part of its `LayerState`, unit. None for m and for what a dense
    stage gives, which no step reads of the one before."""
    if row.kind in WITHIN:
        return None
    shape = qnet.layers[row.layer].shape
    if row.kind in shape.gates:
        return row.layer, "gates", shape.gates.index(row.kind) * shape.blocks + row.index
    return row.layer, row.kind, row.index


def last_turn(state: State, streams: int, batch: bool) -> State:
    """The state after the last sequences that a core processed side by side."""
    if not batch:
        return state
    return tuple(
        replace(st, s=st.s[-streams:], y=st.y[-streams:], gates=st.gates[-streams:]) for st in state
    )

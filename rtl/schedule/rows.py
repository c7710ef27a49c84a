"""Rows of weights, and where in the core's memories lies what they yield."""

from dataclasses import dataclass
from functools import lru_cache

from golden.shape import Shape, Stacked


@dataclass(frozen=True)
class Row:
    """One row of weights: of a layer's gate or cell input (i, f, o, g), its projection ("y"), or of
    a dense stage ("out" of the last one behind the layers, whose results leave the core, "dense" of
    those before it, "stem" of those in front of and between layers).

    Attributes
    ----------
    layer : its number; dense stages are numbered on from the layers.
    kind, index : the signal, and which of its units.
    stream : of the sequences that the core processes side by side, the one whose value it yields.
    """

    layer: int
    kind: str
    index: int
    stream: int = 0


def stored_outputs(net: Stacked, streams: int) -> tuple[Row, ...]:
    """What lies in the memory of outputs, in order of writing: of every layer y of each stream, or
    m of each, then y of each; of every dense stage but the readout what it gives, of each."""
    found = []
    for k in (k for group in net.order for k in group):
        if k < len(net.layers):
            shape: Shape = net.layers[k].shape
            kind = "y" if shape.projection is None else "m"
            parts = ((kind, shape.cells), ("y", shape.projection or 0))
        else:
            parts = ((net.dense_kind(k), net.width(k)),) if k in net.stored else ()
        for part, units in parts:
            found += [Row(k, part, n, stream) for stream in range(streams) for n in range(units)]
    return tuple(found)


@lru_cache(maxsize=64)
def stored_gates(shapes: tuple[Shape, ...], streams: int) -> tuple[Row, ...]:
    """What lies in the memory of gates, in order of writing: layer by layer, stream by stream,
    block by block."""
    return tuple(
        Row(k, gate, block, stream)
        for k, shape in enumerate(shapes)
        for stream in range(streams)
        for block in range(shape.blocks)
        for gate in shape.gates
    )

"""Rows of weights, and where in the core's memories lies what they yield."""

from dataclasses import dataclass
from functools import lru_cache

from golden.shape import Shape


@dataclass(frozen=True)
class Row:
    """One row of weights: of a layer's gate or cell input (i, f, o, g), its projection ("y"), or of
    a dense stage ("out" of the last one, whose results leave the core, "dense" of the others).

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


@lru_cache(maxsize=64)
def stored_outputs(
    shapes: tuple[Shape, ...], head_widths: tuple[int, ...], streams: int
) -> tuple[Row, ...]:
    """What lies in the memory of outputs, in order of writing: of every layer y of each stream, or
    m of each, then y of each; of every dense stage but the last what it gives, of each."""
    found = []
    for k, shape in enumerate(shapes):
        kind = "y" if shape.projection is None else "m"
        for part, units in ((kind, shape.cells), ("y", shape.projection or 0)):
            found += [Row(k, part, n, stream) for stream in range(streams) for n in range(units)]
    for k, units in enumerate(head_widths[:-1], len(shapes)):
        found += [Row(k, "dense", n, stream) for stream in range(streams) for n in range(units)]
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

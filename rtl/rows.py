"""Rows of weights, and where in the core's memories lies what they yield."""

from dataclasses import dataclass
from functools import lru_cache

from golden.shape import Shape


@dataclass(frozen=True)
class Row:
    """One row of weights: of a layer's gate or cell input (i, f, o, g), its projection ("y"), or of
    the readout ("out").

    Attributes
    ----------
    layer : or None for the readout.
    kind, index : the signal, and which of its units.
    """

    layer: int | None
    kind: str
    index: int


@lru_cache(maxsize=64)
def stored_outputs(shapes: tuple[Shape, ...]) -> tuple[Row, ...]:
    """What lies in the memory of outputs: y (or m, then y) of every layer, in order of writing."""
    found = []
    for k, shape in enumerate(shapes):
        kind = "y" if shape.projection is None else "m"
        found += [Row(k, kind, cell) for cell in range(shape.cells)]
        found += [Row(k, "y", unit) for unit in range(shape.projection or 0)]
    return tuple(found)


@lru_cache(maxsize=64)
def stored_gates(shapes: tuple[Shape, ...]) -> tuple[Row, ...]:
    """What lies in the memory of gates: layer by layer, block by block, in order of writing."""
    return tuple(
        Row(k, gate, block)
        for k, shape in enumerate(shapes)
        for block in range(shape.blocks)
        for gate in shape.gates
    )

"""The phases of a step: which rows of weights meet which sources, on so many lanes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fixedpoint.network import QuantizedNetwork
from golden.shape import Shape
from rtl.rows import Row, stored_gates, stored_outputs

SOURCES = ("x", "y", "below", "gates")


@dataclass(frozen=True)
class Column:
    """One source of a phase.

    Attributes
    ----------
    source : "x" (the core's input), "y" (the layer's own y(t-1)), "below" (y(t) of the layer below,
        or for a projection m(t) of its layer) or "gates" (the layer's own gates at t-1).
    address : where its value lies in the memory of that source.
    column : its column in the weight matrix.
    row : the row that yields its value; None for the core's input.
    """

    source: str
    address: int
    column: int
    row: Row | None = None

    @property
    def before(self) -> bool:
        """Whether its value is of the step before."""
        return self.source in ("y", "gates")


@dataclass(frozen=True)
class Phase:
    """The part of a step that computes one layer, one projection, or the readout.

    Attributes
    ----------
    layer : or None for the readout.
    rows : in the order in which their sums reach the tail.
    side : rows of a full group, which are computed side by side, each in a lane of its own.
    columns : in the order of issue.
    """

    layer: int | None
    rows: tuple[Row, ...]
    side: int
    columns: tuple[Column, ...]

    @property
    def groups(self) -> int:
        return -(-len(self.rows) // self.side)

    @property
    def ideal(self) -> int:
        """Clocks in which the lanes multiply."""
        return self.groups * len(self.columns)

    @property
    def yields(self) -> str:
        """The kind of the rows that end it: g (and with it y), y of a projection, or out."""
        return self.rows[-1].kind

    def group(self, number: int) -> tuple[Row, ...]:
        """A group's rows by lane; the last group may leave lanes idle."""
        return self.rows[number * self.side : (number + 1) * self.side]


def largest_phase(qnet: QuantizedNetwork) -> int:
    """Rows of the largest phase: the lanes that it can use."""
    rows = [layer.shape.rows_per_block * layer.shape.blocks for layer in qnet.layers]
    rows += [layer.shape.projection or 0 for layer in qnet.layers]
    return max(*rows, qnet.outputs if qnet.readout else 0, 1)


def phases_of(qnet: QuantizedNetwork, lanes: int, whole_blocks: bool) -> tuple[Phase, ...]:
    """The phases of a step, columns in natural order.

    Parameters
    ----------
    lanes : multipliers.
    whole_blocks : no group begins or ends inside a block.
    """
    shapes = tuple(layer.shape for layer in qnet.layers)
    phases = []
    for k, shape in enumerate(shapes):
        columns = _inputs(shapes, k, qnet) + _own(shapes, k)
        numbered = tuple(replace(each, column=place) for place, each in enumerate(columns))
        side = lanes - lanes % shape.rows_per_block if whole_blocks else lanes
        phases.append(_phase(k, tuple(_block_rows(k, shape)), side, numbered))
        if shape.projection is not None:
            rows = tuple(Row(k, "y", unit) for unit in range(shape.projection))
            phases.append(_phase(k, rows, lanes, tuple(_stored(shapes, k, "m", "below"))))
    if qnet.readout:
        rows = tuple(Row(None, "out", unit) for unit in range(qnet.outputs))
        phases.append(_phase(None, rows, lanes, tuple(_inputs(shapes, len(shapes), qnet))))
    return tuple(phases)


def _phase(layer: int | None, rows: tuple[Row, ...], lanes: int, columns) -> Phase:
    return Phase(layer, rows, min(lanes, len(rows)), columns)


def _block_rows(k: int, shape: Shape) -> Iterator[Row]:
    """A layer's rows: block by block its gates, then its cell inputs."""
    for block in range(shape.blocks):
        yield from (Row(k, gate, block) for gate in shape.gates)
        cells = range(block * shape.block_size, (block + 1) * shape.block_size)
        yield from (Row(k, "g", cell) for cell in cells)


def _inputs(shapes: tuple[Shape, ...], k: int, qnet: QuantizedNetwork) -> list[Column]:
    """The columns of layer k's x (or, past the last, of the readout's): input, or y below."""
    if k == 0:
        return [Column("x", place, place) for place in range(qnet.inputs)]
    return _stored(shapes, k - 1, "y", "below")


def _own(shapes: tuple[Shape, ...], k: int) -> list[Column]:
    """The columns of what layer k left in the step before."""
    columns = _stored(shapes, k, "y", "y")
    if shapes[k].gate_recurrence:  # columns are gate-major, the memory is written block by block
        places = {row: address for address, row in enumerate(stored_gates(shapes))}
        rows = [Row(k, gate, n) for gate in shapes[k].gates for n in range(shapes[k].blocks)]
        columns += [Column("gates", places[row], 0, row) for row in rows]
    return columns


def _stored(shapes: tuple[Shape, ...], layer: int, kind: str, source: str) -> list[Column]:
    """Columns for all y or m of a layer, counted from 0."""
    projected = kind == "y" and shapes[layer].projection is not None
    places = [
        address
        for address, row in enumerate(stored_outputs(shapes))
        if (row.layer, row.kind) == (layer, kind)
    ]
    return [
        Column(source, address, unit, Row(layer, "y" if projected else "g", unit))
        for unit, address in enumerate(places)
    ]

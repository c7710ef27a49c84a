"""The phases of a step: which rows of weights meet which sources, on so many lanes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress, groupby

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.shape import Shape, Stacked
from golden.wiring import INPUT
from rtl.schedule.rows import Row, stored_gates, stored_outputs

SOURCES = ("x", "y", "below", "gates")


@dataclass(frozen=True)
class Column:
    """One source of a phase.

    Attributes
    ----------
    source : "x" (the core's input), "y" (the layer's own y(t-1)), "below" (what the layer or dense
        stage below gives at t, or for a projection m(t) of its layer) or "gates" (the layer's own
        gates at t-1).
    address : where its value lies in the memory of that source.
    column : its column in the weight matrix; of a sparse input's element only the core knows it.
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
    """The part of a step that computes a layer, a projection or a dense stage, for one stream.

    Where groups do not need the same columns, each run of groups that do is a phase of its own.

    Attributes
    ----------
    layer : its number; dense stages are numbered on from the layers.
    rows : in the order in which their sums reach the tail.
    side : rows of a full group, which are computed side by side, each in a lane of its own.
    columns : in the order of issue.
    tail : rows that the tail takes of it at once.
    spacing : lanes from one row to the next.
    """

    layer: int
    rows: tuple[Row, ...]
    side: int
    columns: tuple[Column, ...]
    tail: int = 1
    spacing: int = 1

    @property
    def stream(self) -> int:
        return self.rows[0].stream

    @property
    def groups(self) -> int:
        return -(-len(self.rows) // self.side)

    @property
    def ideal(self) -> int:
        """Clocks in which the lanes multiply."""
        return self.groups * len(self.columns)

    @property
    def yields(self) -> str:
        """The kind of the rows that end it: g (and with it y) of a layer or its last part, y of a
        projection, stem, dense or out."""
        return self.rows[-1].kind

    def group(self, number: int) -> tuple[Row, ...]:
        """A group's rows in order of their lanes; the last group may have fewer."""
        return self.rows[number * self.side : (number + 1) * self.side]

    def tail_clocks(self, number: int) -> int:
        """Clocks in which a group's sums reach the tail."""
        return -(-len(self.group(number)) // self.tail)


def largest_phase(qnet: QuantizedNetwork) -> int:
    """Rows of the largest phase: the lanes that it can use."""
    rows = [layer.shape.rows_per_block * layer.shape.blocks for layer in qnet.layers]
    rows += [layer.shape.projection or 0 for layer in qnet.layers]
    return max(*rows, *(stage.outputs for stage in qnet.dense), 1)


def phases_of(
    qnet: QuantizedNetwork,
    lanes: int,
    streams: int,
    whole_blocks: bool,
    tail: int = 1,
    nonzeros: int | None = None,
    every: bool = False,
) -> tuple[Phase, ...]:
    """The phases of a step, stage by stage, each for every stream; columns in natural order.

    A column whose weights are 0 in all rows of a group is left out there.

    Parameters
    ----------
    lanes : multipliers.
    streams : sequences side by side, each of which does the step.
    whole_blocks : no group begins or ends inside a block.
    tail : rows that the tail takes at once. If more than one, a whole block; the rows of a dense
        stage then use every `tail`-th lane, and come one a clock.
    nonzeros : elements of a sparse input vector; None where it is dense.
    every : no column is left out, because the weights may become others.
    """
    places = _Places(qnet, streams, nonzeros)
    phases = []

    def add(side: int, rows: list[Row], columns, **spread: int) -> None:
        for stream in range(streams):
            own = tuple(replace(row, stream=stream) for row in rows)
            lanes, sources = min(side, len(own)), tuple(columns(stream))
            phase = Phase(own[0].layer, own, lanes, sources, **spread)
            phases.extend([phase] if every else _parts(phase, qnet, nonzeros is not None))

    for k in (k for group in qnet.order for k in group):
        if k >= len(qnet.layers):
            rows = [Row(k, qnet.dense_kind(k), unit) for unit in range(qnet.width(k))]
            add(-(-lanes // tail), rows, partial(places.inputs, k), spacing=tail)
            continue
        shape = qnet.layers[k].shape
        side = lanes - lanes % shape.rows_per_block if whole_blocks else lanes
        add(side, list(_block_rows(k, shape)), partial(places.of_layer, k), tail=tail)
        if shape.projection is not None:
            rows = [Row(k, "y", unit) for unit in range(shape.projection)]
            add(lanes, rows, partial(places.stored, k, "m", "below"))
    return tuple(phases)


def _parts(phase: Phase, qnet: QuantizedNetwork, sparse: bool) -> Iterator[Phase]:
    """A phase cut where its groups begin to need other columns."""
    places = [column.column for column in phase.columns]
    always = np.array([sparse and column.source == "x" for column in phase.columns])
    codes = qnet.rows

    def needed(number: int) -> bytes:
        lines = [codes[row.layer, row.kind].codes[row.index] for row in phase.group(number)]
        used = always | np.any(lines, axis=0)[places]
        used[0] |= not used.any()  # a sum begins and ends with a column
        return used.tobytes()

    for used, numbers in groupby(range(phase.groups), needed):
        first, *others = numbers
        rows = phase.rows[first * phase.side : (first + 1 + len(others)) * phase.side]
        columns = tuple(compress(phase.columns, used))
        yield replace(phase, rows=rows, side=min(phase.side, len(rows)), columns=columns)


def _block_rows(k: int, shape: Shape) -> Iterator[Row]:
    """A layer's rows: block by block its gates, then its cell inputs."""
    for block in range(shape.blocks):
        yield from (Row(k, gate, block) for gate in shape.gates)
        cells = range(block * shape.block_size, (block + 1) * shape.block_size)
        yield from (Row(k, "g", cell) for cell in cells)


class _Places:
    """Where the sources of a network lie: columns with their addresses.

    Parameters
    ----------
    net : the network.
    streams : sequences side by side.
    nonzeros : elements that come of an input vector; None for all.
    """

    def __init__(self, net: Stacked, streams: int, nonzeros: int | None):
        self.net = net
        self.coming = net.inputs if nonzeros is None else nonzeros
        shapes = tuple(layer.shape for layer in net.layers)
        stored = stored_outputs(net, streams), stored_gates(shapes, streams)
        self.outputs, self.gates = (
            {row: address for address, row in enumerate(rows)} for rows in stored
        )

    def of_layer(self, k: int, stream: int) -> Iterator[Column]:
        """Layer k's columns: its input, what it left in the step before."""
        shape, own = self.net.layers[k].shape, list(self.stored(k, "y", "y", stream))
        if shape.gate_recurrence:  # columns are gate-major, the memory is written block by block
            gates = (Row(k, g, n, stream) for g in shape.gates for n in range(shape.blocks))
            own += [Column("gates", self.gates[row], 0, row) for row in gates]
        yield from self.inputs(k, stream)
        yield from (replace(each, column=place) for place, each in enumerate(own, shape.inputs))

    def inputs(self, k: int, stream: int) -> Iterator[Column]:
        """The columns of what stage k reads: the core's input, or what stages below give."""
        first = 0
        for source in self.net.sources[k]:
            for each in self._given(source, stream):
                yield replace(each, column=first + each.column)
            first += self.net.width(source)

    def _given(self, k: int, stream: int) -> Iterator[Column]:
        """Columns for all that stage k gives, or for the core's input, counted from 0."""
        if k == INPUT:
            return (Column("x", stream * self.coming + n, n) for n in range(self.coming))
        if k < len(self.net.layers):
            return self.stored(k, "y", "below", stream)
        rows = (Row(k, self.net.dense_kind(k), n, stream) for n in range(self.net.width(k)))
        return (Column("below", self.outputs[row], n, row) for n, row in enumerate(rows))

    def stored(self, layer: int, kind: str, source: str, stream: int) -> Iterator[Column]:
        """Columns for all y or m of a layer, counted from 0."""
        shape = self.net.layers[layer].shape
        projected = kind == "y" and shape.projection is not None
        for unit in range(shape.outputs if kind == "y" else shape.cells):
            row = Row(layer, "y" if projected else "g", unit, stream)
            yield Column(source, self.outputs[Row(layer, kind, unit, stream)], unit, row)

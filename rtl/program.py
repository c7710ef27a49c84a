"""What the memories hold and how wide the paths are: schedule and network, laid out in bits.

Nothing is computed here that the integer model does not also use: shifts, formats, tables and codes
are taken from it. Formats that several layers share become one mode, so that a network of equal
layers costs no multiplexers.
"""

from dataclasses import dataclass
from functools import cached_property

from fixedpoint.cell import QuantizedLayer
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from fixedpoint.squash import QuantizedSquash
from rtl.schedule import Row, Schedule

KINDS = ("i", "f", "o", "g", "out")
SOURCES = ("x", "y", "below", "gates")


@dataclass(frozen=True)
class NetMode:
    """How a sum becomes an activation: rounding to `squash.net`, then the squashing function."""

    shift: int
    squash: QuantizedSquash


@dataclass(frozen=True)
class CellMode:
    """The roundings of a layer's cell update (see `fixedpoint.cell`)."""

    forgets: bool
    gate_one: int
    input_shift: int
    keep_shift: int
    s: Format
    h_shift: int
    h: QuantizedSquash
    output_shift: int
    y: Format

    @classmethod
    def of(cls, layer: QuantizedLayer) -> "CellMode":
        return cls(
            "f" in layer.shape.gates,
            layer.formats.gate.one,
            layer.input_shift,
            layer.keep_shift,
            layer.formats.s,
            layer.h_shift,
            layer.h,
            layer.output_shift,
            layer.formats.y,
        )


@dataclass(frozen=True)
class RowWord:
    """What the tail knows of a row.

    Attributes
    ----------
    row : which one.
    bias : its code, in the scale of the sum.
    net_mode, cell_mode : places in `Program.net_modes`, `Program.cell_modes`.
    group_last : whether it is the last row of its group.
    output : whether its y (or its readout) leaves the core.
    """

    row: Row
    bias: int
    net_mode: int
    cell_mode: int
    group_last: bool
    output: bool


@dataclass(frozen=True)
class Program:
    """The contents of every memory of a core.

    Attributes
    ----------
    qnet, schedule : what it was made from.
    """

    qnet: QuantizedNetwork
    schedule: Schedule

    @cached_property
    def weights(self) -> tuple[tuple[int, ...], ...]:
        """Each lane's weight codes in the order of issue; 0 where the lane idles."""
        found = []
        for lane in range(self.schedule.lanes):
            codes: list[int] = []
            for phase in self.schedule.phases:
                for group in range(phase.groups):
                    row = phase.row(group, lane)
                    line = None if row is None else self._line(row)
                    codes += [
                        0 if line is None else int(line[column.column]) for column in phase.columns
                    ]
            found.append(tuple(codes))
        return tuple(found)

    def _line(self, row: Row):
        """A row's weight codes by column."""
        if row.layer is not None:
            return self.qnet.layers[row.layer].weights[row.kind][row.index]
        assert self.qnet.readout is not None
        return self.qnet.readout.weights[row.index]

    def _bias(self, row: Row) -> int:
        if row.layer is not None:
            return int(self.qnet.layers[row.layer].biases[row.kind][row.index])
        assert self.qnet.readout is not None
        return int(self.qnet.readout.biases[row.index])

    def _net_mode(self, row: Row) -> NetMode:
        if row.layer is None:
            assert self.qnet.readout is not None
            return NetMode(self.qnet.readout.net_shift, self.qnet.readout.squash)
        layer = self.qnet.layers[row.layer]
        return NetMode(layer.net_shift(row.kind), layer.squash(row.kind))

    @cached_property
    def net_modes(self) -> tuple[NetMode, ...]:
        return tuple(dict.fromkeys(self._net_mode(row) for row in self.schedule.rows))

    @cached_property
    def cell_modes(self) -> tuple[CellMode, ...]:
        return tuple(dict.fromkeys(CellMode.of(layer) for layer in self.qnet.layers))

    @cached_property
    def rows(self) -> tuple[RowWord, ...]:
        """The tail's program: one word a row, in the order in which sums arrive."""
        last_layer = self.schedule.phases[-1].layer
        found = []
        for phase in self.schedule.phases:
            cell = (
                0
                if phase.layer is None
                else self.cell_modes.index(CellMode.of(self.qnet.layers[phase.layer]))
            )
            for group in range(phase.groups):
                rows = phase.rows(group)
                for row in rows:
                    output = row.layer == last_layer and row.kind in ("g", "out")
                    mode = self.net_modes.index(self._net_mode(row))
                    found.append(RowWord(row, self._bias(row), mode, cell, row == rows[-1], output))
        return tuple(found)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows that the network has."""
        return tuple(kind for kind in KINDS if any(row.kind == kind for row in self.schedule.rows))

    @property
    def weight_width(self) -> int:
        """Bits of a weight, signed."""
        widths = [
            form.width for layer in self.qnet.layers for form in layer.formats.weights.values()
        ]
        return max(
            widths + ([self.qnet.readout.formats.weights.width] if self.qnet.readout else [])
        )

    @property
    def operand_width(self) -> int:
        """Bits of a source's value, signed; an unsigned gate takes one bit more."""
        forms = [form for layer in self.qnet.layers for form in layer.source_formats.values()]
        return max(
            form.width + (not form.signed) for form in [*forms, self.qnet.layers[-1].formats.y]
        )

    @property
    def sum_width(self) -> int:
        """Bits of an accumulator that no codes overflow, signed."""
        parts = [*self.qnet.layers, *([self.qnet.readout] if self.qnet.readout else [])]
        return max(part.sums.width for part in parts)

    @property
    def activation_width(self) -> int:
        """Bits of any activation, signed."""
        forms = [mode.squash.target for mode in self.net_modes]
        return max(form.width + (not form.signed) for form in forms)

    @property
    def net_width(self) -> int:
        """Bits of any rounded net input, signed."""
        return max(mode.squash.net.width for mode in self.net_modes)

    @property
    def s_width(self) -> int:
        return max(mode.s.width for mode in self.cell_modes)

    @property
    def y_width(self) -> int:
        return max(mode.y.width for mode in self.cell_modes)

    @property
    def gate_width(self) -> int:
        """Bits of any gate, unsigned."""
        return max(layer.formats.gate.width for layer in self.qnet.layers)

    @property
    def g_width(self) -> int:
        """Bits of any squashed cell input, signed."""
        return max(layer.formats.g.width for layer in self.qnet.layers)

    @property
    def weight_address_width(self) -> int:
        return max(1, (len(self.weights[0]) - 1).bit_length())

    @property
    def cells(self) -> int:
        return sum(layer.shape.cells for layer in self.qnet.layers)

    @property
    def gates(self) -> int:
        return sum(len(layer.shape.gates) * layer.shape.blocks for layer in self.qnet.layers)

    @property
    def has_gate_recurrence(self) -> bool:
        return any(layer.shape.gate_recurrence for layer in self.qnet.layers)

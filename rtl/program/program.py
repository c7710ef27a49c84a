"""What the memories hold and how wide the paths are: schedule and network, laid out in bits.

Nothing is computed here that the integer model does not also use: shifts, formats, tables and codes
are taken from it. Formats that several layers share become one mode, so that a network of equal
layers costs no multiplexers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fixedpoint import resources
from fixedpoint.arithmetic import half
from fixedpoint.cell import QuantizedLayer
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from fixedpoint.paths import Paths
from fixedpoint.squash import QuantizedSquash
from golden.shape import Shape
from rtl.program.probe import ProbeStream
from rtl.program.secded import Secded
from rtl.program.words import bits_for, program_word
from rtl.schedule.rows import Row, stored_gates, stored_outputs
from rtl.schedule.schedule import Schedule
from rtl.schedule.skipping import SkipSchedule

KINDS = ("i", "f", "o", "g", "y", "stem", "dense", "out")


@dataclass(frozen=True)
class NetMode:
    """How a sum, or a state, is squashed: rounding to `squash.net`, then the squashing function."""

    shift: int
    squash: QuantizedSquash


def squashed_width(modes: Sequence[NetMode]) -> int:
    """Bits of any result, signed; an unsigned gate takes one bit more."""
    forms = [mode.squash.target for mode in modes]
    return max(form.width + (not form.signed) for form in forms)


@dataclass(frozen=True)
class CellMode:
    """The roundings of a layer's cell update (see `fixedpoint.cell`).

    Attributes
    ----------
    keeps : what multiplies s(t-1): the "gate" f, "coupled" 1 - i, or nothing ("whole").
    gate_one : the code of 1.0.
    h : how a state becomes h(s).
    m : the format of the cell output.
    projected : whether the cell output is m and not y.
    """

    keeps: str
    gate_one: int
    input_shift: int
    keep_shift: int
    s: Format
    h: NetMode
    output_shift: int
    m: Format
    projected: bool

    @classmethod
    def of(cls, layer: QuantizedLayer) -> "CellMode":
        keeps = (
            "coupled" if layer.shape.coupled else "gate" if "f" in layer.shape.gates else "whole"
        )
        return cls(
            keeps,
            layer.formats.gate.one,
            layer.input_shift,
            layer.keep_shift,
            layer.formats.s,
            NetMode(layer.h_shift, layer.h),
            layer.output_shift,
            layer.formats.cell_output,
            layer.shape.projection is not None,
        )


@dataclass(frozen=True)
class RowWord:
    """What the tail knows of a row.

    Attributes
    ----------
    row : which one.
    bias : its code, in the scale of the sum.
    offset : the bias, and half of what is shifted away from the net input, which rounds it.
    peephole : the code of its weight of the cell's state, 0 where it has none.
    coarser : by how many bits its sum of products is shifted to the scale of all rows.
    net_mode, cell_mode : places in `Program.net_modes`, `Program.cell_modes`.
    output : whether what it yields leaves the core.
    """

    row: Row
    bias: int
    offset: int
    peephole: int
    coarser: int
    net_mode: int
    cell_mode: int
    output: bool


@dataclass(frozen=True)
class Program:
    """The contents of every memory of a core.

    Attributes
    ----------
    qnet, schedule : what it was made from.
    loadable : whether another network of the same shape and formats may be loaded.
    """

    qnet: QuantizedNetwork
    schedule: Schedule
    loadable: bool = False

    def __repr__(self) -> str:
        return f"Program({self.qnet.name!r}, memories in bits {self.memories})"

    @property
    def protected(self) -> bool:
        """Whether words have check bits, which mend them."""
        return self.schedule.depths.protected

    @cached_property
    def paths(self) -> Paths:
        """How wide everything is."""
        return Paths.of(self.qnet)

    @cached_property
    def weights(self) -> tuple[tuple[int, ...], ...]:
        """Each lane's weight codes in the order of issue; 0 where the lane idles.

        With sparse input, those of all its elements come behind, group by group.
        """
        schedule = self.schedule
        issued = [(slot.group, slot.place) for slot in schedule.slots if schedule.stored(slot)]
        group, place = np.array(issued, int).reshape(-1, 2).T
        found = np.zeros((schedule.lanes, schedule.weight_words), np.int64)
        for number, (phase, k) in enumerate(schedule.groups):
            rows, here = phase.group(k), np.flatnonzero(group == number)
            lines = np.array([self._line(row) for row in rows])
            columns = np.array([column.column for column in phase.columns])
            lanes = slice(0, len(rows) * phase.spacing, phase.spacing)
            found[lanes, here] = lines[:, columns[place[here]]]
            if (base := schedule.bases.get(number)) is not None:
                found[lanes, base : base + schedule.inputs] = lines[:, : schedule.inputs]
        return tuple(map(tuple, found.tolist()))

    def _line(self, row: Row):
        """A row's weight codes by column, as a lane multiplies them."""
        return self.qnet.rows[row.layer, row.kind].codes[row.index]

    def _bias(self, row: Row) -> int:
        return int(self.qnet.rows[row.layer, row.kind].biases[row.index])

    def _peephole(self, row: Row) -> int:
        peepholes = self.qnet.layers[row.layer].peepholes if row.kind in ("i", "f", "o") else {}
        return int(peepholes[row.kind][row.index]) if peepholes else 0

    def _coarser(self, row: Row) -> int:
        rows = self.qnet.rows[row.layer, row.kind]
        return rows.coarser[row.index] if rows.coarser else 0

    def _net_mode(self, row: Row) -> NetMode:
        rows = self.qnet.rows[row.layer, row.kind]
        return NetMode(int(rows.shifts[row.index]), rows.squash)

    @cached_property
    def net_modes(self) -> tuple[NetMode, ...]:
        return tuple(dict.fromkeys(self._net_mode(row) for row in self.schedule.rows))

    @cached_property
    def cell_modes(self) -> tuple[CellMode, ...]:
        return tuple(dict.fromkeys(CellMode.of(layer) for layer in self.qnet.layers))

    @cached_property
    def rows(self) -> tuple[RowWord, ...]:
        """The tail's program: one word a row."""
        found = []
        for phase, number in self.schedule.groups:
            layers = self.qnet.layers[phase.layer : phase.layer + 1]  # a dense stage is none
            cell = self.cell_modes.index(CellMode.of(layers[0])) if layers else 0
            for row in phase.group(number):
                mode, bias = self._net_mode(row), self._bias(row)
                codes = bias, bias + half(mode.shift), self._peephole(row), self._coarser(row)
                places = self.net_modes.index(mode), cell
                found.append(RowWord(row, *codes, *places, self.schedule.leaves(row)))
        return tuple(found)

    @property
    def rows_at_once(self) -> int:
        """Of the tail."""
        return self.schedule.tail

    def tail(self, place: int) -> tuple[RowWord, ...]:
        """The words of the rows that come to one place of the tail, in order."""
        words = {word.row: word for word in self.rows}
        return tuple(words[row] for group in self.schedule.tails[place] for row in group)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows that the network has."""
        return tuple(kind for kind in KINDS if any(row.kind == kind for row in self.schedule.rows))

    @property
    def accumulators(self) -> int:
        """Of each lane."""
        return self.schedule.accumulators

    @property
    def operand(self) -> int:
        """Bits of what a lane multiplies, a value or the difference of two."""
        return self.paths.operand + self.schedule.changed

    @property
    def index_width(self) -> int:
        """Bits that say which element of a sparse input one is; 0 where it is dense."""
        return (max(2, self.qnet.inputs) - 1).bit_length() * self.schedule.sparse

    @property
    def net_width(self) -> int:
        """Bits of a sum with its bias and what rounds it, signed."""
        return self.paths.net + 1

    @property
    def coarsest(self) -> int:
        """By how many bits the sums of the coarsest rows are shifted."""
        return max(word.coarser for word in self.rows)

    @property
    def activation_width(self) -> int:
        """Bits of any activation, signed."""
        return squashed_width(self.net_modes)

    @property
    def weight_address_width(self) -> int:
        return max(1, (self.schedule.weight_words - 1).bit_length())

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(layer.shape for layer in self.qnet.layers)

    @property
    def states(self) -> tuple[Row, ...]:
        """What lies in the memory of states, and the order in which states are computed."""
        return tuple(
            Row(k, "s", cell, stream)
            for k, shape in enumerate(self.shapes)
            for stream in range(self.schedule.streams)
            for cell in range(shape.cells)
        )

    @cached_property
    def outputs(self) -> tuple[Row, ...]:
        """What lies in the memory of outputs."""
        return stored_outputs(self.qnet, self.schedule.streams)

    @property
    def gates(self) -> tuple[Row, ...]:
        """What lies in the memory of gates, which there is with gate recurrence only."""
        recurrent = any(shape.gate_recurrence for shape in self.shapes)
        return stored_gates(self.shapes, self.schedule.streams) if recurrent else ()

    def initial(self, rows: tuple[Row, ...]) -> list[int]:
        """The codes that a sequence starts from; empty where all are 0 and must remain so."""
        codes = [self._initial(row) for row in rows]
        return codes if any(codes) or self.loadable else []

    def _initial(self, row: Row) -> int:
        if row.kind not in ("s", "y"):
            return 0
        return int(getattr(self.qnet.layers[row.layer].initial, row.kind)[row.index])

    @property
    def tail_multipliers(self) -> int:
        """Multipliers behind the lanes."""
        tail, one_sigma = self.schedule.tail, self.schedule.one_sigma
        return len(resources.tail_multipliers(self.qnet, rows=tail, one_sigma=one_sigma))

    @property
    def memories(self) -> dict[str, int]:
        """Bits of the words in use, by what they hold; without what the network does not need.

        Small ones are left out: biases, outputs that wait to be taken.
        """
        schedule = self.schedule
        found = resources.memories(
            self.qnet,
            streams=schedule.streams,
            elements=schedule.elements,
            index_width=self.index_width,
            loadable=self.loadable,
            stored=self._stored,
        )
        del found["weights"]  # some words of the lanes' memories are left empty
        weight = self._stored("weights", self.paths.weight)
        weights = schedule.lanes * schedule.weight_words * weight
        if isinstance(schedule, SkipSchedule):
            del found["input"], found["outputs"]
            return {"weights": weights, **self._lists(schedule), **found}
        return {
            "weights": weights,
            "program": schedule.cycles_per_step
            * self._stored("program", program_word(schedule).bits),
            **found,
        }

    def _lists(self, schedule: SkipSchedule) -> dict[str, int]:
        """Of a core that skips: lists in two banks and, where they are of differences, what was
        used last, and the sums of rows."""
        sizes, kinds = [], ((schedule.input, self.qnet.formats.input.width),)
        kinds += (schedule.outputs, self.paths.y), (schedule.gates, self.paths.gate + 1)
        for given, width in kinds:
            counts = [schedule.widths[each] for each in given]
            sizes += [(sum(counts), max(counts), width)] if counts else []
        more = int(schedule.changed)
        listed = sum(2 * count * (width + more + bits_for(most)) for count, most, width in sizes)
        last = more * sum(count * width for count, _, width in sizes)
        sums = more * len(schedule.rows) * self.paths.sum
        found = {"lists": listed, "last used": last, "sums": sums}
        return {name: bits for name, bits in found.items() if bits}

    def _stored(self, what: str, bits: int) -> int:
        """Bits that such a word takes, with its check bits where the core is protected: those of
        what lanes multiply are of one width then."""
        if not self.protected:
            return bits
        operand = what in ("input", "outputs", "gates")
        return Secded(self.paths.operand if operand else bits).bits

    @property
    def probe_streams(self) -> tuple[ProbeStream, ...]:
        """What the core's probe shows, in order of arrival."""
        late = "o" if self.schedule.peepholes else ""
        found = []
        for place, groups in enumerate(self.schedule.tails):
            rows = tuple(row for group in groups for row in group if row.kind != late)
            found.append(ProbeStream(f"act{place}", rows))
        if self.states:
            cells = [(row, self.shapes[row.layer]) for row in self.states]
            found.append(ProbeStream("s", self.states))
            outs = (replace(row, kind="m" if s.projection else "y") for row, s in cells)
            found.append(ProbeStream("y", tuple(outs)))
        if late:
            found.append(ProbeStream("o", tuple(replace(row, kind="o") for row in self.states)))
        return tuple(found)

"""How far a trained gate's sum can get, in exact integers: by its own weights, column by column.

In a step whose x is one of some boxes, a case each: x is anything of its box, y, the gates of the
step before and what a layer below gives are any codes of their formats. The last case is a step of
any x at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention.hold import closing, keeping
from fixedpoint.retention.ranges import Range, whole_input
from rtl.program.program import Program, RowWord
from rtl.proofs.rows import FETCH, Rows
from rtl.schedule import latency
from rtl.schedule.schedule import Slot
from rtl.step_plan import StepPlan

Ends = tuple[int, int]  # lowest and highest


class Gate(NamedTuple):
    """A row that must come out shut.

    Attributes
    ----------
    word : the tail's, of the row.
    place, lane : of the tail, and in which lane its sum is made.
    group, end : its group, and the clock of that one's last column.
    clock : in which its sum comes to the tail.
    shut : the net inputs between which it is wholly shut.
    """

    word: RowWord
    place: int
    lane: int
    group: int
    end: int
    clock: int
    shut: Ends

    @property
    def since(self) -> int:
        """Clocks from its group's last column to its sum at the tail."""
        return self.clock - self.end


@dataclass(frozen=True)
class Limits:
    """What values, products and sums can be, clock by clock of a step, in each case.

    Attributes
    ----------
    core, between : which core; the boxes, lowest and highest codes (M, D) each.
    """

    core: StepPlan
    between: Range

    @property
    def program(self) -> Program:
        return self.core.program

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.program.schedule.slots

    @property
    def any(self) -> int:
        """The case of any x at all, which is the last one."""
        return len(self.between.low)

    @cached_property
    def boxes(self) -> Range:
        """x of every case."""
        both = self.between, whole_input(self.core.qnet)
        return Range(
            *(np.concatenate([getattr(box, end) for box in both]) for end in ("low", "high"))
        )

    @cached_property
    def rows(self) -> Rows:
        """Where rows stand, for as long as a step's last sum is on its way to a net input."""
        schedule = self.program.schedule
        way = FETCH + latency.ROW + schedule.lanes + latency.NET
        return Rows(self.core, schedule.cycles_per_step + way)

    @cached_property
    def issued(self) -> list[int]:
        """The clocks in which a column is issued, by its weight's address."""
        return [clock for clock, slot in enumerate(self.slots) if slot.column]

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """All rows of input and forget gates."""
        return tuple(self._gates())

    def _gates(self) -> Iterator[Gate]:
        rows, groups = self.rows, self.program.schedule.groups
        of = {row: k for k, (phase, number) in enumerate(groups) for row in phase.group(number)}
        for place, tail in enumerate(rows.places):
            for clock, word in tail.rows:
                if word.row.layer is None or word.row.kind not in "if":
                    continue
                group = of[word.row]
                phase, number = groups[group]
                lane = phase.group(number).index(word.row) * phase.spacing
                shut = shut_ends(self.core.qnet.layers[word.row.layer], word.row.kind)
                yield Gate(word, place, lane, group, rows.ends[group], clock, shut)

    @cached_property
    def groups(self) -> set[int]:
        """Those that make a gate's sum."""
        return {gate.group for gate in self.gates}

    def value(self, clock: int, case: int) -> Ends | None:
        """What the operand of a clock can be; None where it is no gate's."""
        slot = self.slots[clock]
        if slot.column is None:
            return 0, 0
        if slot.group not in self.groups:
            return None
        if slot.column.source == "x":
            return self.x(slot.column.column, case)
        phase, qnet = self.program.schedule.groups[slot.group][0], self.program.qnet
        source = "x" if slot.column.source == "below" else slot.column.source
        form = qnet.rows[phase.layer, phase.yields].formats[source][1]
        return (0, form.one) if source == "gates" else (form.low, form.high)

    def x(self, element: int, case: int) -> Ends:
        """What an element of x can be."""
        return int(self.boxes.low[case, element]), int(self.boxes.high[case, element])

    def weight(self, lane: int, clock: int) -> int | None:
        """The one that a gate's operand meets."""
        slot = self.slots[clock]
        if slot.column is None or slot.group not in self.groups:
            return None
        return self.program.weights[lane][self.issued.index(clock)]

    def product(self, lane: int, clock: int, case: int) -> Ends | None:
        """What the lane adds of the column of a clock."""
        value, weight = self.value(clock, case), self.weight(lane, clock)
        if value is None or weight is None:
            return value
        ends = [weight * end for end in value]
        return min(ends), max(ends)

    def sums(self, lane: int, case: int) -> list[list[Ends | None]]:
        """What each accumulator holds in each clock before its product, the one in use first, and
        after the last clock; None where that is no gate's sum, or not known."""
        ring: list[Ends | None] = [None] * self.program.accumulators
        rings = []
        for clock, slot in enumerate(self.slots):
            if slot.rotate and len(ring) > 1:
                ring = [ring[-1], *ring[:-1]]
            if slot.first:
                ring = [(0, 0) if slot.group in self.groups else None, *ring[1:]]
            rings.append(ring)
            ring = [self._added(ring[0], lane, clock, case), *ring[1:]]
        return rings

    def _added(self, total: Ends | None, lane: int, clock: int, case: int) -> Ends | None:
        product = self.product(lane, clock, case)
        if total is None or product is None:
            return None
        return total[0] + product[0], total[1] + product[1]

    def total(self, gate: Gate, case: int) -> Ends:
        """What a gate's sum comes to."""
        found = self._added(self.sums(gate.lane, case)[gate.end][0], gate.lane, gate.end, case)
        assert found is not None
        return found

    def aligned(self, gate: Gate, case: int) -> Ends:
        """... on the scale of all rows."""
        low, high = self.total(gate, case)
        return low << gate.word.coarser, high << gate.word.coarser

    def net(self, gate: Gate, case: int) -> Ends:
        """... with its bias and what rounds it."""
        low, high = self.aligned(gate, case)
        return low + gate.word.offset, high + gate.word.offset

    def reaches(self, gate: Gate, case: int) -> Ends:
        """The net input, rounded and clipped as the model does it."""
        mode = self.program.net_modes[gate.word.net_mode]
        ends = (np.array(end + gate.word.bias) for end in self.aligned(gate, case))
        found = Range(*ends).round(mode.shift, mode.squash)
        return int(found.low), int(found.high)

    @cached_property
    def open(self) -> Gate | None:
        """A gate that some case but the last does not shut, or None."""
        for gate in self.gates:
            for case in range(self.any):
                low, high = self.reaches(gate, case)
                if low < gate.shut[0] or high > gate.shut[1]:
                    return gate
        return None

    @cached_property
    def weakest(self) -> tuple[Gate, int, int]:
        """The weight that opens a gate furthest if it is another code: of which input gate, the
        clock of its column, which is one of x, and the code."""
        opened = [
            (self._moves(gate, clock, code), gate, clock, code)
            for gate in self.gates
            if gate.word.row.kind == "i"
            for clock, slot in enumerate(self.slots)
            if slot.group == gate.group and slot.column and slot.column.source == "x"
            for code in self._codes(gate)
        ]
        _, gate, clock, code = max(opened, key=itemgetter(0))
        return gate, clock, code

    def _codes(self, gate: Gate) -> Ends:
        """The lowest and the highest code of a weight of x."""
        row = gate.word.row
        form = self.program.qnet.rows[row.layer, row.kind].formats["x"][0]
        return form.low, form.high

    def _moves(self, gate: Gate, clock: int, code: int) -> int:
        """How far a sum can get, in the case in which that is most, with another weight."""
        reached = []
        for case in range(self.any):
            product, value = self.product(gate.lane, clock, case), self.value(clock, case)
            assert product is not None and value is not None
            most = max(code * end for end in value)
            reached.append(self.total(gate, case)[1] - product[1] + most)
        return max(reached)


def shut_ends(layer: QuantizedLayer, kind: str) -> Ends:
    """The net inputs between which an input gate is exactly 0, or a forget gate exactly 1."""
    return (layer.gate.low, closing(layer)) if kind == "i" else (keeping(layer), layer.gate.high)

"""The schedule: which source meets which weight in which clock, known before anything is built.

A step is a sequence of phases, one a layer, one a projection and one a dense stage; where the
core processes several sequences side by side (streams), each phase for all of them in turn. A
phase's rows are cut into groups of as many as there are lanes; a group takes one clock for each
column (source) of its phase. A column whose weights are 0 in all rows of a group takes none there:
groups in a row that need the same columns make a phase. Columns stand in the order in which their
values become known, and while a group waits for its last ones the next groups work (see
`rtl.schedule.issue`). Only where that is not enough do the lanes stand still:

    cycles per step = sum over phases of groups * columns  +  stalls
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from rtl.schedule.errors import LaneError, UnsupportedError
from rtl.schedule.groups import After, at_once, groups_of, yields
from rtl.schedule.issue import Order, shortest
from rtl.schedule.latency import PLAIN, Depths
from rtl.schedule.phases import Column, Phase, largest_phase, phases_of
from rtl.schedule.rows import Row
from rtl.schedule.sharing import clashing

MOST_STREAMS = 1024  # of which a plan takes seconds


class Slot(NamedTuple):
    """One clock of a step.

    Attributes
    ----------
    group : place in `Schedule.groups` of the one that works; None in an idle clock.
    place, column : which of its phase's columns is issued.
    first, last : the group's first and last column.
    rotate : the lanes turn on to their next accumulator.
    stream : whose group it is.
    release : x is read for the last time in this step.
    """

    group: int | None
    place: int
    column: Column | None
    first: bool
    last: bool
    rotate: bool
    stream: int
    release: bool


@dataclass(frozen=True)
class Schedule:
    """Every clock of a step in the steady state.

    Attributes
    ----------
    lanes : multipliers.
    streams : sequences side by side; a step is one of each.
    phases, order : of a step, and which group has which clock.
    inputs : elements of an input vector.
    depths : clocks of the core's pipelines.
    tail : rows that the tail takes at once: 1, or all of a block.
    nonzeros : elements of a vector that come, each with its index; None where all come, in order.
    """

    lanes: int
    streams: int
    phases: tuple[Phase, ...]
    order: Order
    inputs: int
    depths: Depths = PLAIN
    tail: int = 1
    nonzeros: int | None = None

    def __repr__(self) -> str:
        return (
            f"Schedule({self.lanes} lanes, {self.streams} streams, {len(self.phases)} phases, "
            f"{self.cycles_per_step} cycles a step, {self.stall_per_step} of them waiting)"
        )

    @property
    def peepholes(self) -> bool:
        """Whether any layer has them, which makes the tail longer."""
        return self.depths.peepholes

    @property
    def sparse(self) -> bool:
        """Whether an input vector comes as some of its elements, with their indices."""
        return self.depths.sparse

    @property
    def elements(self) -> int:
        """Beats of an input vector."""
        return self.inputs if self.nonzeros is None else self.nonzeros

    @property
    def after(self) -> After:
        """When what a row yields can be read."""
        return After.of(self.depths)

    @property
    def changed(self) -> bool:
        """Whether lanes multiply differences, which are added to sums that are kept."""
        return False

    @property
    def row(self) -> int:
        """Clocks from a group's last column to its first row's sum."""
        return self.depths.row

    @property
    def accumulators(self) -> int:
        """Of each lane."""
        return self.order.accumulators

    @property
    def ideal_cycles(self) -> int:
        """sum over phases of groups * columns: no clock in which the lanes wait."""
        return sum(phase.ideal for phase in self.phases)

    @property
    def cycles_per_step(self) -> int:
        """Clocks from one step's first column to the next one's."""
        return self.order.cycles

    @property
    def stall_per_step(self) -> int:
        return self.cycles_per_step - self.ideal_cycles

    def indexed(self, column: Column) -> bool:
        """Whether the input says which of a row's weights a column meets."""
        return self.sparse and column.source == "x"

    def stored(self, slot: Slot) -> bool:
        """Whether a place in a lane's memory of weights is read in a clock, one after the other."""
        return slot.column is not None and not self.indexed(slot.column)

    @property
    def in_order(self) -> int:
        """Places in a lane's memory of weights that are read one after the other, in each step."""
        return sum(map(self.stored, self.slots))

    @cached_property
    def bases(self) -> dict[int, int]:
        """The first place there of the weights that a group's sparse input may meet, by group.

        Those of all elements of a vector lie there, behind what is read in order.
        """
        reading = [
            number
            for number, (phase, _) in enumerate(self.groups)
            if any(map(self.indexed, phase.columns))
        ]
        return {number: self.in_order + k * self.inputs for k, number in enumerate(reading)}

    @property
    def weight_words(self) -> int:
        """Places in a lane's memory of weights."""
        return self.in_order + len(self.bases) * self.inputs

    @property
    def products_per_step(self) -> int:
        """Multiplications that the network needs, with the elements of its input that come."""
        return sum(len(phase.rows) * len(phase.columns) for phase in self.phases)

    @property
    def utilisation(self) -> float:
        """Useful multiplications / (lanes * clocks)."""
        return self.products_per_step / (self.lanes * self.cycles_per_step)

    @cached_property
    def groups(self) -> tuple[tuple[Phase, int], ...]:
        """All groups of a step in order, each as its phase and its number there."""
        return tuple((phase, k) for phase in self.phases for k in range(phase.groups))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows of a step in the order in which they pass the tail."""
        return tuple(row for phase in self.phases for row in phase.rows)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The step, clock by clock."""
        issued, found, release = [0] * len(self.groups), [], 0
        for group, clocks, rotate in self.order.runs:
            for clock in range(clocks):
                turns = rotate and not clock
                if group < 0:
                    found.append(Slot(None, 0, None, False, False, turns, 0, False))
                    continue
                phase, place = self.groups[group][0], issued[group]
                columns = phase.columns
                issued[group] += 1
                ends = place == 0, issued[group] == len(columns)
                if columns[place].row is None:
                    release = len(found)
                found.append(Slot(group, place, columns[place], *ends, turns, phase.stream, False))
        found[release] = found[release]._replace(release=True)
        return tuple(found)

    @cached_property
    def tails(self) -> tuple[tuple[tuple[Row, ...], ...], ...]:
        """Of each row that the tail takes at once, the rows that come there, group by group."""
        return tuple(
            tuple(
                phase.group(k)[place :: phase.tail] if place < phase.tail else ()
                for phase, k in self.groups
            )
            for place in range(self.tail)
        )

    @cached_property
    def ready(self) -> dict[Row, int]:
        """The first clock (from a step's first column) in which a column may read a value.

        A gate's row yields the gate, a cell's row yields the cell output.
        """
        return {
            row: end + after
            for (phase, k), end in zip(self.groups, self.order.ends, strict=True)
            for row, after in yields(phase, k, self.after)
        }

    @cached_property
    def sums(self) -> dict[Row, int]:
        """The clock in which a row's sum reaches the tail, from a step's first column, but for the
        clocks that all take from their last column's issue to there."""
        return {
            row: end + place // phase.tail
            for (phase, k), end in zip(self.groups, self.order.ends, strict=True)
            for place, row in enumerate(phase.group(k))
        }

    @property
    def one_sigma(self) -> bool:
        """Whether sigma's arguments never come from a row and from a state in the same clock.

        They do not if no row of the step comes when a cell's h is due, and if the last h of a step
        is past before the next one's first row, whenever that begins.
        """
        if self.peepholes or self.tail > 1:
            return False
        rows = set(self.sums.values())
        due = [clock + self.depths.h for row, clock in self.sums.items() if row.kind == "g"]
        over = max(due, default=0) < self.cycles_per_step + min(rows)
        return over and rows.isdisjoint(due)

    @property
    def output_ready(self) -> list[int]:
        """Clocks, from a step's first column, in which its outputs enter the output buffer."""
        return [self.ready[row] for row in self.rows if self.leaves(row)]

    def leaves(self, row: Row) -> bool:
        """Whether what a row yields is an output of the core."""
        return (row.layer, row.kind) == (self.phases[-1].layer, self.phases[-1].yields)

    @property
    def latency(self) -> int:
        """Clocks from the last element of a step's input to the first output beat, the core idle
        before."""
        return self.depths.start + self.output_ready[0] + self.depths.leave

    @property
    def buffered_steps(self) -> int:
        """Steps of outputs that the core must hold so that a ready consumer never stalls it."""
        occupied = self.output_ready[-1] + self.depths.leave + self.depths.returned
        return 1 + -(-occupied // self.cycles_per_step)


def allowed_lanes(qnet: QuantizedNetwork) -> tuple[int, ...]:
    """The numbers of lanes that a network can use: from 1 to all rows of its largest phase.

    With peepholes at least a block: a group then is of whole ones, because an output gate's row
    waits for its cell's state, and that comes as many clocks later as there are rows between them.
    """
    blocks = [layer.shape.rows_per_block for layer in qnet.layers]
    least = max(blocks) if has_peepholes(qnet) else 1
    return tuple(range(least, largest_phase(qnet) + 1))


def schedule_of(
    qnet: QuantizedNetwork,
    lanes: int | None = None,
    streams: int = 1,
    nonzeros: int | None = None,
    every: bool = False,
    protected: bool = False,
) -> Schedule:
    """The schedule of a network on `lanes` lanes (default: all that it can use).

    With `streams` it processes so many sequences side by side, so that one of them has work for the
    lanes while another one waits for its own results. With `nonzeros` so many elements of an input
    vector come, each with its index, and the others, which are 0, cost nothing. Nor does a column
    whose weights are 0 in all rows of a group, but with `every`: they may then become others. Words
    of a `protected` core have check bits, for which some pipelines take a clock.

    Raises
    ------
    LaneError : `lanes` is not one of `allowed_lanes`.
    CarouselError : fewer streams than 1; `nonzeros` not from 1 to the elements of a vector.
    UnsupportedError : see `check_shapes`.
    """
    lanes, peepholes = check_lanes(qnet, lanes), has_peepholes(qnet)
    if not 1 <= streams <= MOST_STREAMS:
        end = f"most {MOST_STREAMS}" if streams > 1 else "least 1"
        raise CarouselError(f"streams {streams}: must be at {end}")
    if nonzeros is not None and not 1 <= nonzeros <= qnet.inputs:
        raise CarouselError(f"nonzeros {nonzeros}: must be from 1 to the {qnet.inputs} inputs")
    check_shapes(qnet)
    depths = Depths(peepholes, nonzeros is not None, protected)

    def ordered(whole_blocks: bool, tail: int) -> Schedule:
        phases = phases_of(qnet, lanes, streams, whole_blocks, tail, nonzeros, every)
        after = After.of(depths)
        # a cell's state is there for its next step, which columns of y, where there are any, see to
        order = shortest(groups_of(phases, after), at_once(phases), after.cell * bool(qnet.layers))
        found = Schedule(lanes, streams, phases, order, qnet.inputs, depths, tail, nonzeros)
        return replace(found, phases=tuple(_sorted(phase, found) for phase in phases))

    schedule = ordered(peepholes, 1)
    tail = _tail(qnet, schedule)
    hurried = [ordered(True, tail)] if tail > 1 else []
    return min([schedule, *hurried], key=lambda each: each.cycles_per_step)


def check_lanes(qnet: QuantizedNetwork, lanes: int | None) -> int:
    """`lanes`, or all that the network can use; `LaneError` unless they are `allowed_lanes`."""
    allowed = allowed_lanes(qnet)
    if lanes is None:
        return allowed[-1]
    if lanes not in allowed:
        why = ""
        if lanes > allowed[-1]:
            why = "more than there are rows, "
        elif lanes > 0:
            why = "a block with peepholes cannot be split, "
        raise LaneError(f"lanes {lanes}: {why}allowed are {allowed[0]} to {allowed[-1]}")
    return lanes


def _tail(qnet: QuantizedNetwork, schedule: Schedule) -> int:
    """How many rows the tail should take in parallel.

    One, as long as the lanes take at least as many clocks for any layer's group as that has rows.
    If not, all rows of a block, where all layers have blocks of one cell and as many rows.
    """
    shapes = [layer.shape for layer in qnet.layers]
    blocks = {shape.rows_per_block for shape in shapes}
    plain = not any(
        shape.block_size > 1
        or shape.gate_recurrence
        or shape.coupled
        or shape.peepholes
        or shape.projection
        for shape in shapes
    )
    hurried = any(
        phase.side > len(phase.columns) for phase in schedule.phases if phase.layer < len(shapes)
    )
    fits = len(blocks) == 1 and max(blocks) <= schedule.lanes
    return max(blocks) if plain and hurried and fits else 1


def has_peepholes(qnet: QuantizedNetwork) -> bool:
    """Whether any layer has them."""
    return any(layer.shape.peepholes for layer in qnet.layers)


def check_shapes(qnet: QuantizedNetwork) -> None:
    """`UnsupportedError` for layers that cannot share a core."""
    shapes = [layer.shape for layer in qnet.layers]
    for k, shape in enumerate(shapes):
        if shape.reverse:
            raise UnsupportedError(f"layer {k}: runs in reverse, a core for it must hold sequences")
    if (found := clashing(shapes)) is not None:
        k, seeing = found
        raise UnsupportedError(
            f"layer {k}: blocks of several cells and gate recurrence cannot share a core with the "
            f"peepholes of layer {seeing}; give each cell a block of its own, or cut between them"
        )


def _sorted(phase: Phase, schedule: Schedule) -> Phase:
    """The phase with its columns in the order in which their values become known.

    So every group of it may take them in one order, whatever the scheduler has counted on.
    """

    def known(column: Column) -> int:
        if column.row is None:
            return -schedule.cycles_per_step
        return schedule.ready[column.row] - schedule.cycles_per_step * column.before

    return replace(phase, columns=tuple(sorted(phase.columns, key=known)))

"""The schedule: which source meets which weight in which clock, known before anything is built.

A step is a sequence of phases, one a layer, one a projection and one for the readout. In a phase
the lanes take `side` blocks at a time; such a group takes one clock for each column (source), and
the next group follows in the next clock. Columns stand in the order in which their values become
known, so that the tail of the pipeline hides behind the early ones; where it does not, the phase
starts `stall` clocks late, the fewest that suffice.

    cycles per step = sum over phases of groups * columns  +  stalls
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from fixedpoint.network import QuantizedNetwork
from golden.cell import Shape
from golden.errors import CarouselError
from rtl import latency
from rtl.rows import Row, stored_gates, stored_outputs


class LaneError(CarouselError):
    """A number of lanes that no layer of the network can use."""


class UnsupportedError(CarouselError):
    """A network that one core cannot run."""


@dataclass(frozen=True)
class Column:
    """One source of a phase.

    Attributes
    ----------
    source : "x" (the core's input), "y" (the layer's own y(t-1)), "below" (y(t) of the layer below,
        or for a projection m(t) of its layer) or "gates" (the layer's own gates at t-1).
    address : where its value lies in the memory of that source.
    column : its column in the weight matrix.
    """

    source: str
    address: int
    column: int


@dataclass(frozen=True)
class Phase:
    """The part of a step that computes one layer, one projection, or the readout.

    Attributes
    ----------
    layer : or None for the readout.
    shape : of the layer; None for a projection or the readout, which have `blocks` rows.
    blocks, block_rows : blocks, and rows of each.
    side : blocks side by side, B / groups.
    columns : in the order of issue.
    stall : idle clocks before its first group.
    """

    layer: int | None
    shape: Shape | None
    blocks: int
    block_rows: int
    side: int
    columns: tuple[Column, ...]
    stall: int = 0

    @property
    def groups(self) -> int:
        return -(-self.blocks // self.side)

    @property
    def spacing(self) -> int:
        """Idle clocks between two groups: the tail takes one row a clock."""
        return max(0, self.side * self.block_rows - len(self.columns))

    @property
    def pitch(self) -> int:
        """Clocks from one group's start to the next one's."""
        return len(self.columns) + self.spacing

    @property
    def ideal(self) -> int:
        """Clocks in which a lane multiplies."""
        return self.groups * len(self.columns)

    @property
    def cycles(self) -> int:
        """Clocks from the first column of the first group to the last one of the last."""
        return (self.groups - 1) * self.pitch + len(self.columns)

    @property
    def yields(self) -> str:
        """The kind of the rows that end it: g (and with it y), y of a projection, or out."""
        if self.shape is not None:
            return "g"
        return "out" if self.layer is None else "y"

    def row(self, group: int, lane: int) -> Row | None:
        """The row that a lane computes in a group, or None where it idles."""
        block, place = group * self.side + lane // self.block_rows, lane % self.block_rows
        if lane >= self.side * self.block_rows or block >= self.blocks:
            return None
        if self.shape is None:
            return Row(self.layer, self.yields, block)
        if place < len(self.shape.gates):
            return Row(self.layer, self.shape.gates[place], block)
        return Row(self.layer, "g", block * self.shape.block_size + place - len(self.shape.gates))

    def rows(self, group: int) -> list[Row]:
        """A group's rows in the order in which their sums reach the tail."""
        found = (self.row(group, lane) for lane in range(self.side * self.block_rows))
        return [row for row in found if row is not None]


@dataclass(frozen=True)
class Schedule:
    """Every clock of a step in the steady state, for one sequence alone.

    Attributes
    ----------
    lanes : multipliers.
    phases : in order.
    peepholes : whether any layer has them, which makes the tail longer.
    """

    lanes: int
    phases: tuple[Phase, ...]
    peepholes: bool = False

    @property
    def ideal_cycles(self) -> int:
        """sum over phases of groups * columns: no clock in which the lanes wait."""
        return sum(phase.ideal for phase in self.phases)

    @cached_property
    def cycles_per_step(self) -> int:
        """Clocks from one step's first column to the next one's."""
        return sum(phase.stall + phase.cycles for phase in self.phases)

    @property
    def stall_per_step(self) -> int:
        return self.cycles_per_step - self.ideal_cycles

    @property
    def products_per_step(self) -> int:
        """Multiplications that the network needs."""
        return sum(phase.blocks * phase.block_rows * len(phase.columns) for phase in self.phases)

    @property
    def utilisation(self) -> float:
        """Useful multiplications / (lanes * clocks)."""
        return self.products_per_step / (self.lanes * self.cycles_per_step)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows of a step in the order in which they pass the tail."""
        return tuple(
            row
            for phase in self.phases
            for group in range(phase.groups)
            for row in phase.rows(group)
        )

    @cached_property
    def group_sizes(self) -> tuple[int, ...]:
        """The rows in each group of a step."""
        return tuple(
            len(phase.rows(group)) for phase in self.phases for group in range(phase.groups)
        )

    def starts(self, phase: int) -> list[int]:
        """Clocks of the first column of each group of a phase, from the end of the step before."""
        before = sum(p.stall + p.cycles for p in self.phases[:phase]) + self.phases[phase].stall
        return [
            before + group * self.phases[phase].pitch for group in range(self.phases[phase].groups)
        ]

    @cached_property
    def ready(self) -> dict[Row, int]:
        """The first clock (from the end of the step before) in which a column may read a value.

        A gate's row yields the gate, a cell's row yields the cell output.
        """
        found = {}
        for k, phase in enumerate(self.phases):
            for group, start in enumerate(self.starts(k)):
                last = start + len(phase.columns) - 1
                for lane, row in enumerate(phase.rows(group)):
                    clocks = latency.cell if row.kind == "g" else latency.gate
                    found[row] = last + lane + clocks(self.peepholes)
        return found

    @property
    def output_ready(self) -> list[int]:
        """Clocks, from a step's first column, in which its outputs enter the output buffer."""
        first = self.phases[0].stall
        return [self.ready[row] - first for row in self.rows if self.leaves(row)]

    def leaves(self, row: Row) -> bool:
        """Whether what a row yields is an output of the core."""
        return (row.layer, row.kind) == (self.phases[-1].layer, self.phases[-1].yields)

    @property
    def latency(self) -> int:
        """Clocks from a vector's last element to the first output beat, the core idle before."""
        return latency.START + self.output_ready[0] + latency.FIFO

    @property
    def buffered_steps(self) -> int:
        """Steps of output that the core must hold so that a ready consumer never stalls it."""
        # taken, counted, and seen by the sequencer
        occupied = self.output_ready[-1] + latency.FIFO + 3
        return 1 + -(-occupied // self.cycles_per_step)


def allowed_lanes(qnet: QuantizedNetwork) -> tuple[int, ...]:
    """The numbers of lanes that a network can use: whole blocks of some layer, side by side.

    From the least (one block of the layer with the most rows a block) to all rows of the largest
    layer.
    """
    shapes = [layer.shape for layer in qnet.layers]
    if not shapes:
        return tuple(range(1, qnet.outputs + 1))
    least = max(shape.rows_per_block for shape in shapes)
    every = {k * shape.rows_per_block for shape in shapes for k in range(1, shape.blocks + 1)}
    return tuple(sorted(lanes for lanes in every if lanes >= least))


def plan(qnet: QuantizedNetwork, lanes: int | None = None) -> Schedule:
    """The schedule of a network on `lanes` lanes (default: all that it can use).

    Raises
    ------
    LaneError : `lanes` is not one of `allowed_lanes`.
    UnsupportedError : reverse layers, or peepholes beside blocks of several cells or gate
        recurrence in another layer.
    """
    allowed = allowed_lanes(qnet)
    lanes = allowed[-1] if lanes is None else lanes
    if lanes not in allowed:
        step = allowed[0]
        regular = allowed == tuple(step * k for k in range(1, len(allowed) + 1))
        text = (
            f"multiples of {step} up to {allowed[-1]}" if regular else ", ".join(map(str, allowed))
        )
        why = "more than there are rows" if lanes > allowed[-1] else "a block cannot be split"
        raise LaneError(f"lanes {lanes}: {why}, allowed are {text}")
    shapes = tuple(layer.shape for layer in qnet.layers)
    _check_shapes(shapes)
    phases = [phase for k in range(len(shapes)) for phase in _layer_phases(shapes, k, lanes, qnet)]
    if qnet.readout:
        phases.append(_dense_phase(None, _inputs(shapes, len(shapes), qnet), qnet.outputs, lanes))
    schedule = Schedule(lanes, tuple(phases), any(shape.peepholes for shape in shapes))
    # what a step needs of itself first: the rest may then be covered
    for across_steps in (False, True):
        schedule = _settle(schedule, across_steps)
    return schedule


def _check_shapes(shapes: tuple[Shape, ...]) -> None:
    seeing = next((k for k, shape in enumerate(shapes) if shape.peepholes), None)
    for k, shape in enumerate(shapes):
        if shape.reverse:
            raise UnsupportedError(f"layer {k}: runs in reverse, a core for it must hold sequences")
        if seeing is not None and (shape.block_size > 1 or shape.gate_recurrence):
            raise UnsupportedError(
                f"layer {k}: blocks of several cells and gate recurrence cannot share a core with "
                f"the peepholes of layer {seeing}"
            )


def _inputs(shapes: tuple[Shape, ...], k: int, qnet: QuantizedNetwork) -> list[Column]:
    """The columns of layer k's x (or, past the last, of the readout's): input, or y below."""
    if k == 0:
        return [Column("x", place, place) for place in range(qnet.inputs)]
    return _stored(shapes, k - 1, "y", "below")


def _stored(shapes: tuple[Shape, ...], layer: int, kind: str, source: str) -> list[Column]:
    """Columns for all y or m of a layer, counted from 0."""
    places = [
        address
        for address, row in enumerate(stored_outputs(shapes))
        if (row.layer, row.kind) == (layer, kind)
    ]
    return [Column(source, address, column) for column, address in enumerate(places)]


def _layer_phases(
    shapes: tuple[Shape, ...], k: int, lanes: int, qnet: QuantizedNetwork
) -> Iterator[Phase]:
    """A layer's phase with its columns in natural order, and that of its projection."""
    shape = shapes[k]
    columns = _inputs(shapes, k, qnet) + _stored(shapes, k, "y", "y")
    if shape.gate_recurrence:  # columns are gate-major, the memory is written block by block
        places = {row: address for address, row in enumerate(stored_gates(shapes))}
        gates = [Row(k, gate, block) for gate in shape.gates for block in range(shape.blocks)]
        columns += [Column("gates", places[row], 0) for row in gates]
    columns = [replace(column, column=place) for place, column in enumerate(columns)]
    side = min(lanes // shape.rows_per_block, shape.blocks)
    yield Phase(k, shape, shape.blocks, shape.rows_per_block, side, tuple(columns))
    if shape.projection is not None:
        yield _dense_phase(k, _stored(shapes, k, "m", "below"), shape.projection, lanes)


def _dense_phase(layer: int | None, columns: list[Column], rows: int, lanes: int) -> Phase:
    """The phase of a projection or of the readout."""
    return Phase(layer, None, rows, 1, min(lanes, rows), tuple(columns))


def _settle(schedule: Schedule, across_steps: bool) -> Schedule:
    """Order each phase's columns by when they are known, and stall where that is not enough."""
    settled = False
    while not settled:
        settled = True
        for k in range(len(schedule.phases)):
            ordered, late = _order(schedule, k, across_steps)
            settled &= late == 0
            schedule = _with_phase(schedule, k, replace(ordered, stall=ordered.stall + late))
            if late:
                break
    return schedule


def _order(schedule: Schedule, k: int, across_steps: bool) -> tuple[Phase, int]:
    """Phase k with its columns in order of availability, and by how many clocks it is too early."""
    phase, step = schedule.phases[k], schedule.cycles_per_step
    shapes = tuple(p.shape for p in schedule.phases if p.shape)
    known = {}
    for column in phase.columns:
        before = step if column.source in ("y", "gates") else 0
        row = _producer(shapes, column)
        known[column] = (
            schedule.ready[row] - before if row and (across_steps or not before) else -step
        )
    columns = tuple(
        sorted(
            phase.columns, key=lambda column: (known[column], column.source != "x", column.column)
        )
    )
    start = schedule.starts(k)[0]
    late = max(known[column] - (start + place) for place, column in enumerate(columns))
    # the tail must have taken every row of the group before when this phase's first sum comes
    previous = schedule.phases[k - 1]
    rows = len(previous.rows(previous.groups - 1))
    late = max(late, rows - len(phase.columns) - phase.stall)
    return replace(phase, columns=columns), max(0, late)


def _producer(shapes: tuple[Shape, ...], column: Column) -> Row | None:
    """The row whose value a column reads; None for the core's input."""
    if column.source == "x":
        return None
    if column.source == "gates":
        return stored_gates(shapes)[column.address]
    row = stored_outputs(shapes)[column.address]
    assert row.layer is not None
    projected = row.kind == "y" and shapes[row.layer].projection is not None
    return row if projected else Row(row.layer, "g", row.index)


def _with_phase(schedule: Schedule, k: int, phase: Phase) -> Schedule:
    return replace(schedule, phases=(*schedule.phases[:k], phase, *schedule.phases[k + 1 :]))

"""The schedule: which source meets which weight in which clock, known before anything is built.

A step is a sequence of phases, one a layer and one for the readout. In a phase the lanes take
`side` blocks at a time; such a group takes one clock for each column (source), and the next group
follows in the next clock. Columns stand in the order in which their values become known, so that
the tail of the pipeline hides behind the early ones; where it does not, the phase starts `stall`
clocks late, the fewest that suffice.

    cycles per step = sum over phases of groups * columns  +  stalls
"""

from dataclasses import dataclass, replace
from functools import cached_property

from fixedpoint.network import QuantizedNetwork
from golden.cell import Shape
from golden.errors import CarouselError
from rtl import latency


class LaneError(CarouselError):
    """A number of lanes that no layer of the network can use."""


@dataclass(frozen=True)
class Row:
    """One row of weights: of a layer's gate or cell input (i, f, o, g), or of the readout ("out").

    Attributes
    ----------
    layer : or None for the readout.
    kind, index : the signal, and which of its units.
    """

    layer: int | None
    kind: str
    index: int


@dataclass(frozen=True)
class Column:
    """One source of a phase.

    Attributes
    ----------
    source : "x" (the core's input), "y" (the layer's own y(t-1)), "below" (y(t) of the layer below)
        or "gates" (the layer's own gates at t-1).
    address : where its value lies in the memory of that source.
    column : its column in the weight matrix.
    """

    source: str
    address: int
    column: int


@dataclass(frozen=True)
class Phase:
    """The part of a step that computes one layer, or the readout.

    Attributes
    ----------
    layer : or None for the readout.
    shape : of the layer; None for the readout, which has `blocks` rows.
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

    def row(self, group: int, lane: int) -> Row | None:
        """The row that a lane computes in a group, or None where it idles."""
        block, place = group * self.side + lane // self.block_rows, lane % self.block_rows
        if lane >= self.side * self.block_rows or block >= self.blocks:
            return None
        if self.shape is None:
            return Row(None, "out", block)
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
    """

    lanes: int
    phases: tuple[Phase, ...]

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

    def starts(self, phase: int) -> list[int]:
        """Clocks of the first column of each group of a phase, from the end of the step before."""
        before = sum(p.stall + p.cycles for p in self.phases[:phase]) + self.phases[phase].stall
        return [
            before + group * self.phases[phase].pitch for group in range(self.phases[phase].groups)
        ]

    @cached_property
    def ready(self) -> dict[Row, int]:
        """The first clock (from the end of the step before) in which a column may read a value.

        A gate's row yields the gate, a cell's row yields y.
        """
        found = {}
        for k, phase in enumerate(self.phases):
            for group, start in enumerate(self.starts(k)):
                last = start + len(phase.columns) - 1
                for lane, row in enumerate(phase.rows(group)):
                    found[row] = last + lane + (latency.CELL if row.kind == "g" else latency.GATE)
        return found

    @property
    def output_ready(self) -> list[int]:
        """Clocks, from a step's first column, in which its outputs enter the output buffer."""
        layer = self.phases[-1].layer
        kind = "out" if layer is None else "g"
        first = self.phases[0].stall
        return [
            self.ready[row] - first for row in self.rows if row.layer == layer and row.kind == kind
        ]

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
    least = max(shape.rows_per_block for shape in shapes)
    every = {k * shape.rows_per_block for shape in shapes for k in range(1, shape.blocks + 1)}
    return tuple(sorted(lanes for lanes in every if lanes >= least))


def plan(qnet: QuantizedNetwork, lanes: int | None = None) -> Schedule:
    """The schedule of a network on `lanes` lanes (default: all that it can use).

    Raises
    ------
    LaneError : `lanes` is not one of `allowed_lanes`.
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
    phases = [_layer_phase(qnet, k, lanes) for k in range(len(qnet.layers))]
    if qnet.readout:
        cells = sum(layer.shape.cells for layer in qnet.layers[:-1])
        columns = tuple(Column("below", cells + k, k) for k in range(qnet.layers[-1].shape.cells))
        outputs = qnet.readout.outputs
        phases.append(Phase(None, None, outputs, 1, min(lanes, outputs), columns))
    schedule = Schedule(lanes, tuple(phases))
    # what a step needs of itself first: the rest may then be covered
    for across_steps in (False, True):
        schedule = _settle(schedule, across_steps)
    return schedule


def _layer_phase(qnet: QuantizedNetwork, k: int, lanes: int) -> Phase:
    """A layer's phase with its columns in natural order."""
    shape = qnet.layers[k].shape
    before = [layer.shape for layer in qnet.layers[:k]]
    cells = sum(other.cells for other in before)
    gates = sum(len(other.gates) * other.blocks for other in before)
    columns = []
    for source, cut in shape.columns.items():
        for place in range(cut.stop - cut.start):
            column = cut.start + place
            if source == "x" and k == 0:
                columns.append(Column("x", place, column))
            elif source == "x":
                columns.append(Column("below", cells - before[-1].cells + place, column))
            elif source == "y":
                columns.append(Column("y", cells + place, column))
            else:  # columns are gate-major, the memory is written block by block
                kind, block = divmod(place, shape.blocks)
                columns.append(Column("gates", gates + block * len(shape.gates) + kind, column))
    side = min(lanes // shape.rows_per_block, shape.blocks)
    return Phase(k, shape, shape.blocks, shape.rows_per_block, side, tuple(columns))


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
    shapes = [p.shape for p in schedule.phases if p.shape]
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


def _producer(shapes: list[Shape], column: Column) -> Row | None:
    """The row whose value a column reads; None for the core's input."""
    if column.source == "x":
        return None
    address = column.address
    for k, shape in enumerate(shapes):
        size = len(shape.gates) * shape.blocks if column.source == "gates" else shape.cells
        if address < size:
            if column.source != "gates":
                return Row(k, "g", address)
            block, gate = divmod(address, len(shape.gates))
            return Row(k, shape.gates[gate], block)
        address -= size
    raise AssertionError(f"column {column} reads beyond the last layer")


def _with_phase(schedule: Schedule, k: int, phase: Phase) -> Schedule:
    return Schedule(schedule.lanes, (*schedule.phases[:k], phase, *schedule.phases[k + 1 :]))

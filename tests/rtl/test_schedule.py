"""The schedule: known cycle counts, nothing read before it is written, no stall too long."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.network import Network
from rtl import latency
from rtl.schedule import LaneError, Phase, Schedule, allowed_lanes, plan
from tests.rtl.support import G1997, layer, quantized, readout, stack


def _forget(*sizes: int, outputs: int = 0) -> QuantizedNetwork:
    rng = np.random.default_rng(sum(sizes))
    return quantized(stack(rng, *sizes, outputs=outputs), rng)


def _mixed() -> QuantizedNetwork:
    """1997 in 2 blocks of 3 (5 rows a block), forget-gate in 4 (4 rows a block)."""
    rng = np.random.default_rng(2)
    below = layer(rng, 2, 2, 3, forget=False, recurrence=True, **G1997)
    return quantized(Network((below, layer(rng, 6, 4)), readout(rng, 4, 3)), rng)


def _one1997(inputs: int, blocks: int, size: int, outputs: int) -> QuantizedNetwork:
    rng = np.random.default_rng(inputs)
    one = layer(rng, inputs, blocks, size, forget=False, recurrence=True, **G1997)
    return quantized(Network((one,), readout(rng, blocks * size, outputs)), rng)


NAMED = {
    "16 inputs, 32 cells": ((16, 32), 16, 384),
    "100 inputs, 64 cells": ((100, 64), 64, 656),
    "16 inputs, 128 cells": ((16, 128), 64, 1152),
    "two layers of 64": ((64, 64, 64), 32, 2048),
}


@pytest.mark.parametrize("name", NAMED)
def test_large_layers_keep_every_lane_busy(name):
    """One sequence alone: no stall, and every lane multiplies in every clock."""
    sizes, lanes, cycles = NAMED[name]
    schedule = plan(_forget(*sizes), lanes)
    assert schedule.cycles_per_step == schedule.ideal_cycles == cycles
    assert schedule.stall_per_step == 0
    assert [phase.stall for phase in schedule.phases] == [0] * len(schedule.phases)
    assert schedule.utilisation >= 0.99
    rows, sources = 4 * np.array(sizes[1:]), np.array(sizes[:-1]) + sizes[1:]
    assert schedule.products_per_step == int(rows @ sources) == lanes * cycles


def test_a_small_layer_says_its_stall():
    """20 cells, one at a time: 20 * 21 clocks of work. The last cell's y takes 3 clocks (its row)
    and the whole tail; it is read last, so that 21 of them are hidden."""
    schedule = plan(_forget(1, 20), 4)
    assert schedule.ideal_cycles == 420
    stall = 3 + latency.CELL - 21
    assert schedule.stall_per_step == stall
    assert schedule.cycles_per_step == 420 + stall
    assert schedule.phases[0].columns[-1].address == 19


# networks of every kind, small and tight: every number of lanes that they can use
SMALL = {
    "1, 1": lambda: _forget(1, 1),
    "3, 4": lambda: _forget(3, 4),
    "40, 3": lambda: _forget(40, 3),
    "1, 20": lambda: _forget(1, 20),
    "2, 5, 7 and readout": lambda: _forget(2, 5, 7, outputs=3),
    "1, 2, 12 and readout": lambda: _forget(1, 2, 12, outputs=12),
    "3, 9, 2, 6": lambda: _forget(3, 9, 2, 6),
    "1997 with gates": lambda: _one1997(8, 2, 2, 4),
    "1997 with many gates": lambda: _one1997(1, 7, 1, 1),
    "1997 below forget": _mixed,
}
EVERY = [(name, lanes) for name in SMALL for lanes in allowed_lanes(SMALL[name]())]
small = pytest.mark.parametrize(("name", "lanes"), EVERY)


def _clocks(schedule: Schedule) -> tuple[list[list[int]], int]:
    """The clock of each group's first column, phase by phase, and the clocks of a step."""
    found, clock = [], 0
    for phase in schedule.phases:
        clock += phase.stall
        starts, rows = [], phase.side * phase.block_rows
        for group in range(phase.groups):
            clock += max(0, rows - len(phase.columns)) if group else 0
            starts.append(clock)
            clock += len(phase.columns)
        found.append(starts)
    return found, clock


def _values(qnet: QuantizedNetwork, schedule: Schedule) -> dict[tuple[str, int], int]:
    """When each ("y", address) and ("gates", address) may be read, counted stage by stage."""
    starts, _ = _clocks(schedule)
    tail = latency.OPERAND + latency.LANE + latency.ACTIVATION
    cells = gates = 0
    found = {}
    for k, part in enumerate(qnet.layers):
        shape, phase = part.shape, schedule.phases[k]
        for block in range(shape.blocks):
            group, place = divmod(block, phase.side)
            last = starts[k][group] + len(phase.columns) - 1
            row = last + place * shape.rows_per_block
            for gate in range(len(shape.gates)):
                found["gates", gates + block * len(shape.gates) + gate] = row + gate + tail
            for cell in range(shape.block_size):
                address = cells + block * shape.block_size + cell
                at = row + len(shape.gates) + cell + tail + latency.STATE + latency.OUTPUT
                found["y", address] = at
        cells += shape.cells
        gates += len(shape.gates) * shape.blocks
    return found


def _slack(qnet: QuantizedNetwork, schedule: Schedule, best: bool = False) -> int:
    """By how many clocks the tightest demand is met; negative: it is not.

    Demands: a column is issued when its value is ready; the tail takes one row a clock. With
    `best` each phase takes its columns in the order of readiness, whatever the schedule says.
    """
    starts, step = _clocks(schedule)
    values = _values(qnet, schedule)
    slacks = []
    for phase, begin in zip(schedule.phases, starts, strict=True):
        ready = []
        for column in phase.columns:
            if column.source != "x":
                source = "gates" if column.source == "gates" else "y"
                this_step = column.source == "below"
                ready.append(values[source, column.address] - (0 if this_step else step))
            else:
                ready.append(-step)
        slacks += [begin[0] + k - at for k, at in enumerate(sorted(ready) if best else ready)]
    groups = [
        (begin + len(phase.columns), len(phase.rows(group)))
        for phase, clocks in zip(schedule.phases, starts, strict=True)
        for group, begin in enumerate(clocks)
    ]
    groups.append((groups[0][0] + step, 0))
    slacks += [after - end - rows for (end, rows), (after, _) in itertools.pairwise(groups)]
    return min(slacks)


@small
def test_cycles_are_work_and_waiting(name, lanes):
    """cycles = sum of groups * columns + stalls + the spacing of groups with more rows than
    columns; all starts as the schedule tells them."""
    schedule = plan(SMALL[name](), lanes)
    starts, step = _clocks(schedule)
    assert [schedule.starts(k) for k in range(len(schedule.phases))] == starts
    assert schedule.cycles_per_step == step
    spacing = sum((phase.groups - 1) * phase.spacing for phase in schedule.phases)
    waits = sum(phase.stall for phase in schedule.phases) + spacing
    assert schedule.ideal_cycles == sum(len(p.columns) * p.groups for p in schedule.phases)
    assert step == schedule.ideal_cycles + waits
    assert schedule.stall_per_step == waits
    assert 0 < schedule.utilisation <= 1


@small
def test_nothing_is_read_before_it_is_written(name, lanes):
    """Every column of every phase is issued when its value stands in memory, and no two rows meet
    in the tail, in the steady state; by an account of its own."""
    qnet = SMALL[name]()
    assert _slack(qnet, plan(qnet, lanes)) >= 0


@small
def test_no_stall_is_longer_than_needed(name, lanes):
    """With one clock less in any stall something is read too early, in whatever order."""
    qnet = SMALL[name]()
    schedule = plan(qnet, lanes)
    for k, phase in enumerate(schedule.phases):
        if phase.stall:
            phases = list(schedule.phases)
            phases[k] = replace(phase, stall=phase.stall - 1)
            assert _slack(qnet, replace(schedule, phases=tuple(phases)), best=True) < 0, k


@small
def test_columns_are_all_of_a_layers_columns(name, lanes):
    """Each phase's columns are a permutation of its weight matrix's, and address the right value:
    x of the input, y of the layer below or its own, gates block by block."""
    qnet = SMALL[name]()
    schedule = plan(qnet, lanes)
    cells = gates = below = 0
    for part, phase in zip(qnet.layers, schedule.phases, strict=False):
        shape = part.shape
        assert sorted(column.column for column in phase.columns) == list(range(shape.sources))
        for column in phase.columns:
            place = column.column
            if place < shape.inputs:
                want = ("below", below + place) if phase.layer else ("x", place)
            elif place < shape.inputs + shape.cells:
                want = "y", cells + place - shape.inputs
            else:
                kind, block = divmod(place - shape.inputs - shape.cells, shape.blocks)
                want = "gates", gates + block * len(shape.gates) + kind
            assert (column.source, column.address) == want
        below, cells = cells, cells + shape.cells
        gates += len(shape.gates) * shape.blocks
    if qnet.readout:
        found = sorted((c.source, c.address, c.column) for c in schedule.phases[-1].columns)
        assert found == [("below", below + k, k) for k in range(cells - below)]


@small
def test_every_row_is_computed_once(name, lanes):
    """Rows cover gates, cells and readout exactly once, in the order in which sums come out; the
    gates of a block before its cells."""
    qnet = SMALL[name]()
    schedule = plan(qnet, lanes)
    want = Counter(
        (k, kind, n)
        for k, part in enumerate(qnet.layers)
        for kind in part.shape.kinds
        for n in range(part.shape.rows(kind))
    )
    want.update((None, "out", n) for n in range(qnet.outputs if qnet.readout else 0))
    assert Counter((row.layer, row.kind, row.index) for row in schedule.rows) == want
    for phase in schedule.phases:
        for group in range(phase.groups):
            lanes_of = [phase.row(group, lane) for lane in range(lanes)]
            assert phase.rows(group) == [row for row in lanes_of if row is not None]
    order = {(row.layer, row.kind, row.index): k for k, row in enumerate(schedule.rows)}
    for k, part in enumerate(qnet.layers):
        shape = part.shape
        for cell in range(shape.cells):
            gate_rows = [order[k, gate, cell // shape.block_size] for gate in shape.gates]
            assert max(gate_rows) < order[k, "g", cell]


@small
def test_the_output_buffer_has_room_for_what_is_on_its_way(name, lanes):
    """A step's room is given back once its last output was taken; by then so many steps have begun
    that `buffered_steps` of them have room."""
    schedule = plan(SMALL[name](), lanes)
    begun = schedule.phases[0].stall
    taken = schedule.output_ready[-1] + begun + latency.FIFO
    assert schedule.buffered_steps * schedule.cycles_per_step >= taken - begun
    assert schedule.latency == latency.START + schedule.output_ready[0] + latency.FIFO
    assert schedule.output_ready == sorted(schedule.output_ready)


def _message(qnet: QuantizedNetwork, lanes: int) -> str:
    with pytest.raises(LaneError) as caught:
        plan(qnet, lanes)
    return str(caught.value)


@pytest.mark.parametrize("lanes", (0, -1, 1, 6, 20))
def test_lanes_that_cannot_be_used(lanes):
    """Refused in one line that names the value and what is allowed."""
    message = _message(_forget(3, 4), lanes)
    assert "\n" not in message
    assert message.startswith(f"lanes {lanes}:")
    assert message.endswith("multiples of 4 up to 16")


def test_allowed_lanes_of_one_layer():
    assert allowed_lanes(_forget(3, 4)) == (4, 8, 12, 16)
    assert allowed_lanes(_one1997(8, 2, 2, 4)) == (4, 8)
    assert plan(_forget(3, 4)).lanes == 16


def test_allowed_lanes_of_mixed_layers():
    """Whole blocks of some layer side by side, but at least one of the widest: 5 and 4 rows a block
    give 5, 10 and 8, 12, 16. The message lists them."""
    qnet = _mixed()
    assert allowed_lanes(qnet) == (5, 8, 10, 12, 16)
    assert plan(qnet).lanes == 16
    for lanes in (4, 6, 17):
        message = _message(qnet, lanes)
        assert "5, 8, 10, 12, 16" in message and f"lanes {lanes}:" in message


def test_a_group_that_is_not_full():
    """5 blocks, 2 side by side: the third group has one block, its other lanes idle."""
    phase: Phase = plan(_forget(2, 5), 8).phases[0]
    assert phase.groups == 3
    assert [len(phase.rows(group)) for group in range(3)] == [8, 8, 4]
    assert all(phase.row(2, lane) is None for lane in range(4, 8))

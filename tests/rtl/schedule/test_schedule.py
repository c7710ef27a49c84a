"""The schedule: known cycle counts, nothing read before it is written, every sum complete."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from golden.shape import Shape
from rtl.schedule import latency
from rtl.schedule.schedule import LaneError, Schedule, allowed_lanes, schedule_of
from tests.rtl.schedule.replay import faults, tail_order
from tests.rtl.shapes import Shaped, ShapedDense, ShapedLayer, any_shapes, forget, shaped

TARGETS = {
    "1 input, 20 cells": ((1, 20), 4, 420),
    "16 inputs, 32 cells": ((16, 32), 16, 384),
    "100 inputs, 64 cells": ((100, 64), 64, 656),
    "16 inputs, 128 cells": ((16, 128), 64, 1152),
    "two layers of 64": ((64, 64, 64), 32, 2048),
}


@pytest.mark.parametrize("longer", (0, 14))
@pytest.mark.parametrize("name", TARGETS)
def test_every_lane_multiplies_in_every_clock(name, longer, monkeypatch):
    """One sequence alone: no stall, and one useful product a lane and clock; with a tail of 14
    clocks more as well."""
    monkeypatch.setattr(latency, "CELL", latency.CELL + longer)
    sizes, lanes, cycles = TARGETS[name]
    schedule = schedule_of(forget(*sizes), lanes)
    assert schedule.cycles_per_step == schedule.ideal_cycles == cycles
    assert schedule.stall_per_step == 0
    assert schedule.products_per_step == lanes * cycles
    assert schedule.utilisation == 1
    assert not faults(forget(*sizes), schedule)


def test_dense_stages_keep_the_lanes_busy():
    """16 inputs, 32 cells, 64 and 10 dense units on 16 lanes: no clock is lost, and but for the 6
    lanes that 10 rows leave idle all multiply. With 24 units in front of the cells these wait for
    the last of them."""
    behind = forget(16, 32, head=(64, 10))
    shape = Shape(24, 32, 1, ("i", "f", "o"), False)
    stem, head = (ShapedDense(16, 24),), (ShapedDense(32, 10),)
    before = Shaped((ShapedLayer(shape),), head, 10, stem, ((1,), (-1,), (0,)))
    for qnet, cycles, most in ((behind, 384 + 128 + 64, 0), (before, 24 * 2 + 448 + 32, 32)):
        schedule = schedule_of(qnet, 16)
        assert not faults(qnet, schedule)
        assert schedule.ideal_cycles <= cycles and schedule.stall_per_step <= most
    assert schedule_of(behind, 16).utilisation == 1 - 6 / 16 * 64 / 576


def test_a_lane_for_every_row_says_its_stall():
    """16 inputs and 32 cells on 128 lanes: a tail of a row at once would take 128 clocks, so it
    takes a block. The last cell's y is there 31 clocks (its block) and the whole tail after the
    step's last column, and it is read by the next step's last column. No schedule can be shorter
    than that; the stall is under 24 clocks."""
    schedule = schedule_of(forget(16, 32))
    assert schedule.lanes == 128
    assert schedule.ideal_cycles == 48
    assert schedule.tail == 4
    assert schedule.cycles_per_step == 31 + latency.CELL
    assert schedule.stall_per_step == 31 + latency.CELL - 48 < 24


def test_one_accumulator_where_nothing_waits():
    """Large layers need one, small ones more: as few as reach the fewest cycles."""
    assert schedule_of(forget(100, 64), 64).accumulators == 1
    assert schedule_of(forget(1, 20), 4).accumulators > 1


SMALL = {
    "1, 1": forget(1, 1),
    "3, 4": forget(3, 4),
    "40, 3": forget(40, 3),
    "1, 20": forget(1, 20),
    "2, 5, 7 and readout": forget(2, 5, 7, head=(3,)),
    "1, 2, 12 and readout": forget(1, 2, 12, head=(12,)),
    "3, 9, 2, 6": forget(3, 9, 2, 6),
    "1997 with gates": shaped(8, Shape(8, 2, 2, ("i", "o"), True), head=(4,)),
    "1997 with many gates": shaped(1, Shape(1, 7, 1, ("i", "o"), True), head=(1,)),
    "1997 below forget": shaped(
        2, Shape(2, 2, 3, ("i", "o"), True), Shape(6, 4, 1, ("i", "f", "o"), False), head=(3,)
    ),
    "projection": shaped(3, Shape(3, 6, 1, ("i", "f", "o"), False, projection=4)),
    "peepholes": shaped(2, Shape(2, 5, 1, ("i", "f", "o"), False, peepholes=True), head=(2,)),
    "readout alone": shaped(5, head=(7,)),
    "2, 5 and three dense stages": forget(2, 5, head=(4, 1, 9)),
    "a block at once and three dense stages": forget(1, 6, head=(7, 2, 3)),
    "projection and two dense stages": shaped(
        3, Shape(3, 6, 1, ("i", "f", "o"), False, projection=2), head=(5, 2)
    ),
    "two dense stages alone": shaped(5, head=(7, 3)),
    "one product": shaped(1, head=(1,)),
}


@pytest.mark.parametrize("name", SMALL)
def test_any_number_of_lanes(name):
    """From one lane to one a row: every schedule is right, and takes one clock for each column of
    each group of `lanes` rows, the stalls apart."""
    qnet = SMALL[name]
    rows = tail_order(qnet)
    block = max((part.shape.rows_per_block for part in qnet.layers), default=1)
    seeing = any(part.shape.peepholes for part in qnet.layers)
    assert allowed_lanes(qnet) == tuple(range(block if seeing else 1, max(map(len, rows)) + 1))
    for lanes in allowed_lanes(qnet):
        schedule = schedule_of(qnet, lanes)
        assert not faults(qnet, schedule)
        ideal = 0
        for part, phase in zip(rows, schedule.phases, strict=True):
            layer = part[0][1] not in ("y", "stem", "dense", "out")
            whole = layer and (seeing or schedule.tail > 1)
            used = min(lanes - lanes % block if whole else lanes, len(part))
            if not layer:
                used = min(-(-lanes // schedule.tail), len(part))
            ideal += -(-len(part) // used) * len(phase.columns)
        assert schedule.ideal_cycles == ideal
        assert schedule.stall_per_step == schedule.cycles_per_step - ideal >= 0
        assert 0 < schedule.utilisation <= 1


def test_a_column_of_zeros_takes_no_clock():
    """Of 4 cells on one lane, a row has a clock for each of its weights that is not 0. Where
    the weights may change, and where a group's rows share no 0, every column has its clock."""
    qnet = replace(forget(3, 4), zeros=0.75)
    weights = np.concatenate([rows.codes for rows in qnet.rows.values()])
    one = schedule_of(qnet, 1)
    assert one.ideal_cycles == np.maximum(1, weights.sum(1)).sum() < weights.size / 2
    assert schedule_of(qnet, 1, every=True).ideal_cycles == weights.size
    assert schedule_of(replace(qnet, zeros=0.0), 1).ideal_cycles == weights.size


def test_a_step_is_as_long_as_a_state_is_on_its_way():
    """Without any weight that is not 0 no column waits for y, but the next step needs the state."""
    qnet = replace(forget(1, 2), zeros=1.0)
    assert [schedule_of(qnet, n).cycles_per_step for n in (1, 8)] == [latency.CELL] * 2
    assert schedule_of(replace(shaped(5, head=(3,)), zeros=1.0), 3).cycles_per_step < latency.CELL


def _any_schedule(seed: int):
    rng = np.random.default_rng(seed)
    qnet = any_shapes(rng)
    size = int(rng.choice(allowed_lanes(qnet))), int(rng.integers(1, 5))
    nonzeros = int(rng.integers(1, qnet.inputs + 1)) if rng.random() < 0.3 else None
    qnet = replace(qnet, zeros=float(rng.choice([0.0, 0.5, 0.9, 1.0])))
    return qnet, schedule_of(qnet, *size, nonzeros)


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed):
    """30 networks of any kind on any lanes, with up to four streams, now and then with sparse input
    and mostly with weights of 0: nothing wrong with any schedule."""
    for k in range(30):
        qnet, schedule = _any_schedule(100 * seed + k)
        assert not faults(qnet, schedule), (seed, k)


@pytest.mark.soak
def test_many_random_networks():
    """5,000 networks of any kind on any lanes, with up to four streams: nothing wrong."""
    for seed in range(10_000, 15_000):
        qnet, schedule = _any_schedule(seed)
        assert not faults(qnet, schedule), seed


def _with_slot(schedule: Schedule, clock: int, **changes) -> Schedule:
    """The schedule with one slot changed."""
    slots = list(schedule.slots)
    slots[clock] = slots[clock]._replace(**changes)
    return _with_slots(schedule, slots)


def _with_slots(schedule: Schedule, slots) -> Schedule:
    changed = replace(schedule)
    changed.__dict__["slots"] = tuple(slots)
    return changed


@pytest.mark.parametrize("name", ("3, 4", "1, 20", "2, 5, 7 and readout", "1997 below forget"))
def test_planted_faults_are_seen(name):
    """The oracle of these tests sees a slot without its rotation, its first, its column, its
    release; the wrong address; a step a clock shorter; columns in the wrong order."""
    qnet = SMALL[name]
    schedule = schedule_of(qnet, 4)
    slots = schedule.slots
    busy = [clock for clock, slot in enumerate(slots) if slot.column]
    turns = [clock for clock, slot in enumerate(slots) if slot.rotate]
    firsts = [clock for clock, slot in enumerate(slots) if slot.first]
    assert turns and schedule.accumulators > 1
    planted = [_with_slot(schedule, turns[len(turns) // 2], rotate=False)]
    planted += [_with_slot(schedule, clock, first=False) for clock in firsts[1:]]
    planted += [_with_slot(schedule, clock, column=None) for clock in busy]
    planted.append(_with_slot(schedule, busy[3], column=slots[busy[4]].column))
    wrong = replace(slots[busy[-1]].column, address=0)
    planted.append(_with_slot(schedule, busy[-1], column=wrong))
    planted += [_with_slot(schedule, k, release=False) for k in busy if slots[k].release]
    planted.append(_with_slot(schedule, busy[0], release=True))
    planted.append(_with_slots(schedule, slots[:-1]))
    for each in planted:
        assert faults(qnet, each)


def test_a_value_that_comes_late_is_seen(monkeypatch):
    """The oracle sees that a schedule for a tail of so many clocks does not do for one of more."""
    schedule = schedule_of(forget(1, 20), 4)
    assert not faults(forget(1, 20), schedule)
    monkeypatch.setattr(latency, "CELL", latency.CELL + 40)
    assert any("is read in" in fault for fault in faults(forget(1, 20), schedule))


@pytest.mark.parametrize("name", SMALL)
def test_every_row_is_computed_once(name):
    """Rows cover all gates, cells, projections and the readout exactly once, in the tail's order,
    and only those of the last part leave."""
    qnet = SMALL[name]
    schedule = schedule_of(qnet)
    parts = tail_order(qnet)
    found = [(row.layer, row.kind, row.index, row.stream) for row in schedule.rows]
    assert found == [row for part in parts for row in part]
    assert max(Counter(found).values()) == 1
    assert set(schedule.ready) == set(schedule.rows)
    leaving = [row.index for row in schedule.rows if schedule.leaves(row)]
    assert leaving == list(range(qnet.outputs))


@pytest.mark.parametrize("name", SMALL)
def test_the_output_buffer_has_room_for_what_is_on_its_way(name):
    """A step's room is given back once its last output was taken; by then so many steps have begun
    that `buffered_steps` of them have room."""
    for lanes in allowed_lanes(SMALL[name]):
        schedule = schedule_of(SMALL[name], lanes)
        taken = schedule.output_ready[-1] + latency.LEAVE
        assert schedule.buffered_steps * schedule.cycles_per_step >= taken
        assert schedule.latency == latency.START + schedule.output_ready[0] + latency.LEAVE
        assert schedule.output_ready == sorted(schedule.output_ready)


@pytest.mark.parametrize(
    ("name", "lanes", "words"),
    [
        ("3, 4", 0, "lanes 0: allowed are 1 to 16"),
        ("3, 4", -1, "lanes -1: allowed are 1 to 16"),
        ("3, 4", 17, "lanes 17: more than there are rows, allowed are 1 to 16"),
        ("peepholes", 3, "lanes 3: a block with peepholes cannot be split, allowed are 4 to 20"),
        ("peepholes", 21, "lanes 21: more than there are rows, allowed are 4 to 20"),
        ("readout alone", 8, "lanes 8: more than there are rows, allowed are 1 to 7"),
    ],
)
def test_lanes_that_cannot_be_used(name, lanes, words):
    """Refused in one line that names the value and what is allowed."""
    with pytest.raises(LaneError) as caught:
        schedule_of(SMALL[name], lanes)
    assert str(caught.value) == words


def test_a_group_that_is_not_full():
    """20 rows, 8 lanes: the third group has four rows, its other lanes idle."""
    phase = schedule_of(forget(2, 5), 8).phases[0]
    assert phase.groups == 3
    assert [len(phase.group(k)) for k in range(3)] == [8, 8, 4]


@pytest.mark.parametrize("name", SMALL)
def test_one_sigma_for_rows_and_states(name):
    """Where the schedule says that one sigma unit will do, no row comes in a clock in which an h is
    due, however long the next step waits for its input; where it does not, one may."""
    qnet = SMALL[name]
    for lanes in allowed_lanes(qnet)[::3]:
        schedule = schedule_of(qnet, lanes)
        if schedule.peepholes or schedule.tail > 1:
            assert not schedule.one_sigma
            continue
        step, gate_to_h = schedule.cycles_per_step, latency.H
        rows = [(clock, row) for row, clock in schedule.sums.items()]
        due = [clock + gate_to_h for clock, row in rows if row.kind == "g"]
        waits = range(max(due, default=0) + 1)
        met = {clock for clock, _ in rows} & set(due)
        met |= {late for late in due for wait in waits for c, _ in rows if late == c + step + wait}
        assert schedule.one_sigma == (not met)

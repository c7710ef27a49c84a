"""The clocks of a core that skips: its worst case against the dense core, and what it saves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from golden.errors import CarouselError
from golden.shape import Shape
from golden.wiring import INPUT
from rtl import CoreOptions, plan
from rtl.schedule import latency
from rtl.schedule.listing import Given
from rtl.schedule.schedule import allowed_lanes, schedule_of
from rtl.schedule.skipping import KINDS, skip_schedule_of
from rtl.skips import check_skip
from tests.rtl.shapes import forget, shaped

SIZES = {
    "40 inputs, 128 cells": ((40, 128), (2,)),
    "40 inputs, 128 cells alone": ((40, 128), ()),
    "12 inputs, 64 cells": ((12, 64), (5,)),
    "1 input, 128 cells": ((1, 128), (4,)),
    "two layers of 128": ((40, 128, 128), (2,)),
    "three layers of 64": ((20, 64, 64, 64), (32, 10)),
    "256 cells": ((64, 256), (10,)),
}
LANES = (16, 64)
REAL = 500  # clocks of a dense step
MODELS = sorted((Path(golden.__file__).parents[1] / "carousel/models").glob("*[!n].npz"))


@pytest.mark.parametrize("skip", KINDS)
@pytest.mark.parametrize("name", SIZES)
def test_the_worst_case_costs_at_most_2_percent(name, skip):
    """With every column active a step is hardly longer than in the dense core."""
    sizes, head = SIZES[name]
    net = forget(*sizes, head=head)
    for lanes in LANES:
        dense = schedule_of(net, lanes).cycles_per_step
        worst = skip_schedule_of(net, lanes, skip).cycles_per_step
        assert worst <= 1.02 * dense or dense < REAL, (lanes, worst, dense)
        assert dense <= worst


def test_shipped_models_in_the_worst_case():
    """What of them such a core can run is small: no step is longer by more than what a value takes
    longer to a list than to a memory, once for each phase and the step, while rows come one a
    clock."""
    seen = 0
    for path in MODELS:
        net = golden.load(path)
        qnet = quantize(net, bits=8, calibrate=np.zeros((1, 2, net.inputs)))
        try:
            check_skip(qnet, CoreOptions(skip="unchanged"))
        except CarouselError:
            continue
        seen += 1
        for lanes in allowed_lanes(qnet)[:12:3]:
            dense, found = (
                schedule_of(qnet, lanes, every=True),
                skip_schedule_of(qnet, lanes, "unchanged"),
            )
            later = found.after.cell - dense.after.cell + 2
            if dense.tail == 1:
                most = dense.cycles_per_step + (1 + len(found.phases)) * later
                assert found.cycles_per_step <= most, (path.stem, lanes)
    assert seen


@pytest.mark.parametrize("skip", KINDS)
def test_a_step_takes_as_long_as_its_groups(skip):
    """Each as many clocks as it has active columns, but no fewer than the rows of the one before;
    behind them the tail's way to the first list."""
    schedule = skip_schedule_of(forget(40, 128, head=(2,)), 16, skip)
    for share in (0.2, 0.5, 0.9):
        active = sum(int(share * n) for n in (40, 128))
        groups = 32 * max(active, 16) + max(int(share * 128), 2)
        assert groups <= schedule.cycles_at(share) <= groups + schedule.after.cell + 16 + 4
    assert schedule.cycles_at(1) == schedule.cycles_per_step
    assert schedule.least_cycles == schedule.cycles_at(0) < 512 + schedule.after.cell + 32


def test_a_sequences_first_step_reads_no_outputs():
    """Its list of outputs is empty, whatever the sequence before left."""
    schedule = skip_schedule_of(forget(10, 32), 4, "zero")
    listed = {k: np.ones((4, n), bool) for k, n in schedule.widths.items()}
    first = np.array([True, False, True, False])
    active = schedule.active(listed, first)
    assert active.tolist() == [32 * 10, 32 * 42] * 2
    begins, ends = schedule.spans(listed, first)
    assert (ends - begins)[2] < (ends - begins)[3]
    assert begins[1:].tolist() == ends[:-1].tolist()


def test_a_state_is_listed_before_the_next_step():
    """Its outputs are columns of that step, which begins when they are listed and a step without
    input and tail has run over them; steps behind it take what they take anyway."""
    schedule = skip_schedule_of(forget(10, 32), 4, "unchanged")
    listed = {k: np.ones((6, n), bool) for k, n in schedule.widths.items()}
    state = {k: np.zeros(n, bool) for k, n in schedule.widths.items()}
    state[Given(0)][:20] = True
    none, loaded = np.zeros(6, bool), {3: state}
    assert schedule.active(listed, none, loaded).tolist() == [320, 1344, 1344, 960, 1344, 1344]
    begins, ends = schedule.spans(listed, none, loaded)
    least = schedule.listing_anew + 32 * 4  # rows of a group, as no list is read
    assert least <= begins[3] - ends[2] <= least + 8
    spans = ends - begins
    assert spans[3] < spans[4] == spans[5] == schedule.cycles_per_step
    again = schedule.spans(listed, none, loaded, begins + 100 * (np.arange(6) > 2))
    assert np.array_equal(again[1] - again[0], spans)
    behind = schedule.begins(listed, none, loaded)
    assert behind[3] > behind[2] + schedule.cycles_per_step + schedule.listing_anew


def test_gates_are_columns():
    """With gate recurrence a group runs over the list of gates, too: between the input's, which is
    there first, and that of outputs, which is whole last."""
    schedule = skip_schedule_of(shaped(5, Shape(5, 4, 2, ("i", "o"), True)), 2, "zero")
    (phase,) = schedule.phases
    lists = [(*segment.given[:2], segment.offset) for segment in schedule.segments(phase)]
    assert lists == [(INPUT, "y", 0), (0, "gates", 5), (0, "y", 13)]
    listed = {given: np.ones((2, n), bool) for given, n in schedule.widths.items()}
    active = schedule.active(listed, np.array([True, False]))
    assert active.tolist() == [8 * 5, 8 * (5 + 8 + 8)]
    assert active[1] == schedule.ideal_cycles


def test_cell_outputs_are_columns_of_a_projection():
    """They are listed by themselves, and so are the outputs that it makes of them."""
    shape = Shape(5, 4, 1, ("i", "o"), False, projection=2)
    schedule = skip_schedule_of(shaped(5, shape, head=(3,)), 2, "zero")
    read = [[(*s.given[:2], s.before) for s in schedule.segments(p)] for p in schedule.phases]
    before, after = (INPUT, "y", False), (0, "y", False)
    assert read == [[before, (0, "y", True)], [(0, "m", False)], [after]]
    assert list(schedule.widths.values()) == [5, 4, 2]


def test_streams_share_weights_and_keep_their_order():
    """A step is one of each; the tail rests where a projection of one stream might overtake cell
    outputs of another, and nowhere in a core of one."""
    shape = Shape(5, 6, 1, ("i", "o"), False, projection=2)
    one, three = (
        skip_schedule_of(shaped(5, shape, head=(3,)), 4, "zero", streams) for streams in (1, 3)
    )
    assert one.weight_words == three.weight_words
    assert len(three.widths) == 3 * len(one.widths)
    assert [phase.stream for phase in three.phases] == 3 * [0, 1, 2]
    later = three.after.cell - three.after.gate
    rests = [s.takes(p)[-1] - phase.tail_clocks(phase.groups - 1) for s in (one, three)
             for p, phase in enumerate(s.phases)]  # fmt: skip
    assert rests == [0, 0, 0] + [0, 0, later] + 6 * [0]
    assert three.cycles_at(1) < 3 * one.cycles_at(1)
    assert three.ideal_cycles == 3 * one.ideal_cycles


def test_input_that_comes_slower_than_steps_end():
    """Steps without an active column begin when their input is there: an element a clock, and the
    clocks in which the last one is listed."""
    schedule = skip_schedule_of(forget(400, 4), 4, "unchanged")
    listed = {k: np.zeros((6, n), bool) for k, n in schedule.widths.items()}
    begins = schedule.begins(listed, np.zeros(6, bool))
    assert set(np.diff(begins).tolist()) == {400 - 1 + schedule.listing - latency.LOOKED}


def refused(options: CoreOptions, start: float = 0.0) -> str:
    from tests.rtl.support import quantized, stack

    rng = np.random.default_rng(0)
    net = stack(rng, 3, 4, outputs=2)
    if start:
        initial = {"s": np.zeros(4), "y": np.full(4, start)}
        net = replace(net, layers=(replace(net.layers[0], initial=initial),))
    with pytest.raises(CarouselError) as found:
        plan(quantized(net, rng), options)
    return str(found.value)


def test_what_such_a_core_cannot_have():
    """One line says what, and which layer or option it is."""
    zero = CoreOptions(skip="zero")
    assert refused(CoreOptions(skip="most")) == "skip 'most': allowed are zero and unchanged"
    assert "layer 0 starts from outputs other than 0" in refused(zero, start=0.5)
    assert "streams 17: must be from 1 to 16" in refused(replace(zero, streams=17))
    assert "nonzeros" in refused(replace(zero, nonzeros=1))

"""The closing pressure: its bound is one, its push is a gradient, and it leaves all else alone."""

import itertools

import numpy as np
import pytest

from golden import ModelError
from golden.closing import NET, Closing
from golden.learning import Parameters
from golden.squash import squash
from golden.tasks import TEMPORAL_ORDER, TEMPORAL_ORDER_3, Trigger, adding, multiplication
from golden.tasks.task import Boxes
from golden.training import random_network

ADDING = adding(100)
BOXES = Boxes(np.array([[-1.0, 0.0], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.5, 2.0]]))


def random(seed, gates, boxes=BOXES, task=ADDING, strength=0.01):
    net = random_network(np.random.default_rng(seed), task, gates, 2, 2, 0.5, {})
    p = Parameters.of(net)
    return p, Closing(p, boxes, strength)


def extremes(p, boxes, kind):
    """The worst net input of every gate of a kind, by trying all corners of all sources."""
    shape = p.shape
    own = [(-1.0, 1.0)] * shape.cells
    own += [(0.0, 1.0)] * (shape.sources - shape.inputs - shape.cells)
    found = []
    for low, high in zip(boxes.low, boxes.high, strict=True):
        ends = [*zip(low, high, strict=True), *own, (1.0,)]
        found += [p.hidden[p.rows(kind)] @ np.array(u) for u in itertools.product(*ends)]
    return np.min(found, axis=0), np.max(found, axis=0)


@pytest.mark.parametrize("gates", [("i", "o"), ("i", "f", "o")])
def test_the_gap_is_that_of_the_worst_corner(gates):
    for seed in range(3):
        p, closing = random(seed, gates)
        worst = [extremes(p, BOXES, "i")[1].max() + NET]
        if "f" in gates:
            worst.append(NET - extremes(p, BOXES, "f")[0].min())
        assert closing.gap == pytest.approx(max(worst), abs=1e-12)


@pytest.mark.parametrize("gates", [("i", "o"), ("i", "f", "o")])
def test_the_pressure_shuts_all_gates_and_touches_nothing_else(gates):
    p, closing = random(1, gates, strength=0.1)
    before = p.hidden.copy(), p.readout.copy()
    for _ in range(5000):
        closing.press(0.5)
    assert closing.gap <= 0.0
    assert extremes(p, BOXES, "i")[1].max() <= -NET
    if "f" in gates:
        assert extremes(p, BOXES, "f")[0].min() >= NET
    for kind in ("o", "g"):
        assert np.array_equal(p.hidden[p.rows(kind)], before[0][p.rows(kind)])
    assert np.array_equal(p.readout, before[1])
    shut = p.hidden.copy()
    closing.press(0.5)
    assert np.array_equal(p.hidden, shut)  # what is shut is left alone


def test_a_symbol_moves_as_fast_as_the_bias_and_others_do_not_move():
    p, closing = random(2, ("i", "o"), TEMPORAL_ORDER.between, TEMPORAL_ORDER, strength=0.25)
    before = p.hidden.copy()
    closing.press(0.5)
    moved = (p.hidden - before)[p.rows("i")]
    assert np.allclose(moved[:, 2:6], -0.125, atol=1e-12)  # a, b, c, d
    assert np.allclose(moved[:, -1], -0.125, atol=1e-12)
    assert np.all(moved[:, [0, 1, 6, 7]] == 0.0)  # E, B, X, Y


def test_the_change_is_a_descent_of_the_reach():
    """Where all boxes are open, the change is minus the gradient but for its positive factors."""
    p, closing = random(3, ("i", "o"), strength=1.0)
    before = p.hidden.copy()
    reach = extremes(p, BOXES, "i")[1]
    closing.press(1e-4)
    step = (p.hidden - before)[p.rows("i")]
    assert np.all(extremes(p, BOXES, "i")[1] < reach)
    worst = np.array([2.0, 2.0])  # largest magnitudes of x in both boxes
    assert np.all(np.abs(step[:, :2]) <= 1e-4 * worst)


@pytest.mark.parametrize("gates", [("i", "o"), ("i", "f", "o")])
def test_gates_that_begin_shut_are_at_a_mark_what_they_were(gates):
    p, _ = random(6, gates)
    before = p.hidden.copy()
    closing = Closing(p, ADDING.between, 0.1)
    closing.begin(ADDING.mark)
    assert closing.gap == pytest.approx(0.0, abs=1e-12)
    assert extremes(p, ADDING.between, "i")[1].max() == pytest.approx(-NET)
    if "f" in gates:
        assert extremes(p, ADDING.between, "f")[0].min() == pytest.approx(NET)
    u = np.zeros(p.hidden.shape[1])
    u[:2], u[-1] = (0.7, 1.0), 1.0  # a value and a mark
    assert p.hidden @ u == pytest.approx(before @ u)


def test_a_mark_is_in_no_box():
    for task in (ADDING, multiplication(100)):
        boxes = task.between
        assert boxes.high[0, task.mark] == boxes.low[0, task.mark] == 0.0
    assert TEMPORAL_ORDER.mark is None


def test_fixed_weights_stay():
    p, _ = random(4, ("i", "o"))
    learns = np.ones_like(p.hidden), np.ones_like(p.readout)
    learns[0][:, -1] = 0.0
    fixed = Parameters(p.hidden, p.readout, p.shape, p.g, p.h, p.out, learns=learns)
    before = p.hidden.copy()
    Closing(fixed, BOXES, 0.1).press(1.0)
    assert np.array_equal(p.hidden[:, -1], before[:, -1])
    assert not np.array_equal(p.hidden, before)


def test_outputs_without_an_end_are_refused():
    p, _ = random(5, ("i", "o"))
    endless = Parameters(p.hidden, p.readout, p.shape, p.g, p.g, p.out)
    Closing(endless, BOXES, 0.1)  # g1997 ends at 2
    with pytest.raises(ModelError, match="closing: cell outputs by 'identity' have no end"):
        Closing(
            Parameters(p.hidden, p.readout, p.shape, p.g, squash("identity"), p.out), BOXES, 0.1
        )


@pytest.mark.parametrize(
    ("task", "after", "before"),
    [
        (TEMPORAL_ORDER, 61, 1),
        (TEMPORAL_ORDER_3, 77, 1),
        (ADDING, 51, 1),
        (multiplication(100), 51, 1),
        (Trigger.of(30, 5), 2, 1),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_lies_between_is_in_a_box(task, after, before):
    """From the last event to the trigger every input is a distractor, and the trigger is none."""
    x, _ = task.batch(np.random.default_rng(1), 20, 100)
    boxes = task.between

    def inside(steps):
        steps = steps.reshape(-1, 1, task.inputs)
        return ((steps >= boxes.low) & (steps <= boxes.high)).all(axis=2).any(axis=1)

    assert inside(x[:, after:-before]).all()
    assert not inside(x[:, -1]).any()
    assert not inside(x[:, 0]).all()

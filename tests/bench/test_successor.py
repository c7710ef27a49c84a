"""What a held value costs: the counts are those of real runs, and the page has them."""

from dataclasses import replace

import numpy as np
import pytest

import golden
from bench import pages, successor
from golden import rnn
from rtl import plan
from tests.golden.counted import counted, products

COUNT = successor.AT_ONCE


def test_products_of_a_step_are_those_that_are_made(monkeypatch):
    """Of the cells with functions that multiply by nothing themselves; and the core makes the same
    with its weights."""
    net = golden.load(successor.MODELS / "temporal_order_held.npz")
    layer = replace(net.layers[0], g="identity", h="identity")
    x = counted(np.random.default_rng(0).normal(size=(3, 1, net.inputs)))
    start = layer.initial_state(1)
    start = replace(start, y=counted(start.y), gates=counted(start.gates))
    made = [products(lambda steps=steps: layer.run(x[:steps], start)) for steps in (2, 3)]
    readout = net.head[-1].weights.size
    assert made[1] - made[0] + readout == successor.cell_products(net)
    qnet = successor.prepare(
        successor.MODELS / "temporal_order_held.npz", successor.Choice(16)
    ).qnet
    cells = net.layers[0].shape.cells
    assert plan(qnet).products_per_step + 2 * cells == successor.cell_products(net)

    plain = golden.load_rnn(successor.MODELS / "temporal_order_rnn.npz")
    monkeypatch.setattr(rnn, "check_values", lambda x, inputs: x)
    x = counted(np.zeros((3, plain.inputs)))
    start = counted(np.zeros(plain.units))
    made = [products(lambda steps=steps: plain.run(x[:steps], start)) for steps in (2, 3)]
    assert made[1] - made[0] == plain.weights.size + plain.readout.weights.size


def test_what_is_kept_is_what_goes_on():
    """A run goes on from what is counted alone, and from nothing less."""
    net = golden.load(successor.MODELS / "temporal_order_held.npz")
    x = np.random.default_rng(0).normal(size=(2, 6, net.inputs))
    first, whole = net.run(x[:, :3]), net.run(x)
    assert successor.kept(first) == 12
    assert np.array_equal(net.run(x[:, 3:], first.state).out, whole.out[:, 3:])
    for name in ("s", "y", "gates"):
        (state,) = first.state
        less = replace(state, **{name: 0 * getattr(state, name)})
        assert not np.array_equal(net.run(x[:, 3:], (less,)).out, whole.out[:, 3:])


@pytest.fixture(scope="module")
def rows() -> list[successor.Row]:
    return successor.measure((10, 1_000), COUNT)


def test_answers(rows):
    for row in rows:
        assert row.right == (0 if row.system == successor.PLAIN else COUNT), row


def test_what_nobody_announced():
    assert successor.any_symbol(100, COUNT) == (COUNT, COUNT)


def test_other_distractors_are_others_and_symbols_stay():
    x, _ = successor.TEMPORAL_ORDER.batch(np.random.default_rng(0), 3, 100)
    other = successor.other_distractors(np.random.default_rng(1), x)
    changed = (x != other).any(axis=2)
    told = successor.TOLD
    assert changed[:, told:-1].any() and not changed[:, :told].any() and not changed[:, -1].any()
    assert np.array_equal(other.sum(axis=2), np.ones((3, 100)))


def test_the_page_has_these_numbers(rows):
    """Of the lags that are run here, with as many sequences as the page has."""
    page = pages.written(pages.DOCS / "successor.md", "recall").splitlines()
    scale = successor.COUNT // COUNT
    shown = [replace(row, right=row.right * scale) for row in rows]
    for line in successor.recall_table(shown).markdown().splitlines():
        assert line in page


def test_a_figure_shows_both_numbers_of_every_system(rows):
    figure = successor.draw([replace(row, right=successor.COUNT) for row in rows])
    for panel, what in zip(figure.axes, ("kept", "products"), strict=True):
        drawn = [tuple(line.get_ydata()) for line in panel.lines]  # type: ignore[arg-type]
        for name in successor.LOOKS:
            assert tuple(getattr(r, what) for r in rows if r.system == name) in drawn

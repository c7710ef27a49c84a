"""The error flow of memory cells, measured: 1 where nothing is forgotten, else what the forget
gates let through."""

from dataclasses import replace

import numpy as np
import pytest

import golden
from golden.experiments import experiment
from golden.flow import state_flow
from golden.tasks import TEMPORAL_ORDER

LAG = 300


@pytest.fixture(scope="module")
def cells():
    return experiment("6a").wiring.draw(np.random.default_rng(1)).network("cells")


def sequence(length):
    return TEMPORAL_ORDER.batch(np.random.default_rng(2), 1, length)[0][0]


def test_in_the_cell_of_1997_it_is_one_at_every_lag(cells):
    flow = state_flow(cells, sequence(LAG + 1), LAG)
    assert flow.shape == (LAG + 1, 4)
    assert np.abs(flow - 1.0).max() < 1e-9


def test_forget_gates_let_through_their_product():
    net = golden.load("models/adding.npz")
    x = np.random.default_rng(3).uniform(-1, 1, (40, 2))
    forget = net.run(x).get("f")
    wanted = [np.prod(forget[40 - lag :], axis=0) for lag in range(31)]
    assert state_flow(net, x, 30) == pytest.approx(np.array(wanted), rel=1e-9)
    assert np.all(state_flow(net, x, 30)[-1] < 1.0)


def test_what_cannot_be_measured_is_refused(cells):
    with pytest.raises(golden.InputError, match="lag 100, must be from 0 to 99"):
        state_flow(cells, sequence(100), 100)
    (layer,) = cells.layers
    shut = replace(layer, biases={**layer.biases, "i": np.full(2, -800.0)})
    with pytest.raises(golden.InputError, match="nothing flows"):
        state_flow(replace(cells, layers=(shut,)), sequence(100), 10)

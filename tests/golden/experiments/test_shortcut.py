"""A learnt network with weights from inputs to outputs, told as cells: the same outputs."""

import numpy as np

from golden.experiments.shortcut import as_network
from golden.experiments.wiring import Wiring
from golden.learning import gradient


def test_the_same_outputs():
    rng = np.random.default_rng(1)
    p = Wiring(5, 4, 2, 2, 1.5, ("gates", "cells"), connectivity="B", g="sigma", h="identity").draw(
        rng
    )
    x = np.eye(5)[rng.integers(0, 5, 30)]
    want = gradient(p, x, np.zeros((30, 4))).out
    net = as_network(p, "shortcut", "a test")
    assert (net.name, net.made_by, net.layers[0].shape.cells) == ("shortcut", "a test", 4 + 5)
    assert np.abs(net.run(x).out - want).max() < 1e-14
    assert np.ptp(want, axis=0).min() > 0.1


def test_without_a_shortcut_nothing_is_added():
    p = Wiring(3, 2, 2, 1, 0.2).draw(np.random.default_rng(2))
    net = as_network(p, "plain")
    assert net.layers[0].shape.cells == 2
    assert np.array_equal(net.readout.weights, p.readout[:, :-1])

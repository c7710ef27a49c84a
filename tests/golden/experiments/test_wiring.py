"""The networks before training: the paper's weight counts, intervals and biases."""

import numpy as np
import pytest

from golden.experiments import EXPERIMENTS
from golden.experiments.wiring import Wiring

COUNTS = {
    **{f"1-4x1-{rate}": 264 for rate in (0.1, 0.5)},
    **{f"1-3x2-{rate}": 276 for rate in (0.1, 0.2, 0.5)},
    "2a": 10504,
    "2b": 10504,
    **{
        f"2c-{q}-{p}": 6 * p + 64
        for q, p in ((50, 50), (100, 100), (200, 200), (500, 500))
        + tuple((1000, p) for p in (1000, 500, 200, 100, 50))
    },
    **{f"3a-{row}": 102 for row in ("100-3", "100-1", "1000-3")},
    **{f"3b-{row}": 102 for row in ("100-3", "100-1", "1000-1")},
    **{f"3c-{row}": 102 for row in ("100-3", "100-1")},
    **{f"4-{steps}": 93 for steps in (100, 500, 1000)},
    "5-140": 93,
    "5-13": 93,
    "6a": 156,
    "6b": 308,
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_paper_s_weight_counts(name):
    assert EXPERIMENTS[name].wiring.weights == COUNTS[name]


def test_every_experiment_is_counted():
    assert {name for name, row in EXPERIMENTS.items() if row.own} == set(COUNTS)


@pytest.mark.parametrize("name", ["1-3x2-0.1", "2a", "2c-50-50", "3a-100-3", "4-100", "6b"])
def test_where_weights_begin(name):
    """All of those that are learnt uniform in the interval, but for the biases given."""
    wiring = EXPERIMENTS[name].wiring
    p = wiring.draw(np.random.default_rng(1))
    given = np.zeros_like(p.hidden, dtype=bool)
    for kind, biases in (("i", wiring.input_gates), ("o", wiring.output_gates)):
        if biases:
            assert p.hidden[p.rows(kind), -1].tolist() == list(biases)
            given[p.rows(kind), -1] = True
    hidden, readout = (mask == 1 for mask in p.learns)
    free = np.concatenate((p.hidden[hidden & ~given], p.readout[readout]))
    assert 0.97 * wiring.interval < np.abs(free).max() <= wiring.interval
    assert np.unique(free).size == free.size
    fixed = p.hidden[~hidden]
    assert set(np.unique(fixed)) <= {0.0, 40.0}  # 40: the gate that is not there is open
    assert not p.readout[~readout].any()


def test_connectivity_b():
    """No weight into the output gate, none from cells or gates; the gate is 1 to the last bit."""
    p = Wiring(3, 2, 1, 1, 0.2, (), connectivity="B", g="sigma", h="identity").draw(
        np.random.default_rng(2)
    )
    assert p.shortcut
    assert p.hidden[p.rows("o")].tolist() == [[0, 0, 0, 0, 40]]
    assert 1 / (1 + np.exp(-40.0)) == 1.0
    assert not p.hidden[:, 3].any()
    assert p.readout.shape == (2, 1 + 3 + 1)

"""What is left of a run's writes: against two runs that differ in one write."""

import numpy as np
import pytest

from fixedpoint.retention.written import written
from golden.cell import Layer
from golden.network import Network
from golden.trace import Trace

STEPS, LAGS = 12, (1, 3, 100)


def network(kinds: str, **options) -> Network:
    rng = np.random.default_rng(1)
    weights = {kind: rng.normal(size=(3, 2)) for kind in kinds}  # x alone: no y
    weights = {kind: np.hstack((w, np.zeros((3, 3)))) for kind, w in weights.items()}
    layer = Layer(weights, {kind: rng.normal(size=3) for kind in kinds}, **options)
    return Network((layer,), (), "written")


@pytest.mark.parametrize(
    "net",
    [network("ifog"), network("iog", coupled=True), network("iog"), network("ifog", reverse=True)],
    ids=["forget", "coupled", "1997", "reverse"],
)
def test_a_write_that_was_there_and_one_that_was_not(net):
    """The states of two runs that differ by one write differ later by what is left of it."""
    x = np.random.default_rng(2).normal(size=(2, STEPS, 2))
    trace = net.run(x)
    (found,) = written(net.layers, trace, LAGS)
    assert found.lags == (1, 3)
    order = slice(None, None, -1) if net.layers[0].reverse else slice(None)
    i, g, s = (trace.layers[0][name][:, order] for name in "igs")
    f = trace.layers[0].get("f", 1 - trace.layers[0]["i"] if net.layers[0].coupled else None)
    f = np.ones_like(s) if f is None else f[:, order]
    for lag, left, best in zip(found.lags, found.left, found.best, strict=True):
        still, whole = np.zeros(3), np.zeros(3)
        for t in range(STEPS - lag):
            apart = i[:, t] * g[:, t]
            whole += np.abs(apart).sum(axis=0)
            for k in range(t + 1, t + lag + 1):  # one run has the write, the other has not
                apart = (f[:, k] * s[:, k - 1]) - (f[:, k] * (s[:, k - 1] - apart))
            still += np.abs(apart).sum(axis=0)
        assert left == pytest.approx(still.sum() / whole.sum())
        assert best == pytest.approx((still / whole).max())


def test_shut_forget_gates_leave_nothing_and_no_write_is_no_number():
    net = network("ifog")
    layers = ({**{k: np.zeros((4, 3)) for k in "fog"}, "i": np.ones((4, 3))},)
    layers[0]["g"][0] = 1.0
    trace = Trace(layers, np.zeros((4, 3)), ())
    (found,) = written(net.layers, trace, (1, 2))
    assert found.left == (0.0, 0.0) and found.best == (0.0, 0.0)
    layers[0]["g"][0] = 0.0
    (found,) = written(net.layers, trace, (1,))
    assert np.isnan(found.left[0]) and np.isnan(found.best[0])

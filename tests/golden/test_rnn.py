"""The plain recurrent network: its run, its gradient, and how its error signal fades."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golden import InputError, ModelError, RecurrentNetwork
from golden.rnn import (
    RecurrentParameters,
    error_flow,
    fast_gradient,
    fast_train_sequence,
    flow_bound,
    gradient,
)
from golden.squash import SQUASHES
from tests.golden import nets

EVERY = SQUASHES | nets.ONE_ENDED


@pytest.fixture(autouse=True)
def one_ended(monkeypatch):
    """Functions with a single end can be had by name."""
    for name, function in nets.ONE_ENDED.items():
        monkeypatch.setitem(SQUASHES, name, function)


@pytest.mark.parametrize("squash", ("sigma", "tanh"))
def test_run_equals_scalar_python(squash):
    rng = np.random.default_rng(61)
    net, x = nets.plain_rnn(rng, squash=squash), rng.normal(size=(10, 3))
    f = math.tanh if squash == "tanh" else lambda a: 1 / (1 + math.exp(-a))
    y, hidden = [0.0] * 4, []
    for now in x.tolist():
        sources = [*now, *y]
        y = [
            f(b + sum(w * u for w, u in zip(row, sources, strict=True)))
            for row, b in zip(net.weights.tolist(), net.biases.tolist(), strict=True)
        ]
        hidden.append(y)
    trace = net.run(x)
    assert np.abs(trace.get("y") - np.array(hidden)).max() < 1e-14
    assert np.array_equal(trace.out, net.readout.run(trace.get("y")))
    assert [name for name, _ in trace.signals()] == ["0.y", "out"]


def test_batches_and_carried_state():
    rng = np.random.default_rng(62)
    net, x = nets.plain_rnn(rng), rng.normal(size=(3, 12, 3))
    batch = net.run(x)
    assert np.abs(net.run(x[1]).out - batch.out[1]).max() < 1e-15
    first = net.run(x[:, :5])
    rest = net.run(x[:, 5:], first.state[0].y)
    assert np.abs(rest.out - batch.out[:, 5:]).max() < 1e-15
    with pytest.raises(InputError, match=r"state: shape \(4,\), must be \(3, 4\)"):
        net.run(x, np.zeros(4))
    with pytest.raises(InputError, match=r"input: shape \(5, 2\)"):
        net.run(np.zeros((5, 2)))


@pytest.mark.parametrize("out", ["sigma", "identity"])
@pytest.mark.parametrize("squash", EVERY)
def test_gradient_equals_finite_differences(squash, out):
    rng = np.random.default_rng(63)
    p = RecurrentParameters.of(nets.plain_rnn(rng, squash=squash, out=out))
    x, target, step = rng.normal(size=(7, 3)), rng.uniform(size=2), 1e-5

    def error(moved):
        return 0.5 * np.sum((moved.network("moved").run(x).out[-1] - target) ** 2)

    found = gradient(p, x, target)
    for which in ("hidden", "readout"):
        have = getattr(found, which)
        for place in np.ndindex(have.shape):
            sides = []
            for sign in (1, -1):
                moved = replace(p, **{which: getattr(p, which).copy()})
                getattr(moved, which)[place] += sign * step
                sides.append(error(moved))
            assert abs(have[place] - (sides[0] - sides[1]) / (2 * step)) < 1e-9
        assert np.abs(have).max() > 1e-3


@pytest.mark.parametrize("squash", EVERY)
def test_compiled_gradient_equals_the_readable_one(squash):
    rng = np.random.default_rng(64)
    p = RecurrentParameters.of(nets.plain_rnn(rng, squash=squash))
    for _ in range(5):
        x, target = rng.normal(size=(30, 3)), rng.uniform(size=2)
        want, have = gradient(p, x, target), fast_gradient(p, x, target)
        for name in ("hidden", "readout", "out"):
            assert np.abs(getattr(have, name) - getattr(want, name)).max() < 1e-13
        before = p.hidden.copy()
        fast_train_sequence(p, x, target, 0.3)
        assert np.array_equal(p.hidden, before - 0.3 * have.hidden)


def test_error_flow_is_the_sum_over_paths():
    """Equation (2) written out for q = 2: the sum over the unit in between."""
    rng = np.random.default_rng(65)
    net, x = nets.plain_rnn(rng, units=3), rng.normal(size=(6, 3))
    y = net.run(x).get("y")
    flow, w = error_flow(net, y, 2), net.weights[:, 3:]
    slope = y * (1 - y)
    for v in range(3):
        for u in range(3):
            assert flow[0][v, u] == (v == u)
            assert abs(flow[1][v, u] - slope[-2, v] * w[u, v]) < 1e-15
            paths = sum(slope[-2, m] * w[u, m] * slope[-3, v] * w[m, v] for m in range(3))
            assert abs(flow[2][v, u] - paths) < 1e-15


def test_error_flow_predicts_the_gradient():
    """theta(t - q) = flow(q) theta(t), seen in the weights of an input that was 1 q steps ago."""
    rng = np.random.default_rng(66)
    net, x, target = nets.plain_rnn(rng, inputs=1), np.zeros((9, 1)), rng.uniform(size=2)
    x[3] = 1.0  # only this step adds to the input weights
    p = RecurrentParameters.of(net)
    trace = net.run(x)
    y, out = trace.get("y"), trace.out[-1]
    theta = y[-1] * (1 - y[-1]) * ((out * (1 - out) * (target - out)) @ net.readout.weights)
    back = error_flow(net, y, 5)[5] @ theta
    assert np.abs(gradient(p, x, target).hidden[:, 0] + back).max() < 1e-15


def test_known_decay_and_bound():
    """One logistic unit at net 0: (w / 4)^q, 9.5e-7 after 10 steps at w = 1; the bound holds."""
    one = RecurrentNetwork(
        np.array([[0.0, 1.0]]), np.array([-0.5]), *nets.readout(np.random.default_rng(1), 1, 1)
    )
    y = np.full((101, 1), 0.5)
    flow = error_flow(one, y, 100)[:, 0, 0]
    assert abs(flow[10] / 0.25**10 - 1) < 1e-12
    assert abs(flow[100] / 6.2e-61 - 1) < 0.01
    net = nets.plain_rnn(np.random.default_rng(67), units=5, scale=0.7)  # tau = 5 * 0.7 / 4 < 1
    x = np.random.default_rng(68).normal(size=(200, 3))
    flow = error_flow(net, net.run(x).get("y"), 150)
    bound = [flow_bound(5, float(np.abs(net.weights[:, 3:]).max()), q) for q in range(151)]
    assert np.all(np.abs(flow).max(axis=(1, 2)) <= bound)
    assert bound[150] < 1e-6


def test_refusals():
    rng = np.random.default_rng(69)
    net = nets.plain_rnn(rng)
    with pytest.raises(ModelError, match="squashing function 'elu': allowed are sigma, tanh"):
        replace(net, squash="elu")
    with pytest.raises(ModelError, match="leaves 0 inputs"):
        replace(net, weights=np.zeros((4, 4)))
    with pytest.raises(ModelError, match=r"hidden biases: shape \(3,\), must be \(4,\)"):
        replace(net, biases=np.zeros(3))
    with pytest.raises(ModelError, match=r"readout weights: shape \(2, 3\), must be \(2, 4\)"):
        replace(net, readout=nets.readout(rng, 3, 2)[0])
    with pytest.raises(ModelError, match=r"hidden weights\[1, 2\]: nan"):
        weights = net.weights.copy()
        weights[1, 2] = np.nan
        replace(net, weights=weights)
    with pytest.raises(InputError, match="lag 6"):
        error_flow(net, np.zeros((6, 4)), 6)
    with pytest.raises(InputError, match="the last step's alone"):
        gradient(RecurrentParameters.of(net), np.zeros((5, 3)), np.zeros((5, 2)))

"""The truncated gradient against finite differences of a network with frozen recurrent sources."""

from dataclasses import replace

import numpy as np
import pytest

from golden import InputError, ModelError, Network
from golden.experiments.wiring import Wiring
from golden.learning import Parameters, gradient, steps, train_sequence
from golden.squash import SQUASHES
from tests.golden import nets

STEP = 1e-5  # central differences: error about STEP^2, rounding about 1e-16 / STEP


def frozen_error(p, x, target, recorded):
    """E of the network whose sources y(t-1), gates(t-1) are `recorded` and not its own.

    Written apart from the code under test: nothing but the equations of the cell.
    """
    shape, s, total = p.shape, 0.0, 0.0
    for t in range(len(x)):
        net = p.hidden @ np.concatenate((x[t], recorded[t], [1.0]))
        kinds = {kind: net[p.rows(kind)] for kind in shape.kinds}
        gate = {k: np.repeat(1 / (1 + np.exp(-kinds[k])), shape.block_size) for k in shape.gates}
        s = gate.get("f", 1.0) * s + gate["i"] * p.g(kinds["g"])
        y = gate["o"] * p.h(s)
        if target.ndim == 2 or t == len(x) - 1:
            out = p.out(p.readout @ np.concatenate((y, x[t] if p.shortcut else [], [1.0])))
            total += loss(p, target[t] if target.ndim == 2 else target, out)
    return total


def loss(p, target, out):
    """E at one step."""
    if p.entropy:
        return -np.sum(target * np.log(out) + (1 - target) * np.log(1 - out))
    return 0.5 * np.sum((target - out) ** 2)


def record(net: Network, x):
    """The recurrent sources (T, N - D) of each step of a run."""
    trace, shape = net.run(x), net.layers[0].shape
    sources = [trace.get("y"), *(trace.get(k) for k in shape.gates if shape.gate_recurrence)]
    joined = np.concatenate(sources, axis=1)
    return np.vstack((np.zeros((1, joined.shape[1])), joined[:-1]))


def differences(p, which, x, target, recorded):
    """dE/dw of one of the two matrices by central differences."""
    found = np.zeros_like(getattr(p, which))
    for place in np.ndindex(found.shape):
        sides = []
        for sign in (1, -1):
            moved = replace(p, **{which: getattr(p, which).copy()})
            getattr(moved, which)[place] += sign * STEP
            sides.append(frozen_error(moved, x, target, recorded))
        found[place] = (sides[0] - sides[1]) / (2 * STEP)
    return found


def case(kind, squash, every, seed=41):
    rng = np.random.default_rng(seed)
    net = nets.KINDS[kind](rng, squash=squash)
    x = rng.normal(size=(12, 3))
    target = rng.uniform(size=(12, 2) if every else 2)
    return net, x, target


@pytest.mark.parametrize("every", [False, True], ids=["target at the end", "target every step"])
@pytest.mark.parametrize("squash", ["sigma", "identity"])
@pytest.mark.parametrize("kind", nets.KINDS)
def test_equals_finite_differences(kind, squash, every):
    net, x, target = case(kind, squash, every)
    p, recorded = Parameters.of(net), record(net, x)
    found = gradient(p, x, target)
    for which in ("hidden", "readout"):
        want = differences(p, which, x, target, recorded)
        have = getattr(found, which)
        assert np.abs(want).max() > 1e-3  # there is something to compare
        assert np.abs(have - want).max() < 1e-9
        # The comparison can fail: a wrong sign of any one kind of row would show.
        rows = [p.rows(k) for k in p.shape.kinds] if which == "hidden" else [slice(None)]
        for part in rows:
            assert np.abs(-have[part] - want[part]).max() > 1e-6


@pytest.mark.parametrize("name", SQUASHES | nets.ONE_ENDED)
def test_every_function_is_learnt_with(name, monkeypatch):
    """As g, h and readout at once, values at and beyond ends of clipped ones among them."""
    monkeypatch.setitem(SQUASHES, name, function := (SQUASHES | nets.ONE_ENDED)[name])
    rng = np.random.default_rng(46)
    hidden = nets.layer(rng, 3, 2, 2, recurrent=True, g=name, h=name)
    net = Network((hidden,), nets.readout(rng, 4, 2, name))
    x, target = 2 * rng.normal(size=(12, 3)), rng.uniform(size=(12, 2))
    trace = net.run(x)
    if function.linear and name != "identity":
        ends = np.isin(np.stack([trace.get("g"), trace.get("s")]), function.ends)
        assert ends.any() and not ends.all()
    p, recorded = Parameters.of(net), record(net, x)
    found = gradient(p, x, target)
    for which in ("hidden", "readout"):
        want = differences(p, which, x, target, recorded)
        assert np.abs(want).max() > 1e-3
        assert np.abs(getattr(found, which) - want).max() < 1e-8


def test_only_logistic_functions_have_gates_and_the_cross_entropy():
    rng = np.random.default_rng(47)
    hard = Network((nets.layer(rng, 3, 4, gate="hard"),), nets.readout(rng, 4, 2))
    with pytest.raises(ModelError, match="^learning: gates of 'hard' are not supported, must be"):
        Parameters.of(hard)
    p = Parameters.of(nets.forget(rng, squash="identity"))
    with pytest.raises(ModelError, match="^learning: cross-entropy of 'identity' output units"):
        replace(p, entropy=True)


@pytest.mark.parametrize("kind", nets.KINDS)
def test_the_cross_entropy(kind):
    net, x, target = case(kind, "sigma", True)
    p, recorded = replace(Parameters.of(net), entropy=True), record(net, x)
    found = gradient(p, x, target)
    for which in ("hidden", "readout"):
        want = differences(p, which, x, target, recorded)
        assert np.abs(getattr(found, which) - want).max() < 1e-9
        square = getattr(gradient(replace(p, entropy=False), x, target), which)
        assert np.abs(square - want).max() > 0.1


@pytest.mark.parametrize("every", [False, True], ids=["target at the end", "target every step"])
@pytest.mark.parametrize("kind", ["B", "forget without recurrence"])
def test_the_full_gradient_where_nothing_is_truncated(kind, every):
    """Without recurrent weights: finite differences of the network as it is, nothing held."""
    rng = np.random.default_rng(44)
    if kind == "B":
        p = Wiring(3, 2, 2, 2, 0.7, ("gates", "cells"), connectivity="B", h="identity").draw(rng)
    else:
        p = Parameters.of(nets.forget(rng))
        p.hidden[:, p.shape.columns["y"]] = 0.0
        learns = np.ones_like(p.hidden), np.ones_like(p.readout)
        learns[0][:, p.shape.columns["y"]] = 0.0
        p = replace(p, learns=learns)
    x, target = rng.normal(size=(12, 3)), rng.uniform(size=(12, 2) if every else 2)
    nothing = np.zeros((12, p.hidden.shape[1] - 4))
    found = gradient(p, x, target)
    for which, learns in zip(("hidden", "readout"), p.learns, strict=True):
        want = differences(p, which, x, target, nothing) * learns
        assert np.abs(want).max() > 1e-3
        assert np.abs(getattr(found, which) * learns - want).max() < 1e-9


def test_a_change_at_each_step():
    """As one change a step by the gradient of that step; fixed weights stay."""
    rng = np.random.default_rng(45)
    p = Wiring(3, 2, 2, 2, 0.7, ("gates",)).draw(rng)
    x, target = rng.normal(size=(10, 3)), rng.uniform(size=(10, 2))
    by_hand = replace(p, hidden=p.hidden.copy(), readout=p.readout.copy())
    for found in steps(by_hand, x, target):
        by_hand.hidden[:] -= 0.3 * found.hidden * p.learns[0]
        by_hand.readout[:] -= 0.3 * found.readout * p.learns[1]
    once = replace(p, hidden=p.hidden.copy(), readout=p.readout.copy())
    first = train_sequence(once, x, target, 0.3)
    out = train_sequence(p, x, target, 0.3, each_step=True)
    assert np.array_equal(p.hidden, by_hand.hidden)
    assert np.array_equal(p.readout, by_hand.readout)
    assert np.array_equal(out[0], first[0])
    assert np.abs(out[1:] - first[1:]).max() > 1e-3
    assert np.all(p.readout[:, -1] == 0.0)
    assert np.all(p.hidden[p.rows("g"), -1] == 0.0)


def test_the_gradient_is_truncated():
    """It is not the full gradient: errors do not flow back through the recurrent weights."""
    net, x, target = case("1997", "sigma", False)
    p = Parameters.of(net)

    def error(value):
        moved = replace(p, hidden=p.hidden.copy())
        moved.hidden[0, 0] += value
        return 0.5 * np.sum((moved.network("moved").run(x).out[-1] - target) ** 2)

    full = (error(STEP) - error(-STEP)) / (2 * STEP)
    assert abs(full - gradient(p, x, target).hidden[0, 0]) > 1e-5


@pytest.mark.parametrize("kind", nets.KINDS)
def test_outputs_are_those_of_the_network(kind):
    net, x, target = case(kind, "sigma", True)
    want = net.run(x).out
    assert np.abs(gradient(Parameters.of(net), x, target).out - want).max() < 1e-14
    assert np.abs(gradient(Parameters.of(net), x, target[-1]).out - want[-1]).max() < 1e-14


def test_the_error_at_a_cell_input_does_not_depend_on_the_lag():
    """A.2: from the cell output back to the cell input, 0.5 * 0.5 * 1 * 0.5 = 0.125 for every q.

    All nets are 0, so gates are 0.5 and s = 0; an input that is 1 at one step alone picks out that
    step's contribution to the weight from it.
    """
    net = nets.layer(np.random.default_rng(1), 1, 1, 1, False, True, "g1997", "h1997", scale=0.0)
    p = Parameters.of(
        Network((net,), nets.readout(np.random.default_rng(1), 1, 1, "identity", 0.0))
    )
    p.readout[0, 0] = 1.0
    for lag in (0, 1, 10, 1000):
        x = np.zeros((1001, 1))
        x[-1 - lag] = 1.0
        found = gradient(p, x, np.array([1.0]))
        assert found.hidden[p.rows("g"), 0] == -0.125


def test_training_goes_downhill():
    net, x, target = case("forget", "sigma", False)
    p = Parameters.of(net)
    errors = [np.sum((train_sequence(p, x, target, 0.5) - target) ** 2) for _ in range(200)]
    assert errors[-1] < errors[0] / 100
    trained = p.network("trained", "a test")
    assert (trained.name, trained.made_by) == ("trained", "a test")
    assert np.sum((trained.run(x).out[-1] - target) ** 2) < errors[-1]


@pytest.mark.parametrize("kind", nets.KINDS)
def test_parameters_and_back(kind):
    net = nets.KINDS[kind](np.random.default_rng(42))
    back = Parameters.of(net).network(net.name, net.made_by)
    assert nets.same(net, back)
    back.layers[0].weights["i"][0, 0] += 1.0
    assert not nets.same(net, back)  # a copy


def test_refusals():
    net, x, target = case("forget", "sigma", False)
    p = Parameters.of(net)
    with pytest.raises(InputError, match=r"input: shape \(12, 2\), must be \(T, 3\)"):
        gradient(p, x[:, :2], target)
    with pytest.raises(InputError, match=r"target: shape \(3,\), must be \(2,\) or \(12, 2\)"):
        gradient(p, x, np.zeros(3))
    with pytest.raises(
        ModelError, match="3 layers and 0 dense stages, must have 1 layer and a readout"
    ):
        Parameters.of(nets.deep(np.random.default_rng(1)))


OPTIONS = {
    "peepholes": {"peepholes": True},
    "coupled": {"coupled": True},
    "projection": {"projection": 2},
    "clip": {"clip": {"g": (-1.0, 1.0)}},
    "reverse": {"reverse": True},
    "initial": {"initial": ("s",)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_cells_that_cannot_be_learnt_are_refused(options):
    """None of them is dropped in silence; without them the same network is taken."""
    rng = np.random.default_rng(43)
    hidden = nets.layer(rng, 3, 4, **options)
    dense = nets.readout(rng, hidden.shape.outputs, 2)
    with pytest.raises(ModelError, match="^learning: peepholes, coupled gates, .* not supported$"):
        Parameters.of(Network((hidden,), dense))
    assert Parameters.of(Network((nets.layer(rng, 3, 4),), nets.readout(rng, 4, 2)))


def test_a_network_of_the_last_output_only_is_refused():
    """What is learnt would give every output, which is another network."""
    net = replace(nets.paper_1997(np.random.default_rng(1)), output="last")
    with pytest.raises(ModelError, match="^learning: output 'last' is not supported, must be"):
        Parameters.of(net)

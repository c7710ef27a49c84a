"""What is left after a lag, against whole runs and against distances taken pair by pair."""

import itertools

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.network import real_state
from fixedpoint.retention import lags as module
from fixedpoint.retention.hold import closing, just_shut, just_shut_float, keeping, random_state
from fixedpoint.retention.lags import RunGroup, in_fixed_point, in_float
from golden import InputError, LayerState, Network
from tests.fixedpoint.nets import forget_network, paper_network, random_codes
from tests.fixedpoint.nets import layer as make_layer

LAGS = (1, 7, 20, 33)


def two_layers():
    """Two stacked layers of different kinds."""
    rng = np.random.default_rng(1)
    net = Network((make_layer(rng, 3, 4), make_layer(rng, 4, 3, kinds="io", coupled=True)))
    return net, rng.normal(0, 1, (3, 40, 3))


MAKERS = [forget_network, paper_network, two_layers]


def groups_of(qnet, rng, counts=(3, 2)):
    return [
        RunGroup(
            tuple(random_state(layer, count, rng) for layer in qnet.layers),
            random_codes(rng, qnet, 9),
        )
        for count in counts
    ]


def wanted(start, states):
    """left and change of one layer from s (N, C) and (lags, N, C), pair by pair."""

    def apart(s):
        return np.sqrt(np.mean([np.sum((a - b) ** 2) for a, b in itertools.combinations(s, 2)]))

    left = [apart(s) / apart(start) for s in states]
    return left, [np.abs(s - start).max() for s in states]


@pytest.mark.parametrize("make", MAKERS)
def test_every_view_is_a_whole_run_of_the_model(make, monkeypatch):
    """Fixed point, float64 and float32, blocks of 5 steps, two groups: states, left and change."""
    monkeypatch.setattr(module, "CHUNK", 5)
    net, x = make()
    qnet, rng = quantize(net, bits=12, calibrate=x), np.random.default_rng(2)
    groups = groups_of(qnet, rng)
    told: list[int] = []
    views = {
        "fixed": in_fixed_point(qnet, groups, LAGS, told.append),
        "float": in_float(net, qnet, groups, LAGS, False),
        "single": in_float(net, qnet, groups, LAGS, True),
    }
    assert told == sorted({*LAGS, *range(5, 33, 5)})
    for n, group in enumerate(groups):
        codes = np.stack([np.tile(group.pool, (4, 1))[:33]] * group.count)
        start = real_state(qnet.formats, group.start)
        real = qnet.formats.decode(codes)
        runs = {
            "fixed": qnet.run(codes, group.start).real(),
            "float": net.run(real, start),
            "single": net.run(real, start, single=True),
        }
        for view, kept in views.items():
            for k, st in enumerate(start):
                states = runs[view].get("s", k)[:, [lag - 1 for lag in LAGS]].transpose(1, 0, 2)
                close = 0 if view == "fixed" else 1e-12 if view == "float" else 1e-4
                assert np.abs(kept[n].states[k] - states).max() <= close
                left, change = wanted(st.s, kept[n].states[k])
                assert np.allclose(kept[n].left[k], left, rtol=1e-9)
                assert kept[n].change[k].tolist() == change
    assert any((views["single"][0].states[0] != views["float"][0].states[0]).flat)


@pytest.mark.parametrize("view", ["fixed", "float"])
def test_a_cycle_is_left_out_to_the_bit(view, monkeypatch):
    """Distractors of 6 steps under CHUNKs of 4: the states are those of every single step, in far
    fewer steps."""
    monkeypatch.setattr(module, "CHUNK", 4)
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    rng, lags = np.random.default_rng(9), (5, 1000, 1003, 20_000)
    group = RunGroup(
        tuple(random_state(layer, 2, rng) for layer in qnet.layers), random_codes(rng, qnet, 6)
    )
    told: list[int] = []
    if view == "fixed":
        (kept,) = in_fixed_point(qnet, [group], lags, told.append)
        whole = qnet.run(group.codes(0, lags[-1]), group.start).real()
    else:
        (kept,) = in_float(net, qnet, [group], lags, False, told.append)
        heard = qnet.formats.decode(group.codes(0, lags[-1]))
        whole = net.run(heard, real_state(qnet.formats, group.start))
    for k, states in enumerate(kept.states):
        wanted = whole.get("s", k)[:, [lag - 1 for lag in lags]]
        assert np.array_equal(states, wanted.transpose(1, 0, 2))
    assert 4 < len(told) < 1000


def test_a_state_that_is_lost_and_one_that_is_held():
    """Runs that end in one point: 0 left. Nothing stored that differs: undefined."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    (form,) = (layer.formats.s for layer in qnet.layers)
    same = [random_state(layer, 1, np.random.default_rng(3)) for layer in qnet.layers]
    start = tuple(
        LayerState(*(np.repeat(p, 2, axis=0) for p in (st.s, st.y, st.gates))) for st in same
    )
    (kept,) = in_fixed_point(
        qnet, [RunGroup(start, random_codes(np.random.default_rng(4), qnet, 5))], (3,)
    )
    assert np.isnan(kept.left).all() and kept.change.max() > 0
    far = tuple(
        LayerState(np.array([[form.low], [form.high]]).repeat(6, 1), st.y, st.gates) for st in start
    )
    (kept,) = in_fixed_point(qnet, [RunGroup(far, np.zeros((1, 4), int))], (1, 5000))
    assert 0.1 < kept.left[0, 0] < 1 and kept.left[0, 1] < 0.01


@pytest.mark.parametrize("lags", [(0, 3), (3, 3), (5, 2)])
def test_lags_must_rise(lags):
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    groups = groups_of(qnet, np.random.default_rng(5))
    with pytest.raises(InputError, match="must rise from at least 1 step"):
        in_fixed_point(qnet, groups, lags)


@pytest.mark.parametrize("make", [*MAKERS, "peepholes"])
def test_just_shut_is_one_code_from_open_in_float_too(make):
    """i is 0 and f is 1.0 in codes, at the very last net input; float has that net input too."""
    if isinstance(make, str):
        rng = np.random.default_rng(6)
        net = Network((make_layer(rng, 3, 4, peepholes=True),))
        x = rng.normal(0, 1, (3, 40, 3))
    else:
        net, x = make()
    qnet = quantize(net, bits=14, calibrate=x)
    shut, rng = just_shut(qnet), np.random.default_rng(7)
    trace = shut.run(random_codes(rng, shut, 50))
    real = just_shut_float(net, shut).run(qnet.formats.decode(random_codes(rng, shut, 50)))
    for k, layer in enumerate(shut.layers):
        lsb = layer.gate.net.lsb
        ends = {"i": (closing(layer), 1)}
        if "f" in layer.shape.gates:
            ends["f"] = (keeping(layer), -1)
        for gate, (code, outward) in ends.items():
            one = 0 if gate == "i" else layer.formats.gate.one
            assert (trace.get(gate, k) == one).all()
            assert layer.gate(np.array([code + outward]))[0] != one
            sigma = 1 / (1 + np.exp(-code * lsb))
            assert np.allclose(real.get(gate, k), sigma, rtol=1e-6)
        assert np.ptp(trace.get("o", k)) > 0


def test_just_shut_holds_in_fixed_point_and_leaks_in_float():
    """At the net input from which f is exactly 1, a float cell keeps f^T (and lets a little in)."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    shut = just_shut(qnet)
    groups = groups_of(shut, np.random.default_rng(8))
    (fixed, _) = in_fixed_point(shut, groups, (10, 3000))
    assert (fixed.left == 1.0).all() and not fixed.change.any()
    (layer,) = shut.layers
    f = 1 / (1 + np.exp(-keeping(layer) * layer.gate.net.lsb))
    for single in (False, True):
        (kept, _) = in_float(just_shut_float(net, shut), shut, groups, (10, 3000), single)
        assert np.allclose(kept.left[0], [f**10, f**3000], rtol=0.05)

"""The retention map against the integer cell itself, state by state, and against float."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.retention.hold import closing, keeping
from fixedpoint.retention.map import retention, thresholds
from golden import LayerState, Network
from tests.fixedpoint.nets import layer as make_layer
from tests.fixedpoint.nets import uniform

KINDS = {
    "forget gates": ("ifo", {}),
    "coarse states": ("ifo", {"scale": 4.0}),
    "coupled": ("io", {"coupled": True}),
    "1997": ("io", {"g": "g1997", "h": "h1997"}),
    "hard gates": ("ifo", {"gate": "hard"}),
    "clipped": ("ifo", {"clip": {"gate": (-3.0, 3.0)}}),
}


def one_cell(kind, bits):
    """The integer layer of one cell, and its network."""
    kinds, options = KINDS[kind]
    rng = np.random.default_rng(3)
    net = Network((make_layer(rng, 1, 1, kinds=kinds, **options),))
    qnet = quantize(net, uniform(net, bits, rng.normal(0, 1, (4, 60, 1))))
    return qnet.layers[0], qnet


def with_net_inputs(qnet, **codes):
    """The network whose rows hear nothing and have these net inputs, in codes of each row."""
    (layer,) = qnet.layers
    weights = {kind: np.zeros_like(values) for kind, values in layer.weights.items()}
    biases = dict(layer.biases)
    for kind, code in codes.items():
        shift = layer.net_shift(kind)
        assert shift >= 0
        biases[kind] = np.array([code << shift])
    return replace(qnet, layers=(replace(layer, weights=weights, biases=biases),))


def every_state(layer):
    """A run from each state of the format."""
    s = np.arange(layer.formats.s.low, layer.formats.s.high + 1)[:, None]
    gates = layer.shape.state["gates"]
    return (LayerState(s, np.zeros_like(s), np.zeros((len(s), gates), np.int64)),)


def after(qnet, steps=1):
    """All states of a network of one cell after some steps from every one."""
    start = every_state(qnet.layers[0])
    codes = np.zeros((len(start[0].s), steps, 1), np.int64)
    return start[0].s[:, 0], qnet.run(codes, start).get("s")[:, -1, 0]


def some_nets(layer, count=24):
    """Net inputs over the whole range, and all near the two thresholds."""
    values, last = layer.gate.lookup(), layer.gate.high - layer.gate.low
    found = set(np.linspace(0, last, count).astype(int).tolist())
    for end in (int(np.argmax(values > 0)), int(np.argmax(values == values[-1]))):
        found |= set(range(max(0, end - 3), min(end + 3, last + 1)))
    return layer.gate.low + np.array(sorted(found))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "1997"])
def test_leak_is_what_the_cell_takes_from_every_state(kind):
    """And the states that it leaves as they are are those that the map says stick."""
    layer, qnet = one_cell(kind, 8)
    nets = some_nets(layer)
    found = retention(layer, nets)
    gate, seen = ("i" if layer.shape.coupled else "f"), set()
    for k, net in enumerate(nets.tolist()):
        s, s1 = after(with_net_inputs(qnet, **{"i": layer.gate.low, "g": 0, gate: net}))
        assert np.array_equal(found.leak(s)[:, k], s - s1)
        positive, negative = (ends[k] for ends in found.sticks)
        assert np.array_equal(s1 == s, (s <= positive) & (-s <= negative))
        seen |= {bool((s1 == s).all()), bool((s1 != s).sum() > 5)}
    assert seen == {True, False} or kind == "clipped"


@pytest.mark.parametrize("short", [1, 2, 5, 30])
def test_larger_states_decay_to_where_they_stick_and_no_further(short):
    """A thousand steps from every state of the format."""
    layer, qnet = one_cell("forget gates", 8)
    values = layer.gate.lookup()
    net = layer.gate.low + int(np.argmax(values >= layer.formats.gate.one - short))
    found = retention(layer, np.array([net]))
    positive, negative = (int(ends[0]) for ends in found.sticks)
    s, end = after(with_net_inputs(qnet, i=layer.gate.low, g=0, f=net), 1000)
    assert found.short[0] > 0
    assert np.array_equal(end, np.clip(s, -negative, positive))
    assert (positive < layer.formats.s.high) and positive > 0


@pytest.mark.parametrize("kind", KINDS)
def test_creep_is_what_the_cell_adds(kind):
    """With the lowest and the highest g; from a state in the middle, f as near to 1 as it comes."""
    layer, qnet = one_cell(kind, 9)
    nets = some_nets(layer)
    found = retention(layer, nets)
    start = (LayerState(*(np.zeros((1, n), np.int64) for n in (1, 1, layer.shape.state["gates"]))),)
    for row, g in zip(found.creep, (layer.g.low, layer.g.high), strict=True):
        for k, net in enumerate(nets.tolist()):
            codes = {"f": layer.gate.high} if "f" in layer.shape.gates else {}
            moved = with_net_inputs(qnet, i=net, g=g, **codes).run(np.zeros((1, 1, 1), int), start)
            form = layer.formats.s
            assert moved.get("s")[0, 0, 0] == np.clip(row[k], form.low, form.high)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [6, 9, 16])
def test_thresholds_are_the_last_net_inputs_that_change_nothing(kind, bits):
    """One code beyond each, something changes; and none is on the wrong side of the exact one."""
    layer, _ = one_cell(kind, bits)
    found, lsb = retention(layer), layer.gate.net.lsb
    limits, (low, high) = thresholds(layer), found.creep
    moves = (low != 0) | (high != 0)
    if layer.shape.coupled:
        ends = np.array([layer.formats.s.low, layer.formats.s.high])
        moves |= (found.leak(ends) != 0).any(axis=0)
    if limits.closed_in_effect is None:
        assert moves[0]
    else:
        at = round(limits.closed_in_effect / lsb) - layer.gate.low
        assert not moves[: at + 1].any()
        assert at + 1 == len(moves) or moves[at + 1]
    if limits.closed is not None:
        assert limits.closed == closing(layer) * lsb
        assert limits.closed_in_effect is not None
        assert limits.closed_in_effect >= limits.closed
    if "f" in layer.shape.gates and kind != "clipped":
        assert limits.kept == keeping(layer) * lsb
        assert limits.kept_in_effect is not None and limits.kept_in_effect <= limits.kept
        ends = np.array([layer.formats.s.low, layer.formats.s.high])
        takes = (found.leak(ends) != 0).any(axis=0)
        at = round(limits.kept_in_effect / lsb) - layer.gate.low
        assert not takes[at:].any() and takes[at - 1]
    else:
        assert kind == "clipped" or limits.kept is limits.kept_in_effect is None
    assert (limits.stuck is None) == (not found.forgets)


def test_float_leaks_and_creeps_where_fixed_point_does_not():
    """sigma is never quite 0 or 1; where both move they agree, to the rounding and the table."""
    layer, _ = one_cell("forget gates", 12)
    found = retention(layer)
    s = np.array([layer.formats.s.high])
    real, fixed = found.float_leak(s)[0], found.leak(s)[0]
    assert (real > 0).all() and (fixed[found.net >= keeping(layer)] == 0).all()
    one = layer.formats.gate.one
    assert np.abs(real - fixed).max() <= 0.5 + s[0] / one  # 1 LSB of the gate at most
    closed = found.net <= closing(layer)
    assert (found.float_creep > 0).all() and not found.creep[1][closed].any()
    largest = np.abs(np.array(found.creep)).max(axis=0)
    assert np.abs(found.float_creep - largest).max() <= 0.5 + found.float_creep.max() / one + 1e-9


def test_states_that_stick_at_16_bits_are_half_of_one_over_the_gap():
    """s short / one < 1/2: with 14 fraction bits one LSB short of 1.0, up to 8192 LSB."""
    layer, _ = one_cell("forget gates", 16)
    assert layer.formats.gate.frac == 14
    assert thresholds(layer).stuck == 8192

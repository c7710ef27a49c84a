"""Reverse and bidirectional layers, and which outputs leave, against runs put together by hand."""

from dataclasses import replace

import numpy as np
import pytest

from golden import ModelError, Network
from tests.golden import nets, oracle

NETWORKS = {
    "pair": nets.bidirectional,
    "pair of projections": lambda rng: nets.bidirectional(rng, projection=2, initial=("s", "y")),
    "both ways": nets.both_ways,
    "every option": nets.every_option,
}


@pytest.mark.parametrize("output", ["every", "last", "final"])
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_whole_networks_equal_the_scalar_equations(make, output):
    net = replace(make(np.random.default_rng(31)), output=output)
    x = np.random.default_rng(32).normal(size=(9, 3))
    trace = net.run(x)
    signals, out = oracle.run(net, x.tolist())
    for k, layer in enumerate(signals):
        assert list(trace.layers[k]) == list(net.layers[k].shape.signals)
        for name, rows in layer.items():
            assert np.abs(trace.get(name, k) - np.array(rows)).max() < 1e-13, (k, name)
    assert trace.out.shape == (9 if output == "every" else 1, net.outputs)
    assert np.abs(trace.out - np.array(out)).max() < 1e-13


def test_a_reverse_layer_is_the_forward_one_on_the_reversed_sequence():
    forward = nets.layer(np.random.default_rng(33), 3, 4, peepholes=True, initial=("s", "y"))
    reverse = replace(forward, reverse=True)
    x = np.random.default_rng(34).normal(size=(2, 11, 3))
    one, other = Network((forward,)).run(x[:, ::-1]), Network((reverse,)).run(x)
    for name, values in one.layers[0].items():
        assert np.array_equal(other.get(name), values[:, ::-1]), name
    assert np.array_equal(other.out, one.out[:, ::-1])
    for part in ("s", "y", "gates"):
        assert np.array_equal(getattr(other.state[0], part), getattr(one.state[0], part))


def test_a_pair_is_its_two_layers_run_apart_and_joined():
    net = nets.bidirectional(np.random.default_rng(35))
    x = np.random.default_rng(36).normal(size=(2, 11, 3))
    forward, reverse = (
        Network((replace(layer, reverse=False, beside=False),)).run(x[:, ::turn])
        for layer, turn in zip(net.layers, (1, -1), strict=True)
    )
    joined = np.concatenate((forward.out, reverse.out[:, ::-1]), axis=2)
    assert np.abs(net.run(x).out - net.readout.run(joined)).max() < 1e-15


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_last_is_the_last_of_every_and_final_each_layers_own(make):
    net = replace(make(np.random.default_rng(37)), output="every")
    x = np.random.default_rng(38).normal(size=(3, 8, 3))
    every = net.run(x)
    last, final = (replace(net, output=output).run(x) for output in ("last", "final"))
    assert np.array_equal(last.out, every.out[:, -1:])
    own = [
        every.get("y", k)[:, :1] if net.layers[k].reverse else every.get("y", k)[:, -1:]
        for k in net.stages[-1]
    ]
    y = np.concatenate(own, axis=2)
    assert np.abs(final.out - (net.readout.run(y) if net.readout else y)).max() < 1e-15
    backwards = any(net.layers[k].reverse for k in net.stages[-1])
    assert np.array_equal(final.out, last.out) != backwards
    assert replace(net, output="final").output == ("final" if backwards else "last")
    for trace in (last, final):  # layers keep all their steps
        for name, values in every.layers[-1].items():
            assert np.array_equal(trace.get(name), values)


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_a_batch_is_its_sequences_one_by_one(make):
    net = make(np.random.default_rng(39))
    x = np.random.default_rng(40).normal(size=(4, 7, 3))
    batch = net.run(x)
    for n in range(4):
        single = net.run(x[n])
        for (name, values), (_, want) in zip(single.signals(), batch.signals(), strict=True):
            assert np.abs(values - want[n]).max() < 1e-14, name
        for one, many in zip(single.state, batch.state, strict=True):
            assert np.abs(one.s - many.s[n]).max() < 1e-14
            assert np.abs(one.y - many.y[n]).max() < 1e-14


@pytest.mark.parametrize("batch", [(), (3,)], ids=["one sequence", "batch"])
@pytest.mark.parametrize("output", ["every", "last"])
def test_a_state_carried_over_is_one_long_run(output, batch):
    """Forward layers of every option; the state that a run starts from is taken once only."""
    net = replace(nets.every_option(np.random.default_rng(41)), output=output)
    x = np.random.default_rng(42).normal(size=(*batch, 30, 3))
    whole, state, parts = net.run(x), None, []
    for cut in (slice(0, 1), slice(1, 13), slice(13, 30)):
        parts.append(net.run(x[..., cut, :], state))
        state = parts[-1].state
    for k, layer in enumerate(whole.layers):
        for name, values in layer.items():
            joined = np.concatenate([part.get(name, k) for part in parts], axis=-2)
            assert np.abs(values - joined).max() < 1e-14, name
    wanted = parts if output == "every" else parts[-1:]
    joined = np.concatenate([part.out for part in wanted], axis=-2)
    assert np.abs(whole.out - joined).max() < 1e-14
    fresh = net.run(x[..., 1:13, :])
    assert np.abs(fresh.get("s") - parts[1].get("s")).max() > 1e-3  # the state does matter


def test_stages():
    assert nets.both_ways(np.random.default_rng(43)).stages == ((0, 1), (2,), (3, 4))
    pair = nets.bidirectional(np.random.default_rng(43), projection=2)
    assert (pair.stages, pair.inputs, pair.outputs) == (((0, 1),), 3, 2)
    assert replace(pair, head=()).outputs == 4


def test_stages_that_do_not_fit():
    rng = np.random.default_rng(44)
    one, reverse = nets.layer(rng, 3, 4), nets.layer(rng, 3, 2, reverse=True)
    beside = replace(reverse, beside=True)
    refusals = {
        "layer 0: beside another layer, but it is the first": (beside,),
        "layer 1: must be beside one layer, a forward one": (reverse, beside),
        "layer 2: must be beside one layer, a forward one": (one, beside, beside),
        "layer 1: 2 inputs, the network has 3 inputs": (
            one,
            nets.layer(rng, 2, 2, reverse=True, beside=True),
        ),
        "layer 2: 4 inputs, layer 0 and 1 has 6 cells": (one, beside, nets.layer(rng, 4, 1)),
        "layer 1: 3 inputs, layer 0 has 2 cells": (
            nets.layer(rng, 3, 4, projection=2),
            nets.layer(rng, 3, 1),
        ),
    }
    for message, layers in refusals.items():
        with pytest.raises(ModelError) as caught:
            Network(layers)
        assert str(caught.value) == message
    with pytest.raises(ModelError, match="readout weights: 4 columns, layer 0 and 1 has 6 cells"):
        Network((one, beside), nets.readout(rng, 4, 1))
    with pytest.raises(ModelError, match="output 'first': allowed are every, last, final"):
        Network((one,), output="first")

"""Networks: batches, states carried on, stacking, readouts, and inputs that do not fit."""

from dataclasses import replace

import numpy as np
import pytest

from golden import Dense, InputError, LayerState, ModelError, Network, cell, mismatches
from tests.golden import nets

MAKERS = {**nets.KINDS, "deep": nets.deep}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_state_carried_between_calls_equals_one_run(make):
    rng = np.random.default_rng(21)
    net, x = make(rng), rng.normal(size=(30, 3))
    whole = net.run(x)
    state, at = None, 0
    for length in (1, 12, 17):
        part = net.run(x[at : at + length], state)
        for (name, values), (_, want) in zip(part.signals(), whole.signals(), strict=True):
            assert np.abs(values - want[at : at + length]).max() < 1e-14, name
        state, at = part.state, at + length
    assert at == len(x)


@pytest.mark.parametrize("many", (1, 15, 16))
def test_however_many_inputs_are_summed_at_a_time(monkeypatch, many):
    """One step, several and some left over, or all: every bit stays."""
    rng = np.random.default_rng(23)
    net, x = nets.deep(rng), rng.normal(size=(2, 8, 3))
    whole = net.run(x)
    monkeypatch.setattr(cell, "AT_ONCE", many)
    part = net.run(x)
    for (name, values), (_, want) in zip(part.signals(), whole.signals(), strict=True):
        assert np.array_equal(values, want), name


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_batch_equals_singles(make):
    rng = np.random.default_rng(22)
    net, x = make(rng), rng.normal(size=(5, 20, 3))
    batch = net.run(x)
    for n in range(5):
        single = net.run(x[n])
        for (name, values), (_, want) in zip(single.signals(), batch.signals(), strict=True):
            assert values.shape == want.shape[1:]
            assert np.abs(values - want[n]).max() < 1e-14, name
    again = net.run(x[:, :7], batch.state)
    alone = net.run(x[2, :7], tuple(LayerState(k.s[2], k.y[2], k.gates[2]) for k in batch.state))
    assert np.abs(again.out[2] - alone.out).max() < 1e-14


def test_layers_stack_and_the_readout_sees_the_last_y():
    rng = np.random.default_rng(23)
    one, two = nets.layer(rng, 3, 4), nets.layer(rng, 4, 2)
    (dense,) = nets.readout(rng, 2, 3)
    net, x = Network((one, two), (dense,)), rng.normal(size=(9, 3))
    below = Network((one,)).run(x)
    above = Network((two,)).run(below.out)
    trace = net.run(x)
    assert np.array_equal(trace.get("y", 0), below.get("y"))
    assert np.abs(trace.get("s") - above.get("s")).max() < 1e-15
    out = 1 / (1 + np.exp(-(above.out @ dense.weights.T + dense.biases)))
    assert np.abs(trace.out - out).max() < 1e-15
    assert (net.inputs, net.outputs, Network((one, two)).outputs) == (3, 3, 2)


def test_each_dense_stage_sees_the_one_before():
    """Three with different squashes, each against its own equation; the inner ones are shown."""
    rng = np.random.default_rng(25)
    net, x = nets.headed(rng), rng.normal(size=(2, 9, 2))
    trace, y = net.run(x), Network(net.layers).run(x).out
    named = dict(trace.signals())
    for name, stage, squash in zip(
        ("1.dense", "2.dense", "out"),
        net.head,
        (np.tanh, lambda a: a, lambda a: 1 / (1 + np.exp(-a))),
        strict=True,
    ):
        y = squash(y @ stage.weights.T + stage.biases)
        assert np.abs(named[name] - y).max() < 1e-15
    assert list(named)[-3:] == ["1.dense", "2.dense", "out"]
    assert trace.get("dense", 2) is trace.dense[1] is trace.get("dense")
    assert net.readout is net.head[2] and net.outputs == 3
    last = replace(net, output="last").run(x)
    assert [values.shape for values in (*last.dense, last.out)] == [(2, 1, 4), (2, 1, 2), (2, 1, 3)]


def test_a_run_changes_neither_its_input_nor_its_state():
    rng = np.random.default_rng(24)
    net, x = nets.paper_1997(rng), rng.normal(size=(2, 8, 3))
    state = net.run(x).state
    before = [x.copy(), *(v.copy() for k in state for v in (k.s, k.y, k.gates))]
    net.run(x, state)
    after = [x, *(v for k in state for v in (k.s, k.y, k.gates))]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_whole_numbers_and_lists_are_inputs_too():
    net = nets.forget(np.random.default_rng(25))
    x = [[1, 0, -1], [0, 2, 0]]
    assert mismatches(net.run(x), net.run(np.array(x, dtype=np.float64))) == dict.fromkeys(
        ("0.i", "0.f", "0.o", "0.g", "0.s", "0.y", "out"), 0
    )


BAD_INPUTS = {
    "one dimension": (np.zeros(3), r"shape \(3,\), must be \(T, 3\) or \(N, T, 3\)"),
    "four dimensions": (np.zeros((1, 1, 1, 3)), "shape"),
    "width": (np.zeros((4, 2)), r"shape \(4, 2\)"),
    "no steps": (np.zeros((0, 3)), r"shape \(0, 3\)"),
    "no sequences": (np.zeros((0, 4, 3)), r"shape \(0, 4, 3\)"),
    "text": (np.full((4, 3), "a"), "must be real numbers"),
    "objects": (np.full((4, 3), None), "must be real numbers"),
    "complex": (np.zeros((4, 3), complex), "complex128, must be real"),
    "ragged": ([[1.0, 2.0, 3.0], [1.0]], "different lengths"),
    "nan": (np.array([[0.0, 0.0, np.nan]]), r"input\[0, 2\]: nan"),
    "infinite": (np.array([[[0.0, -np.inf, 0.0]]]), r"input\[0, 0, 1\]: -inf"),
}


@pytest.mark.parametrize(("x", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_inputs_that_do_not_fit(x, message):
    with pytest.raises(InputError, match=message) as caught:
        nets.forget(np.random.default_rng(26)).run(x)
    assert "\n" not in str(caught.value)


def test_states_that_do_not_fit():
    net = nets.deep(np.random.default_rng(27))
    x = np.zeros((2, 4, 3))
    state = net.run(x).state
    with pytest.raises(InputError, match="state: 2 layers, the network has 3"):
        net.run(x, state[:2])
    with pytest.raises(InputError, match=r"state of layer 0, s: shape \(2, 4\), must be \(3, 4\)"):
        net.run(np.zeros((3, 4, 3)), state)
    with pytest.raises(InputError, match=r"state of layer 0, s: shape \(2, 4\), must be \(4,\)"):
        net.run(x[0], state)
    with pytest.raises(InputError, match="must be a tuple with a LayerState for each layer"):
        net.run(x, np.zeros((3, 4)))


@pytest.mark.parametrize(
    "name", ["", "../up", "/a", ".hidden", "-o", "two words", "a\nb", "a" * 101]
)
def test_names_that_are_no_file_names(name):
    """A name from a model file becomes a folder's name and a line of Verilog."""
    layers = nets.deep(np.random.default_rng(29)).layers
    with pytest.raises(ModelError, match="must be up to 100 letters, digits") as caught:
        Network(layers, name=name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="made_by .* must be one printable line"):
        Network(layers, made_by="one\ntwo")
    assert Network(layers, name="Net_1.b-2", made_by="train --seed 1").name == "Net_1.b-2"


def test_networks_that_do_not_fit():
    rng = np.random.default_rng(28)
    one = nets.layer(rng, 3, 4)
    with pytest.raises(ModelError, match="no layers"):
        Network(())
    with pytest.raises(ModelError, match="layer 1: 5 inputs, layer 0 has 4 cells"):
        Network((one, nets.layer(rng, 5, 2)))
    with pytest.raises(ModelError, match="readout weights: 3 columns, layer 0 has 4 cells"):
        Network((one,), nets.readout(rng, 3, 1))
    with pytest.raises(ModelError, match="readout weights: 3 columns, dense 0 has 2 outputs"):
        Network((one,), nets.readout(rng, 4, 2) + nets.readout(rng, 3, 1))
    with pytest.raises(ModelError, match="head: Dense, must be a tuple of dense stages"):
        Network((one,), nets.readout(rng, 4, 2)[0])
    with pytest.raises(ModelError, match="'elu': allowed are sigma, tanh"):
        nets.readout(rng, 3, 1, "elu")
    with pytest.raises(ModelError, match=r"dense weights: shape \(0, 4\)"):
        Dense(np.zeros((0, 4)), np.zeros(0))
    with pytest.raises(ModelError, match=r"dense biases: shape \(3,\), must be \(2,\)"):
        Dense(np.zeros((2, 4)), np.zeros(3))

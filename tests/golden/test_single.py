"""A run in float32: every number of it is one, and it is what onnxruntime gives."""

import numpy as np
import onnx
import pytest

from golden import Layer, LayerState, Network
from golden.exporters.onnx import save_onnx
from golden.squash import SQUASHES
from tests.golden import nets
from tests.golden.exporters.test_onnx import random_network
from tests.golden.importers import onnx_models


@pytest.mark.parametrize("make", [*nets.KINDS.values(), nets.every_option])
def test_every_signal_and_state_is_float32(make):
    """And is that of float64 but for float32's rounding, which is there."""
    rng = np.random.default_rng(31)
    net, x = make(rng), rng.normal(size=(2, 40, 3))
    one, both = net.run(x, single=True), net.run(x)
    for (name, values), (_, want) in zip(one.signals(), both.signals(), strict=True):
        assert values.dtype == np.float32 and want.dtype == np.float64, name
        assert 0 < np.abs(values - want).max() < 1e-5, name
    for state in one.state:
        assert {part.dtype for part in (state.s, state.y, state.gates)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_onnxruntime_computes(seed, tmp_path):
    """Random networks of every kind that ONNX can say, over 60 steps, to a few float32 LSB."""
    net, rng = random_network(seed)
    path = tmp_path / "net.onnx"
    save_onnx(net, path)
    x = rng.normal(size=(2, 60, net.inputs)).astype(np.float32)
    want = np.asarray(onnx_models.run(onnx.load(path), x))
    found = net.run(x, single=True).out
    assert found.dtype == want.dtype == np.float32
    assert found.size == want.size
    want = want.reshape(found.shape)  # one step has no axis of its own there
    assert np.abs(found - want).max() < 2e-5 * max(1.0, float(np.abs(want).max()))


def integrator(drift: float) -> Network:
    """One 1997 cell that adds `drift` to its state at every step, whatever comes."""
    zero = {kind: np.zeros((1, 2)) for kind in "iog"}
    biases = {"i": np.array([40.0]), "o": np.zeros(1), "g": np.array([drift])}
    return Network((Layer(zero, biases, g="identity", h="identity"),))


def test_a_step_below_half_an_lsb_of_float32_is_lost_as_in_onnxruntime(tmp_path):
    """1 + 2^-25 is 1 in float32, a thousand times; float64 adds it up."""
    net, path = integrator(2.0**-25), tmp_path / "net.onnx"
    start = (LayerState(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 2))),)
    x = np.zeros((1, 1000, 1))
    assert (net.run(x, start, single=True).get("s") == 1.0).all()
    assert net.run(x, start).get("s")[0, -1, 0] == 1.0 + 1000 * 2.0**-25
    (layer,) = net.layers
    one = Layer(layer.weights, layer.biases, g="identity", h="identity", initial={"s": np.ones(1)})
    save_onnx(Network((one,)), path)
    y = np.asarray(onnx_models.run(onnx.load(path), x.astype(np.float32)))
    assert (y == 0.5).all()  # o = 1/2 times a state that is 1 still


@pytest.mark.parametrize("name", SQUASHES)
def test_squashing_functions_do_not_overflow(name):
    far = np.array([-3e38, -1e4, -100.0, 0.0, 100.0, 3e38], np.float32)
    values = SQUASHES[name](far)
    assert values.dtype == np.float32
    want = np.array([SQUASHES[name](a) for a in far.astype(np.float64)])
    assert np.allclose(values, want, rtol=1e-6, atol=1e-30)

"""Integer against float: one step within theory's bound, a known LSTM within its figures."""

import numpy as np
import pytest

from fixedpoint import compare, quantize
from golden import LayerState
from tests.data import torch_lstm as torch_lstm_data
from tests.fixedpoint.nets import forget_network, paper_network, shared


@pytest.fixture(scope="module")
def torch_lstm():
    return torch_lstm_data.load()


def test_the_float_model_is_torch(torch_lstm):
    net, data = torch_lstm
    out = net.run(data["input"]).out
    np.testing.assert_allclose(out, data["output"], rtol=0, atol=1e-6)  # torch in float32
    np.testing.assert_allclose(out, data["output64"], rtol=0, atol=1e-13)


@pytest.mark.parametrize("calibration", ["input", "calibration"])
@pytest.mark.parametrize(("bits", "rmse", "most"), [(16, 1.5e-4, 4.5e-4), (8, 2e-2, 6e-2)])
def test_error_on_a_known_lstm(torch_lstm, calibration, bits, rmse, most):
    """Formats chosen from the same input, and from another drawn from the same distribution."""
    net, data = torch_lstm
    qnet = quantize(net, bits=bits, calibrate=data[calibration])
    codes, _ = qnet.encode(data["input"])
    error = qnet.run(codes).value("out") - data["output"]
    assert np.sqrt(np.mean(error**2)) < rmse
    assert np.abs(error).max() < most


def test_the_error_of_a_known_lstm_does_not_grow_with_time(torch_lstm):
    net, data = torch_lstm
    qnet = quantize(net, bits=16, calibrate=data["input"])
    fixed = qnet.run(qnet.encode(data["input"])[0])
    blocks = compare(net.run(data["input"]), fixed, 25).signals["out"].over_time
    assert len(blocks) == 4 and max(b.rmse for b in blocks) < 1.5e-4


@pytest.mark.parametrize("bits", [4, 6, 8, 12, 16, 20])
@pytest.mark.parametrize("network", [forget_network, paper_network])
def test_one_step_from_any_state_is_within_the_bound(network, bits):
    """From the same state and input, every signal of one step is off by no more than its roundings.

    Half an LSB for each rounding, 1 LSB for sigma, each passed on by the largest slope on its way
    (sigma' <= 1/4), and half an LSB of every weight times the source that it multiplies.
    """
    net, x = network()
    qnet = quantize(net, shared(net, bits, x))
    rng = np.random.default_rng(bits)
    before, codes = _random_state(qnet, rng, 400), _random_input(qnet, rng, 400)
    fixed = qnet.run(codes[:, None], before)
    assert fixed.saturations["0.s"] == 0
    (form,) = qnet.formats.layers
    (state,) = before
    start = LayerState(
        form.s.decode(state.s), form.y.decode(state.y), form.gate.decode(state.gates)
    )
    inputs = qnet.formats.decode(codes)
    real = net.run(inputs[:, None], (start,))
    bound = _one_step_bounds(qnet, inputs, start, real)
    for name in (*qnet.layers[0].shape.gates, "g", "s", "y"):
        error = np.abs(fixed.value(name)[:, 0] - real.get(name)[:, 0])
        assert (error <= bound[name] * (1 + 1e-9)).all(), name
        assert error.max() > 0.05 * bound[name].min(), f"{name}: a bound far too wide shows nothing"


def _random_state(qnet, rng, count):
    """Codes over the formats' ranges; the state over the half that cannot saturate in a step."""
    (layer,) = qnet.layers
    zero, form = layer.initial_state(count), layer.formats
    s = rng.integers(form.s.low // 4, form.s.high // 4, zero.s.shape)
    y = rng.integers(-form.y.high // 2, form.y.high // 2, zero.y.shape)
    gates = rng.integers(0, form.gate.one, zero.gates.shape, endpoint=True)
    return (LayerState(s, y, gates),)


def _random_input(qnet, rng, count):
    form = qnet.formats.input
    return rng.integers(form.low, form.high, (count, qnet.inputs), endpoint=True)


def _one_step_bounds(qnet, inputs, start, real):
    """Bound of |error| by signal, (N, width), from LSBs and slopes alone."""
    (layer,) = qnet.layers
    form, sigma = layer.formats, qnet.formats.sigma.lsb
    sources = {"x": inputs, "y": start.y, "gates": start.gates}
    net = 0.5 * 2.0**-layer.sums.frac  # the bias
    for name, weight in form.weights.items():
        net = net + 0.5 * weight.lsb * np.abs(sources[name]).sum(axis=1, keepdims=True)

    def squashed(unit, argument):
        """A squash of an argument that is off by `argument` before it is rounded."""
        function = unit.squash
        slope = function.scale * function.slope / 4
        return slope * (argument + unit.net.lsb / 2) + function.scale * sigma + unit.target.lsb / 2

    gate, g = squashed(layer.gate, net), squashed(layer.g, net)
    i, o = (real.get(name)[:, 0] for name in "io")
    size = layer.shape.block_size
    spread = lambda values: np.repeat(values, size, axis=1)  # noqa: E731  a block's gate to its cells
    bound = {"i": gate + 0 * i, "f": gate + 0 * i, "o": gate + 0 * i}
    g_real, g = np.abs(real.get("g")[:, 0]), g + 0 * real.get("g")[:, 0]
    bound["g"] = g
    bound["s"] = spread(bound["i"]) * (g_real + g) + spread(i) * g + form.s.lsb / 2
    if "f" in layer.shape.gates:
        bound["s"] = bound["s"] + gate * np.abs(start.s) + form.s.lsb / 2
    h_real = np.abs(layer.h.squash(real.get("s")[:, 0]))
    h = squashed(layer.h, bound["s"])
    bound["y"] = spread(bound["o"]) * (h_real + h) + spread(o) * h + form.y.lsb / 2
    return bound

"""Formats chosen from data: they hold what was seen, with room to grow, and lose no weight."""

import importlib
import sys

import numpy as np
import pytest

from fixedpoint import Format, FormatError, choose_formats, quantize
from fixedpoint.calibration import HEADROOM, Part, Seen
from fixedpoint.clipping import clipped
from fixedpoint.fitting import formats_of
from fixedpoint.rule import Rule
from golden import InputError, Network
from golden.squash import SQUASHES, squash
from tests.fixedpoint.nets import forget_network, random_network, shared
from tests.fixedpoint.nets import layer as make_layer
from tests.golden.nets import ONE_ENDED


@pytest.mark.parametrize("bits", [4, 6, 8, 12, 16, 20])
@pytest.mark.parametrize("seed", range(24))
def test_formats_fit_the_network_and_its_data(bits, seed):
    rng = np.random.default_rng(seed)
    net, inputs = random_network(rng)
    x = rng.normal(0, 1, (2, 30, inputs)) * 10.0 ** rng.integers(-2, 3)
    seen = Seen.measure(net, x)
    widths = clipped(net, Rule(bits).widths(net, seen), seen, [Part(x)])
    forms = choose_formats(net, bits, x)
    assert forms == formats_of(net, widths, seen)
    trace = net.run(x)
    room = HEADROOM * np.abs(x).max() / 2**widths.clip
    assert forms.input.holds(room) and forms.input.width == bits
    for k, (layer, form) in enumerate(zip(net.layers, forms.layers, strict=True)):
        s = np.abs(trace.get("s", k)).max()
        assert form.s.holds(HEADROOM * s) and form.s.holds(-HEADROOM * s)
        assert form.gate.high * form.gate.lsb > 1.0 and form.gate.width == widths.gate - 1
        for name, function in (("g", squash(layer.g)), ("h", squash(layer.h))):
            if function.bounded:
                assert all(form.signal(name).holds(end) for end in function.ends)
        for name in ("m", "y") if layer.projection is not None else ("y",):
            assert form.signal(name).holds(np.abs(trace.get(name, k)).max())
        for name, values in layer.initial.items():
            assert all(form.signal(name).holds(value) for value in values)
        wide = {source: weights.width for source, weights in form.weights.items()}
        assert wide.pop("s", bits) in range(bits, 33)  # peepholes have a multiplier of their own
        assert {*wide.values(), form.y.width} == {bits}
        assert (form.g.width, form.h.width, form.s.width) == (widths.g, widths.h, widths.s)
    qnet = quantize(net, forms)
    assert qnet.saturated_weights == 0
    run = qnet.run(qnet.encode(x)[0])
    if bits >= 12:
        ends = (".s", ".m", ".y", "out")
        assert not any(n for name, n in run.saturations.items() if name.endswith(ends))


@pytest.mark.parametrize(("scale", "frac"), [(1e-3, 15), (0.9, 14), (30.0, 9)])
def test_a_single_end_has_room_and_so_has_what_was_seen(scale, frac, monkeypatch):
    """The identity up to 0.75: 16 bits hold that at least, and twice the largest value seen."""
    monkeypatch.setitem(SQUASHES, "capped", ONE_ENDED["capped"])
    rng = np.random.default_rng(4)
    net = Network((make_layer(rng, 2, 2, g="capped"),))
    net.layers[0].weights["g"][:] = [[-scale, 0, 0, 0], [0, 0, 0, 0]]
    net.layers[0].biases["g"][:] = 0.0
    forms = choose_formats(net, 12, np.ones((1, 5, 2)))
    assert forms.layers[0].g == Format(16, frac)


def test_weights_use_their_bits():
    """The finest scale that a row's sources can share: one of them could not take a bit more."""
    net, x = forget_network()
    forms = shared(net, 10, x)
    (layer,), (form,) = net.layers, forms.layers
    largest = {
        source: max(np.abs(layer.weights[kind][:, cut]).max() for kind in "ifog")
        for source, cut in layer.shape.columns.items()
    }
    fill = {source: largest[source] / form.weights[source].lsb for source in largest}
    assert any(2**8 <= value < 2**9 for value in fill.values())


def test_saturated_weights_are_counted():
    net, x = forget_network()
    forms = choose_formats(net, 10, x)
    net.layers[0].weights["g"][0, :2] = 1000.0
    assert quantize(net, forms).saturated_weights == 2


def test_calibration_that_does_not_fit_is_refused():
    net, x = forget_network()
    with pytest.raises(InputError, match=r"input: shape \(3, 40, 3\), must be"):
        quantize(net, bits=8, calibrate=x[:, :, :3])


def test_more_bits_never_make_it_much_worse():
    """The error falls with every bit; over 14 bits by about 14 times 6 dB."""
    net, x = forget_network()
    want = net.run(x).out
    rmse = []
    for bits in range(6, 21):
        qnet = quantize(net, bits=bits, calibrate=x)
        rmse.append(np.sqrt(np.mean((qnet.run(qnet.encode(x)[0]).value("out") - want) ** 2)))
    assert all(after < before for before, after in zip(rmse, rmse[1:], strict=False))
    assert 2.0**12 < rmse[0] / rmse[-1] < 2.0**16


def test_one_of_formats_and_data_is_needed():
    with pytest.raises(FormatError):
        quantize(forget_network()[0])


def test_training_without_torch_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "fixedpoint.aware", raising=False)
    said = r"training in fixed point needs torch: .* -m pip install 'carousel-lstm\[torch\]'"
    with pytest.raises(FormatError, match=said):
        importlib.import_module("fixedpoint.aware")

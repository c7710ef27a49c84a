"""Integer networks with layers in reverse and side by side, against runs joined by hand."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import FormatError, choose_formats, quantize
from fixedpoint.formats import Format
from golden import Dense, InputError, LayerState, Network
from tests.fixedpoint.nets import layer, random_codes
from tests.fixedpoint.test_cell import assert_equals_oracle

PARTS = ("s", "y", "gates")


def calibration(seed=0, inputs=3):
    return np.random.default_rng(seed).normal(0, 1, (3, 40, inputs))


def pair(seed=0, **options):
    """A forward and a reverse layer side by side with a readout of both."""
    rng = np.random.default_rng(seed)
    forward = layer(rng, 3, 4, **options)
    reverse = layer(rng, 3, 3, reverse=True, beside=True, **options)
    width = forward.shape.outputs + reverse.shape.outputs
    return Network((forward, reverse), (Dense(rng.normal(0, 1, (2, width)), np.zeros(2)),))


def stacked(seed=0):
    """Forward layers with every option, one on the other."""
    rng = np.random.default_rng(seed)
    first = layer(rng, 3, 4, peepholes=True, projection=3, initial=("s", "y"), gate="hard")
    second = layer(rng, 3, 4, kinds="io", coupled=True, clip={"gate": (-1.5, 2.0)})
    return Network((first, second), (Dense(rng.normal(0, 1, (2, 4)), np.zeros(2)),))


def test_a_reverse_layer_is_the_forward_one_on_the_reversed_codes():
    rng = np.random.default_rng(1)
    forward = Network((layer(rng, 3, 4, peepholes=True, initial=("s", "y")),))
    reverse = Network((replace(forward.layers[0], reverse=True),))
    forms = choose_formats(forward, 11, calibration())
    one, other = quantize(forward, forms), quantize(reverse, forms)
    codes = random_codes(rng, one, 2, 30)
    a, b = one.run(codes[:, ::-1]), other.run(codes)
    for name, values in a.layers[0].items():
        np.testing.assert_array_equal(b.get(name), values[:, ::-1], name)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(a.state[0], part), getattr(b.state[0], part))
    assert a.saturations == b.saturations


@pytest.mark.parametrize("output", ["every", "last", "final"])
def test_a_pair_is_its_layers_run_apart_and_joined(output):
    """The two y side by side are what the readout sees, at the step that counts for each."""
    net = replace(pair(), output=output)
    qnet = quantize(net, bits=11, calibrate=calibration())
    codes = random_codes(np.random.default_rng(2), qnet, 30)
    trace = qnet.run(codes)
    apart, own = [], []
    for built, real, turn in zip(qnet.layers, net.layers, (1, -1), strict=True):
        shape = replace(built.shape, reverse=False, beside=False)
        alone = replace(qnet, layers=(replace(built, shape=shape),), head=(), output="every")
        part = replace(alone, formats=replace(qnet.formats, head=())).run(codes[::turn])
        apart.append(part.get("y")[::turn])
        own.append(part.get("y")[-1:])
        assert real.reverse == (turn < 0)
    rows = {"every": apart, "last": [y[-1:] for y in apart], "final": own}[output]
    dense, form = qnet.readout, qnet.formats
    y = np.hstack(rows)
    total = y @ dense.weights.T + dense.biases
    shift = form.readout.weights.frac + form.layers[0].y.frac - form.readout.out.frac
    want = np.clip((total + 2 ** (shift - 1)) >> shift, form.readout.out.low, form.readout.out.high)
    np.testing.assert_array_equal(trace.out, want)
    np.testing.assert_array_equal(np.hstack([trace.get("y", k) for k in (0, 1)]), np.hstack(apart))
    assert_equals_oracle(net, qnet, codes)


@pytest.mark.parametrize("output", ["every", "last"])
@pytest.mark.parametrize("batch", [(), (3,)], ids=["one sequence", "batch"])
def test_a_state_carried_over_is_one_long_run(output, batch):
    """In chunks, forward layers with every option; the states to start from are taken once."""
    net = replace(stacked(), output=output)
    qnet = quantize(net, bits=10, calibrate=calibration())
    assert qnet.layers[0].initial.s.any() and qnet.layers[0].initial.y.any()
    codes = random_codes(np.random.default_rng(3), qnet, *batch, 400)
    whole, state, parts = qnet.run(codes), None, []
    for cut in (slice(0, 1), slice(1, 290), slice(290, 400)):
        parts.append(qnet.run(codes[..., cut, :], state))
        state = parts[-1].state
    for k, signals in enumerate(whole.layers):
        for name, values in signals.items():
            joined = np.concatenate([part.get(name, k) for part in parts], axis=-2)
            np.testing.assert_array_equal(values, joined, f"layer {k} {name}")
    wanted = parts if output == "every" else parts[-1:]
    np.testing.assert_array_equal(whole.out, np.concatenate([p.out for p in wanted], axis=-2))
    for one, other in zip(whole.state, state, strict=True):
        for part in PARTS:
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    for name, count in whole.saturations.items():
        if name != "out" or output == "every":
            assert count == sum(part.saturations[name] for part in parts)


def test_the_states_to_start_from_are_the_nearest_codes():
    net = stacked()
    qnet = quantize(net, bits=10, calibrate=calibration())
    form, given = qnet.formats.layers[0], net.layers[0].initial
    state = qnet.initial_state(2)[0]
    for part, number in (("s", form.s), ("y", form.y)):
        codes = getattr(state, part)
        assert codes.shape == (2, len(given[part])) and (codes[0] == codes[1]).all()
        assert np.abs(codes[0] - given[part] / number.lsb).max() <= 0.5
    assert not state.gates.any() and not qnet.initial_state(1)[1].s.any()


@pytest.mark.parametrize("part", ["s", "y"])
def test_a_state_to_start_from_that_does_not_fit_is_refused(part):
    """Chosen formats hold it; narrower ones do not, and it is not saturated in silence."""
    net = stacked()
    net.layers[0].initial[part][1] = -300.0
    forms = choose_formats(net, 10, calibration())
    assert quantize(net, forms).initial_state(1)
    narrow = replace(forms.layers[0], **{part: Format(10, 5)})
    frac = narrow.weights["x"].frac + forms.input.frac
    sources = {"x": forms.input, "y": narrow.y, "s": narrow.s}
    weights = {name: Format(20, frac - form.frac) for name, form in sources.items()}
    narrow = replace(narrow, weights={**narrow.weights, **weights})
    layers = (narrow, *forms.layers[1:])
    if part == "y":  # the second layer's input is as coarse
        second = forms.layers[1]
        total = second.weights["y"].frac + second.y.frac
        weights = {"x": Format(20, total - narrow.y.frac), "y": second.weights["y"]}
        layers = (narrow, replace(second, weights=weights))
    with pytest.raises(FormatError) as error:
        quantize(net, replace(forms, layers=layers))
    assert str(error.value) == (
        f"layer 0 initial {part}: -300 is outside -16..15.9688 of format s10.5"
    )


def test_joined_outputs_of_two_formats_are_refused():
    net = pair()
    forms = choose_formats(net, 11, calibration())
    assert forms.layers[0].y == forms.layers[1].y
    one, other = forms.layers
    y = replace(other.y, frac=other.y.frac - 1)
    weights = {**other.weights, "y": replace(other.weights["y"], frac=other.weights["y"].frac + 1)}
    mixed = replace(forms, layers=(one, replace(other, y=y, weights=weights)))
    with pytest.raises(FormatError) as error:
        quantize(net, mixed)
    assert str(error.value) == (
        f"layers 0 and 1: y of {one.y} and {y}, must be the same format, because they are joined"
    )


def test_joined_outputs_take_the_coarser_of_their_formats():
    """A pair whose reverse layer alone has a linear h: both y are held."""
    net = pair()
    linear = replace(net.layers[1], h="identity", biases={**net.layers[1].biases})
    linear.biases["g"][:] = 30.0
    linear.biases["f"][:] = linear.biases["i"][:] = linear.biases["o"][:] = 9.0
    net = replace(net, layers=(net.layers[0], replace(linear, g="identity")))
    x = calibration()
    qnet, trace = quantize(net, bits=12, calibrate=x), net.run(x)
    ys = [np.abs(trace.get("y", k)).max() for k in (0, 1)]
    form = qnet.formats.layers[0].y
    assert form == qnet.formats.layers[1].y and ys[0] <= 1 < 200 < ys[1]
    assert form.holds(ys[1])


def test_a_state_of_the_wrong_width_is_refused_for_a_projection():
    """y of the state is as wide as the projection, not as the cells."""
    qnet = quantize(stacked(), bits=10, calibrate=calibration())
    codes = random_codes(np.random.default_rng(4), qnet, 5)
    first, second = qnet.run(codes).state
    assert first.s.shape == (4,) and first.y.shape == (3,)
    wide = LayerState(first.s, first.s, first.gates)
    with pytest.raises(InputError, match=r"state of layer 0, y: shape \(4,\), must be \(3,\)"):
        qnet.run(codes, (wide, second))

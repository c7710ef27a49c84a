"""The integer network's contract: codes in, codes out, their meaning, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import quantize
from golden import Dense, InputError, LayerState, Network
from tests.fixedpoint.nets import forget_network, layer, paper_network, random_codes, uniform


@pytest.fixture
def qnet():
    net, x = paper_network()
    return quantize(net, uniform(net, 10, x))


def refusal(qnet, *args):
    with pytest.raises(InputError) as error:
        qnet.run(*args)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "shape", [(3,), (5, 4), (2, 5, 4), (0, 3), (2, 0, 3), (0, 5, 3), (1, 2, 5, 3)]
)
def test_codes_of_another_shape_are_refused(qnet, shape):
    assert refusal(qnet, np.zeros(shape, int)).startswith(
        f"input: shape {shape}, must be (T, 3) or"
    )


@pytest.mark.parametrize("dtype", [float, bool, complex, "U3", object])
def test_codes_that_are_not_integers_are_refused(qnet, dtype):
    message = refusal(qnet, np.zeros((5, 3), dtype))
    assert message == f"input codes: type {np.dtype(dtype)}, must be integers"


@pytest.mark.parametrize("code", [-513, 512, 2**62])
def test_codes_out_of_range_are_refused_with_their_place(qnet, code):
    codes = np.zeros((2, 5, 3), int)
    codes[1, 4, 2] = code
    form = qnet.formats.input
    want = f"input code[1, 4, 2]: {code} is outside -512..511 of format {form}"
    assert refusal(qnet, codes) == want


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint8, np.uint64])
def test_any_integer_type_will_do(qnet, dtype):
    codes = np.arange(15).reshape(5, 3)
    np.testing.assert_array_equal(qnet.run(codes.astype(dtype)).out, qnet.run(codes).out)


def test_a_state_that_does_not_fit_is_refused(qnet):
    codes = np.zeros((2, 5, 3), int)
    state = qnet.run(codes).state
    assert refusal(qnet, codes, ()) == "state: 0 layers, the network has 1"
    small = (LayerState(state[0].s[:, :3], state[0].y, state[0].gates),)
    assert refusal(qnet, codes, small) == "state of layer 0, s: shape (2, 3), must be (2, 4)"
    assert "must be (4,)" in refusal(qnet, codes[0], state)


@pytest.mark.parametrize(
    ("part", "code", "limits"),
    [
        ("s", 512, "-512..511"),
        ("y", -513, "-512..511"),
        ("gates", 257, "0..256"),
        ("gates", -1, "0..256"),
    ],
)
def test_a_state_that_the_hardware_could_not_hold_is_refused(qnet, part, code, limits):
    codes = np.zeros((2, 5, 3), int)
    (state,) = qnet.initial_state(2)
    getattr(state, part)[1, 2] = code
    message = refusal(qnet, codes, (state,))
    assert message.startswith(f"state of layer 0, {part}: code {code} is outside {limits} of ")
    real = LayerState(*(np.zeros_like(v, float) for v in (state.s, state.y, state.gates)))
    assert refusal(qnet, codes, (real,)) == "state of layer 0, s: type float64, must be integers"


def test_values_are_codes_times_lsb(qnet):
    codes = random_codes(np.random.default_rng(0), qnet, 2, 6)
    trace = qnet.run(codes)
    real = trace.real()
    for name, codes_of in trace.signals():
        layer, _, short = name.rpartition(".")
        form = trace.format(short, int(layer or 0))
        assert form.low <= codes_of.min() and codes_of.max() <= form.high
        np.testing.assert_array_equal(dict(real.signals())[name], codes_of * form.lsb)
        np.testing.assert_array_equal(trace.value(short), codes_of * form.lsb)
    np.testing.assert_array_equal(real.state[0].s, trace.value("s")[:, -1])
    np.testing.assert_array_equal(real.state[0].y, trace.value("y")[:, -1])
    assert trace.format("out") == qnet.out_format == qnet.readout.target


def test_without_a_readout_the_output_is_y():
    net, x = forget_network()
    qnet = quantize(net, bits=9, calibrate=x)
    trace = qnet.run(qnet.encode(x)[0])
    np.testing.assert_array_equal(trace.out, trace.get("y"))
    assert qnet.out_format == trace.format("out") == qnet.formats.layers[-1].y
    assert (qnet.inputs, qnet.outputs) == (4, 6) and "out" not in trace.saturations


def test_encoding_counts_saturated_inputs(qnet):
    x = np.zeros((4, 3))
    x[1, 2], x[3, 0] = 1e9, -1e9
    codes, saturated = qnet.encode(x)
    assert saturated == 2 and codes.max() == 511 and codes.min() == -512


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_no_numbers_are_refused(qnet, value):
    x = np.zeros((4, 3))
    x[2, 1] = value
    with pytest.raises(InputError, match=rf"^input\[2, 1\]: {value} is not a finite number$"):
        qnet.encode(x)


def test_shapes_of_one_sequence_and_of_a_batch(qnet):
    one, many = qnet.run(np.zeros((5, 3), int)), qnet.run(np.zeros((2, 5, 3), int))
    assert one.get("i").shape == (5, 2) and many.get("i").shape == (2, 5, 2)
    assert one.get("s").shape == (5, 4) and many.get("s").shape == (2, 5, 4)
    assert one.out.shape == (5, 2) and many.out.shape == (2, 5, 2)
    assert one.state[0].gates.shape == (4,) and many.state[0].gates.shape == (2, 4)
    assert {values.dtype for _, values in many.signals()} == {np.dtype(np.int64)}


def test_the_digest_tells_networks_apart():
    """One LSB of any weight or bias, a format or a squash: another digest; the same numbers in
    other arrays: the same."""
    rng = np.random.default_rng(33)
    below = layer(rng, 3, 2, 2, "io", True, "g1997", "h1997")
    head = (Dense(rng.normal(0, 1, (2, 3)), rng.normal(0, 1, 2), "sigma"),)
    net = Network((below, layer(rng, 4, 3)), head)
    qnet = quantize(net, calibrate=rng.normal(0, 1, (3, 40, 3)))
    found = [qnet.digest()]
    for k, part in enumerate(qnet.layers):
        for field in ("weights", "biases"):
            for kind in part.shape.kinds:
                codes = {key: array.copy() for key, array in getattr(part, field).items()}
                codes[kind].flat[-1] ^= 1
                layers = list(qnet.layers)
                layers[k] = replace(part, **{field: codes})
                found.append(replace(qnet, layers=tuple(layers)).digest())
    for field in ("weights", "biases"):
        codes = getattr(qnet.readout, field).copy()
        codes.flat[0] ^= 1
        found.append(replace(qnet, head=(replace(qnet.readout, **{field: codes}),)).digest())
    form = replace(qnet.formats.input, frac=qnet.formats.input.frac + 1)
    found.append(replace(qnet, formats=replace(qnet.formats, input=form)).digest())
    first = qnet.layers[0]
    found.append(replace(qnet, layers=(replace(first, g=first.h), *qnet.layers[1:])).digest())
    assert len(set(found)) == len(found)
    copied = [
        replace(part, weights={kind: np.asfortranarray(w) for kind, w in part.weights.items()})
        for part in qnet.layers
    ]
    assert replace(qnet, layers=tuple(copied)).digest() == found[0]


def test_the_digest_covers_every_option():
    """A network with an option changed has another one; the same network has the same."""
    options = (
        {},
        {"peepholes": True},
        {"projection": 3},
        {"initial": ("s",)},
        {"initial": ("s", "y")},
        {"clip": {"gate": (-1.0, 1.0)}},
        {"gate": "hard"},
        {"kinds": "io"},
        {"kinds": "io", "coupled": True},
    )

    def digest(**given):
        rng = np.random.default_rng(6)
        net = Network((layer(rng, 2, 3, **given),))
        return quantize(net, calibrate=rng.normal(0, 1, (3, 40, 2))).digest()

    assert [digest(**given) for given in options] == [digest(**given) for given in options]
    assert len({digest(**given) for given in options}) == len(options)


def test_a_decision_is_the_index_of_the_largest_code():
    """Ties go to the lowest; the logits stay to be seen, as the last dense stage."""
    rng = np.random.default_rng(6)
    head = (Dense(rng.normal(size=(5, 2)), np.zeros(5)),)
    net = Network((layer(rng, 3, 2),), head)
    qnet = quantize(net, bits=4, calibrate=rng.normal(size=(2, 20, 3)))
    codes = random_codes(rng, qnet, 2, 30)
    trace, decided = qnet.run(codes), qnet.deciding().run(codes)
    ties = (trace.out == trace.out.max(axis=-1, keepdims=True)).sum(axis=-1)
    assert (ties > 1).any()
    assert decided.out.dtype == np.int64 and (decided.out[..., 0] == trace.out.argmax(-1)).all()
    assert (decided.get("dense", 1) == trace.out).all()
    assert decided.saturations == trace.saturations
    assert (decided.real().dense[-1] == trace.real().out).all()
    assert str(decided.format("out")) == "u3.0" and qnet.deciding().outputs == 1
    assert qnet.digest() != qnet.deciding().digest()

"""No state ever leaves its bound, whatever network, start and input; and the bound is tight."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixedpoint import Format, FormatError, NeverShutError, quantize, shut_gates
from fixedpoint.arithmetic import round_shift, saturate
from fixedpoint.retention.bound import OpenGate, bound, open_gate, shut_range
from fixedpoint.retention.hold import closing, random_state
from fixedpoint.retention.orbit import NEVER, StateMap, orbit
from fixedpoint.retention.ranges import Range, input_between, input_of, symmetric_input, whole_input
from golden import InputError, Layer, Network, load
from golden.tasks import adding
from tests.fixedpoint.nets import (
    forget_network,
    paper_network,
    random_codes,
    random_quantized,
    uniform,
)
from tests.fixedpoint.nets import layer as make_layer

MODELS = Path(__file__).parents[3] / "models"
STEPS = 24


def adversary(rng, qnet, inputs, count=6, steps=STEPS):
    """Codes (count, steps, D) within `inputs` (M, D): at its ends, for good or in turn, or not."""
    case = rng.integers(len(inputs.low), size=(count, steps))
    case[0] = case[0, 0]
    low, high = inputs.low[case], inputs.high[case]
    codes = rng.integers(low, high, endpoint=True)
    for n, (one, other) in enumerate([(low, low), (high, high), (low, high)]):
        codes[n, ::2], codes[n, 1::2] = one[n, ::2], other[n, 1::2]
    corner = rng.integers(2, size=qnet.inputs).astype(bool)
    codes[3] = np.where(corner, low[3], high[3])
    return codes


def random_inputs(rng, qnet):
    """The whole format, a box, or a few vectors."""
    form = qnet.formats.input
    which = rng.integers(3)
    if which == 0:
        return whole_input(qnet)
    if which == 1:
        low, high = sorted(rng.integers(form.low, form.high, 2, endpoint=True).tolist())
        return Range(np.full((1, qnet.inputs), low), np.full((1, qnet.inputs), high))
    return input_of(random_codes(rng, qnet, 3))


def escapes(qnet, inputs, codes, start):
    """How many states of a run (N, T, D) lie outside the span of the bound, at any step."""
    trace, found = qnet.run(codes, start), 0
    lags = tuple(range(1, codes.shape[1] + 1))
    for k, limit in enumerate(bound(qnet, inputs)):
        s = trace.get("s", k)
        s = s[:, ::-1] if qnet.layers[k].shape.reverse else s
        for t, span in enumerate(limit.span(Range(start[k].s, start[k].s), lags)):
            found += np.count_nonzero((s[:, t] < span.low) | (s[:, t] > span.high))
    return found


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(4, 18))
def test_no_state_leaves_its_bound(seed, bits):
    """Any network, any start, adversarial input within any kind of range: at every single step."""
    rng = np.random.default_rng(seed)
    _, qnet = random_quantized(rng, bits)
    inputs = random_inputs(rng, qnet)
    codes = adversary(rng, qnet, inputs)
    start = tuple(random_state(layer, len(codes), rng) for layer in qnet.layers)
    assert escapes(qnet, inputs, codes, start) == 0
    lags = tuple(range(1, STEPS + 1))
    trace = qnet.run(codes, start)
    for k, limit in enumerate(bound(qnet, inputs)):
        s = trace.get("s", k)
        s = s[:, ::-1] if qnet.layers[k].shape.reverse else s
        moved = np.abs(s - start[k].s[:, None]).max(axis=0)
        assert (moved <= limit.drift(lags)).all()


@pytest.mark.parametrize("side", ["lowest", "highest"])
def test_a_bound_one_lsb_too_small_is_caught(side, monkeypatch):
    """The check of the test above sees it."""
    rng = np.random.default_rng(5)
    net, x = paper_network()
    qnet = quantize(net, bits=12, calibrate=x)
    codes = adversary(rng, qnet, whole_input(qnet))
    start = tuple(random_state(layer, len(codes), rng) for layer in qnet.layers)
    # a network whose bound is met: what x alone moves
    (layer,) = qnet.layers
    weights = {kind: values.copy() for kind, values in layer.weights.items()}
    for values in weights.values():
        values[:, qnet.inputs :] = 0
    qnet = replace(qnet, layers=(replace(layer, weights=weights),))
    inputs = input_of(codes[1, :1])
    codes[:] = codes[1, :1]
    assert escapes(qnet, inputs, codes, start) == 0
    sound, inward = getattr(StateMap, side), 1 if side == "lowest" else -1
    monkeypatch.setattr(StateMap, side, lambda self, s: sound(self, s) + inward)
    assert escapes(qnet, inputs, codes, start) > 0


def test_without_recurrence_the_bound_is_met_to_the_lsb():
    """One input vector and no weights from y: nothing is uncertain, and the span is a point."""
    rng = np.random.default_rng(6)
    for kinds, options in (("ifo", {}), ("io", {}), ("io", {"coupled": True})):
        layer = make_layer(rng, 2, 3, kinds=kinds, **options)
        for values in layer.weights.values():
            values[:, 2:] = 0.0
        qnet = quantize(Network((layer,)), bits=12, calibrate=rng.normal(0, 1, (2, 30, 2)))
        vector = random_codes(rng, qnet, 1)
        start = tuple(random_state(layer, 4, rng) for layer in qnet.layers)
        trace = qnet.run(np.broadcast_to(vector, (4, 300, 2)), start)
        (limit,) = bound(qnet, input_of(vector))
        spans = limit.span(Range(start[0].s, start[0].s), (1, 7, 300))
        for lag, span in zip((1, 7, 300), spans, strict=True):
            assert np.array_equal(span.low, trace.get("s")[:, lag - 1])
            assert np.array_equal(span.high, span.low)


@pytest.mark.parametrize("network", [forget_network, paper_network])
def test_with_the_gates_shut_the_bound_is_0_for_ever(network):
    net, x = network()
    qnet = shut_gates(quantize(net, bits=16, calibrate=x))
    (limit,) = bound(qnet, whole_input(qnet))
    assert not limit.drift((1, 10**6, 10**12)).any()
    assert limit.first_saturation() is None


def random_map(rng, form):
    """Any map of a layer of three cells, in some cases."""
    cases, shift = int(rng.integers(1, 4)), int(rng.integers(4, 9))
    most = int(rng.choice([1, 3, form.high // 8]))
    keep = np.sort(rng.integers(0, 1 << shift, (2, cases, 3), endpoint=True), axis=0)
    near = rng.random((2, cases, 3)) < 0.5
    keep = np.sort(np.where(near, (1 << shift) - rng.integers(0, 3, near.shape), keep), axis=0)
    add = np.sort(rng.integers(-most, most, (2, cases, 3), endpoint=True), axis=0)
    kept = None if rng.integers(4) == 0 else Range(*keep)
    return StateMap(shift, kept, Range(*add))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(1, 700))
def test_jumps_end_where_single_steps_do(seed, count):
    """The state after any number of steps and the first saturation, against one step at a time."""
    rng, form = (
        np.random.default_rng(seed),
        Format(int(np.random.default_rng(seed).integers(4, 14)), 3),
    )
    moves = random_map(rng, form)
    start = rng.integers(form.low, form.high, (5, 3), endpoint=True)
    for move in (moves.lowest, moves.highest):
        s, first = start.copy(), np.full(start.shape, NEVER)
        for step in range(1, count + 1):
            free = move(s)
            s = saturate(free, form.low, form.high)
            first = np.where((first == NEVER) & (free != s), step, first)
        ends, at = orbit(move, start, count, form)
        assert np.array_equal(ends, s)
        assert np.array_equal(at, first)


def test_a_map_is_what_the_cell_does_in_every_case():
    """Against round(f s) + round(i g) of every f between the two ends, by brute force."""
    rng, shift = np.random.default_rng(8), 4
    keep, add = Range(np.array([[5]]), np.array([[11]])), Range(np.array([[-2]]), np.array([[3]]))
    moves = StateMap(shift, keep, add)
    for s in rng.integers(-100, 100, 50).tolist():
        every = [
            round_shift(np.array(f * s), shift) + a for f in range(5, 12) for a in range(-2, 4)
        ]
        assert moves.lowest(np.array([s])) == min(every)
        assert moves.highest(np.array([s])) == max(every)


def test_nothing_saturates_before_the_bound_says_so():
    """From the network's own start, up to the step before, or in 200 steps where it says never."""
    seen = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, qnet = random_quantized(rng, 10)
        if qnet.first_reverse is not None:  # a sequence cannot be cut short for it
            continue
        inputs = random_inputs(rng, qnet)
        codes = adversary(rng, qnet, inputs, steps=200)
        for k, limit in enumerate(bound(qnet, inputs)):
            first = limit.first_saturation()
            if first != 1:
                trace = qnet.run(codes[:, : None if first is None else first - 1])
                assert trace.saturations[f"{k}.s"] == 0
                seen.append(first)
    assert None in seen and any(first for first in seen)


def counter(gain, bits=12):
    """A 1997 cell without recurrence that adds x times `gain` at every step, its gates open."""
    zero = {kind: np.zeros((1, 2)) for kind in "iog"}
    zero["g"] = np.array([[gain, 0.0]])
    biases = {"i": np.array([40.0]), "o": np.zeros(1), "g": np.zeros(1)}
    net = Network((Layer(zero, biases, g="identity"),))
    return quantize(net, bits=bits, calibrate=np.ones((1, 100, 1)))


def test_the_first_saturation_of_a_counter():
    """A state that goes up by the same amount at every step: when the amounts are used up."""
    qnet = counter(0.5)
    form, one = qnet.formats.layers[0].s, qnet.formats.input.one
    step = int(qnet.run(np.full((1, 1), one)).get("s")[0, 0])
    (limit,) = bound(qnet, Range(np.zeros((1, 1), int), np.full((1, 1), one)))
    want = form.high // step + 1
    assert limit.first_saturation() == want
    codes = np.full((want, 1), one)
    assert qnet.run(codes[:-1]).saturations["0.s"] == 0
    assert qnet.run(codes).saturations["0.s"] == 1
    assert limit.drift((10,))[0] == 10 * step


def test_the_range_of_inputs_that_keeps_gates_shut():
    """Weights of 1 on one input: the gate opens where bias + x passes the closing code."""
    rng = np.random.default_rng(9)
    layer = make_layer(rng, 1, 1, kinds="io")
    layer.weights["i"][:] = [[2.0, 0.0]]
    layer.biases["i"][:] = -11.0
    x = np.linspace(-8, 8, 40)[None, :, None]
    net = Network((layer,))
    qnet = quantize(net, uniform(net, 12, x))
    (built,) = qnet.layers
    most = shut_range(qnet)
    assert isinstance(most, float)
    want = (closing(built) * built.gate.net.lsb + 11.0) / 2.0
    assert abs(most - want) <= 2 * qnet.formats.input.lsb + built.gate.net.lsb
    code = round(most / qnet.formats.input.lsb)
    assert not qnet.run(np.full((5, 1), code)).get("i").any()
    assert qnet.run(np.full((5, 1), code + 1)).get("i").any()
    assert open_gate(qnet, symmetric_input(qnet, code)) is None
    assert isinstance(open_gate(qnet, symmetric_input(qnet, code + 1)), OpenGate)


def test_gates_that_are_open_without_input_are_named():
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    found = shut_range(qnet)
    assert isinstance(found, OpenGate) and found.gate == "i"
    assert f"i of block {found.block} in layer 0: its net input can be {found.reaches:.3f}" in str(
        found
    )
    (layer,) = qnet.layers
    biases = {**layer.biases, "i": shut_gates(qnet).layers[0].biases["i"]}
    found = shut_range(replace(qnet, layers=(replace(layer, biases=biases),)))
    assert isinstance(found, OpenGate) and found.gate == "f"
    assert "at least" in str(found) and "exactly 1" in str(found)
    shut = shut_gates(qnet)
    assert shut_range(shut) == shut.formats.input.high * shut.formats.input.lsb


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(6, 16))
def test_inputs_within_the_range_open_no_gate(seed, bits):
    """Networks whose gates are shut but for a part of the bias: in the range i = 0 and f = 1."""
    rng = np.random.default_rng(seed)
    _, qnet = random_quantized(rng, bits)
    try:
        shut = shut_gates(qnet)
    except (NeverShutError, FormatError):
        return
    layers = []
    for k, layer in enumerate(shut.layers):
        part = rng.uniform(0.3, 1.0) if k == 0 else 1.0
        some = {
            kind: (part * layer.biases[kind]).astype(np.int64)
            for kind in "if"
            if kind in layer.biases
        }
        layers.append(replace(layer, biases={**layer.biases, **some}))
    nearly = replace(qnet, layers=tuple(layers))
    found = shut_range(nearly)
    if isinstance(found, OpenGate):
        return
    code = round(found / nearly.formats.input.lsb)
    codes = adversary(rng, nearly, symmetric_input(nearly, code), steps=8)
    start = tuple(random_state(layer, len(codes), rng) for layer in nearly.layers)
    trace = nearly.run(codes, start)
    for k, layer in enumerate(nearly.layers):
        assert not trace.get("i", k).any()
        if "f" in layer.shape.gates:
            assert (trace.get("f", k) == layer.formats.gate.one).all()


def test_inputs_are_cases_or_a_box():
    rng = np.random.default_rng(10)
    few = rng.integers(-3, 3, (4, 100, 1))
    assert input_of(few).low[:, 0].tolist() == sorted(set(few.ravel().tolist()))
    many = rng.integers(-1000, 1000, (600, 2))
    box = input_of(many)
    assert np.array_equal(box.low, many.min(axis=0)[None])
    assert np.array_equal(box.high, many.max(axis=0)[None])


@pytest.mark.parametrize("ends", [(1.0, -1.0), (-9.0, 1.0), (0.0, 9.0), (np.nan, 1.0), (0, np.inf)])
def test_a_range_of_inputs_that_cannot_be_is_refused(ends):
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    with pytest.raises(InputError, match="input range .* must lie within .* the lower end first"):
        input_between(qnet, *ends)
    found = input_between(qnet, -0.5, 0.25)
    assert (found.low == -qnet.formats.input.one // 2).all()
    assert (found.high == qnet.formats.input.one // 4).all()


def test_gates_that_training_shut_never_open():
    """Of the shipped network for the adding problem, at every pair without a mark."""
    net = load(MODELS / "4-100-held.npz")
    x, _ = adding(100).batch(np.random.default_rng(87), 16, 100)
    qnet, ends = quantize(net, bits=16, calibrate=x), adding(100).between
    codes = [qnet.encode(x)[0] for x in (ends.low, ends.high)]
    assert open_gate(qnet, Range(*codes)) is None
    assert bound(qnet, Range(*codes))[0].drift((1_000_000,)).max() == 0
    marked = [qnet.encode(x + np.array([0.0, 1.0]))[0] for x in (ends.low, ends.high)]
    assert open_gate(qnet, Range(*marked)) is not None

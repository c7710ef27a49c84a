"""Thresholds: what is used of a value, in both loops over time, against step after step."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import loop, quantize
from fixedpoint.compiled import run
from fixedpoint.skipping import changed, nonzero, used
from fixedpoint.thresholds import with_thresholds, without_thresholds
from golden import Dense, LayerState, Network
from golden.errors import CarouselError
from tests.fixedpoint.compiled.test_compiled import any_layer, any_state, differences
from tests.fixedpoint.nets import forget_network, layer, random_codes


@pytest.fixture
def qnet():
    net, x = forget_network()
    return quantize(net, bits=8, calibrate=x)


def by_hand(values: list[int], threshold: int) -> list[int]:
    last, found = 0, []
    for value in values:
        if value - last > threshold or last - value > threshold:
            last = value
        found.append(last)
    return found


@pytest.mark.parametrize("threshold", (0, 1, 3, 40))
def test_a_value_counts_when_it_is_far_from_the_last_one_used(threshold):
    """By the definition; what is used is never further off than the threshold, however slowly a
    value moves, so that nothing adds up."""
    u = np.cumsum(np.random.default_rng(threshold).integers(-3, 4, 500))[:, None]
    found = used(u, threshold)
    assert found[:, 0].tolist() == by_hand(u[:, 0].tolist(), threshold)
    assert np.abs(found - u).max() == threshold or threshold == 40
    assert np.array_equal(np.cumsum(np.diff(found, axis=0, prepend=0), axis=0), found)


def test_what_is_listed():
    """Of zeros and of unchanged values, the first step of a sequence against 0."""
    u = np.array([[0, 5], [0, 5], [2, 0], [2, 6]])
    assert nonzero(u).tolist() == [[False, True], [False, True], [True, False], [True, True]]
    assert changed(u, 0).tolist() == [[False, True], [False, False], [True, True], [False, True]]
    assert changed(u, 5).tolist() == [[False, False], [False, False], [False, False], [False, True]]


def test_a_threshold_of_0_changes_no_code(qnet):
    """Nor what the network is."""
    codes = random_codes(np.random.default_rng(0), qnet, 2, 30)
    same = with_thresholds(qnet, (0,))
    assert same.digest() == qnet.digest()
    assert np.array_equal(same.run(codes).out, qnet.run(codes).out)


def test_steps_see_what_was_used_last():
    """Of a layer and a readout: each step alone, by the network without thresholds, from the state
    of the one before with the outputs that were used last."""
    rng = np.random.default_rng(3)
    exact = quantize(
        Network((layer(rng, 3, 5, scale=2),)), bits=8, calibrate=rng.normal(size=(2, 9, 3))
    )
    codes, thresholds = random_codes(rng, exact, 1, 60)[0] // 2, (9, 4)
    found = with_thresholds(exact, thresholds).run(codes)
    x, y, state = used(codes, thresholds[0]), np.zeros(5, np.int64), exact.initial_state(1)[0]
    s, differs = state.s[0], 0
    for t, one in enumerate(x):
        trace = exact.run(one[None], (LayerState(s, y, state.gates[0]),))
        assert np.array_equal(trace.layers[0]["y"][0], found.layers[0]["y"][t])
        assert np.array_equal(trace.layers[0]["s"][0], found.layers[0]["s"][t])
        given, s = trace.layers[0]["y"][0], trace.layers[0]["s"][0]
        y = np.where(np.abs(given - y) > thresholds[1], given, y)
        differs += int((y != given).sum())
    assert differs  # the threshold had something to do
    assert not np.array_equal(found.out, exact.run(codes).out)


def test_stages_above_see_it_too():
    """A second layer and a readout see outputs that were used last; what leaves a network without
    a readout are all."""
    rng = np.random.default_rng(4)
    layers = layer(rng, 3, 4, scale=2), layer(rng, 4, 5, scale=2)
    x, head = rng.normal(size=(2, 9, 3)), (Dense(rng.normal(size=(2, 5)), rng.normal(size=2)),)
    exact = quantize(Network(layers, head), bits=8, calibrate=x)
    codes = random_codes(rng, exact, 1, 40)[0] // 2
    trace = with_thresholds(exact, (0, 6, 9)).run(codes)
    given = [each["y"] for each in trace.layers]
    seen = used(given[0], 6), used(given[1], 9)
    assert not any(map(np.array_equal, given, seen))
    assert np.array_equal(exact.head[0].run(seen[1][:, None])[0][:, 0], trace.out)
    second = replace(exact.layers[1], threshold=9)
    alone = loop.run_layer(second, seen[0][:, None], second.initial_state(1), {})[0]
    assert np.array_equal(alone["y"][:, 0], given[1])
    bare = with_thresholds(quantize(Network(layers), bits=8, calibrate=x), (0, 6, 9))
    found = bare.run(codes)
    assert np.array_equal(found.out, found.layers[1]["y"])


def test_a_state_is_a_step_before_the_first():
    """Its outputs are used where they are further off 0 than the threshold, by their own layer and
    by the one above; with threshold 0 a sequence may be cut anywhere."""
    rng = np.random.default_rng(5)
    layers = layer(rng, 3, 4, scale=2), layer(rng, 4, 5, scale=2)
    exact = quantize(Network(layers), bits=8, calibrate=rng.normal(size=(2, 9, 3)))
    codes, held = random_codes(rng, exact, 2, 40), with_thresholds(exact, (0, 25, 9))
    first = exact.run(codes[:, :15])
    assert np.array_equal(exact.run(codes[:, 15:], first.state).out, exact.run(codes).out[:, 15:])
    start = rng.integers(20, 60, first.state[0].y.shape)
    trace = held.run(codes[:, 15:], (replace(first.state[0], y=start), first.state[1]))
    given = trace.layers[0]["y"]
    seen = used(np.concatenate([start[:, None], given], axis=1).swapaxes(0, 1), 25)[1:]
    alone = replace(exact.layers[1], threshold=9)
    by_hand = loop.run_layer(alone, seen, first.state[1], {})[0]["y"]
    assert np.array_equal(by_hand.swapaxes(0, 1), trace.layers[1]["y"])
    assert not np.array_equal(seen, used(given.swapaxes(0, 1), 25))  # the start counts


def test_both_loops_use_the_same():
    """Layers of every kind, sums in float64 and in whole numbers, over several blocks of steps."""
    for seed in (1, 2, 5, 8, 16):
        rng, layers = any_layer(seed)
        for each in layers:
            most = int(rng.integers(1, 2 + each.formats.y.high // 4))
            held = replace(each, threshold=most)
            shape = 300, int(rng.choice([1, 3, 17])), each.shape.inputs
            x = rng.integers(each.input.low, each.input.high, shape, endpoint=True)
            assert not differences(held, x, any_state(rng, each, shape[1])), (seed, held)


def test_the_compiled_loop_runs_long_sequences_at_once(monkeypatch):
    """What was used last is no state, so that it must not be lost between parts."""
    rng, (each, *_) = any_layer(1)
    held = replace(each, threshold=each.formats.y.high // 8 + 1)
    x = rng.integers(each.input.low, each.input.high, (400, 2, each.shape.inputs), endpoint=True)
    state = any_state(rng, each, 2)
    monkeypatch.setattr(run, "PRODUCTS", 1)
    codes = [one.run_layer(held, x, state, {})[0]["y"] for one in (loop, run)]
    assert np.array_equal(*codes)


def test_thresholds_that_cannot_be(qnet):
    """One line says the number, what it is of and what is allowed."""
    high = qnet.formats.input.high
    with pytest.raises(CarouselError, match="1,2,3,4,5: 5 numbers, must be one, or"):
        with_thresholds(qnet, (1, 2, 3, 4, 5))
    with pytest.raises(CarouselError, match=f"-1 of input: must be from 0 to {high}"):
        with_thresholds(qnet, (-1,))
    with pytest.raises(CarouselError, match=f"{high + 1} of input: must be from 0 to {high}"):
        with_thresholds(qnet, (high + 1,))
    assert without_thresholds(with_thresholds(qnet, (1,))).digest() == qnet.digest()

"""Between float and integer: with no quantiser on it is the one, with all of them the other."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import Format
from fixedpoint.budget.mixed import run_mixed
from fixedpoint.budget.quantisers import GROUPS, Quantiser, Threshold, quantisers
from fixedpoint.cell import QuantizedLayer
from fixedpoint.thresholds import with_thresholds
from golden import mismatches
from tests.fixedpoint.nets import paper_network, quantize, random_codes, random_quantized, uniform

SEEDS = 5
BITS = {**dict.fromkeys(range(6, 15), SEEDS), 16: 3, 18: 2}  # of each; wide tables are large


def case(bits, seed, steps=12):
    """A random network, its integer twin, codes over the whole range and real values near them."""
    rng = np.random.default_rng([bits, seed, 77])
    net, qnet = random_quantized(rng, bits)
    if seed % 2 and bits <= 12:
        qnet = quantize(net, finer(qnet.formats))
    codes = random_codes(rng, qnet, 2, steps)
    lsb = np.array([form.lsb for form in qnet.formats.elements])
    near = rng.uniform(-0.49, 0.49, codes.shape) * lsb
    return net, qnet, codes, qnet.formats.decode(codes) + near


def finer(formats):
    """A table of two bits more, so that what is derived from it has to be rounded."""
    argument, sigma = formats.argument, formats.sigma
    return replace(
        formats,
        argument=Format(argument.width + 3, argument.frac + 2),
        sigma=Format(sigma.width + 2, sigma.frac + 2, signed=False),
    )


@pytest.mark.parametrize("bits", BITS)
def test_all_on_is_the_integer_model_code_for_code(bits):
    for seed in range(BITS[bits]):
        net, qnet, codes, x = case(bits, seed)
        mixed, fixed = run_mixed(net, qnet, quantisers(net, qnet), x), qnet.run(codes).real()
        wrong = {name: count for name, count in mismatches(mixed, fixed).items() if count}
        assert not wrong, (seed, wrong)
        for end, wanted in zip(mixed.state, fixed.state, strict=True):
            np.testing.assert_array_equal(end.s, wanted.s)
            np.testing.assert_array_equal(end.y, wanted.y)
            np.testing.assert_array_equal(end.gates, wanted.gates)


@pytest.mark.parametrize("bits", BITS)
def test_none_on_is_the_float_model(bits):
    for seed in range(BITS[bits]):
        net, qnet, _, x = case(bits, seed)
        real, mixed = dict(net.run(x).signals()), dict(run_mixed(net, qnet, {}, x).signals())
        assert real.keys() == mixed.keys()
        for name, values in real.items():
            np.testing.assert_allclose(mixed[name], values, 1e-12, 1e-12, err_msg=name)


def test_those_networks_have_every_kind_of_cell():
    """The equalities above would say little of what their networks never have."""
    found = set()
    for bits in BITS:
        for seed in range(BITS[bits]):
            net = case(bits, seed)[0]
            for layer in net.layers:
                shape = layer.shape
                found |= {name for name in TRAITS if getattr(shape, name, None)}
                found |= {"f"} & set(shape.gates) or {"no f"}
                found |= {layer.gate, f"g {layer.g}", f"h {layer.h}", *layer.initial}
                found |= {f"clip {name}" for name in layer.clip}
                found |= {"blocks"} if shape.block_size > 1 else set()
            found |= {net.output, net.readout.squash if net.readout else "no readout"}
            found |= {f"dense {stage.squash}" for stage in net.head[:-1]}
            found |= {"deep"} if len(net.stages) > 1 else set()
    assert found >= {*TRAITS, "f", "no f", "sigma", "hard", "s", "y", "clip gate", "clip g"}
    assert found >= {"blocks", "deep", "every", "last", "final", "identity", "no readout"}
    assert found >= {f"dense {name}" for name in ("identity", "sigma", "tanh")}
    assert found >= {f"g {name}" for name in ("tanh", "g1997", "sigma", "identity", "hard")}
    assert found >= {f"h {name}" for name in ("tanh", "h1997", "identity", "hard")}


TRAITS = ("gate_recurrence", "coupled", "peepholes", "projection", "reverse", "beside")


def test_every_quantiser_matters():
    """Each kind of them, left out alone, changes what comes out of some network."""
    kinds, matter = set(), set()
    for bits in range(6, 16):
        for seed in range(SEEDS + 3):
            net, qnet, codes, x = case(bits, seed, 6)
            every, fixed = quantisers(net, qnet), qnet.run(codes).real()
            for name in every:
                kind = name.rpartition(".")[2]
                kinds.add(kind)
                if kind not in matter:
                    others = {other: q for other, q in every.items() if other != name}
                    found = mismatches(run_mixed(net, qnet, others, x), fixed)
                    matter |= {kind} if any(found.values()) else set()
    # a readout's bias is so fine that its rounding is for `test_budget` to see
    assert not kinds - matter - {"readout biases"}
    assert kinds >= {"weights gates o", "peepholes f", "projection", "m", "initial y", "f s"}
    assert kinds >= {"net f", "readout net", "sigma table", "input", "s", "out"}


@pytest.mark.parametrize("name", ["0.weights y g", "0.net h", "0.i g", "0.y", "out", "sigma table"])
def test_a_wrong_quantiser_is_seen(name):
    """One fraction bit too many anywhere, and the codes are not the integer model's any more."""
    net, x = paper_network()
    qnet = quantize(net, uniform(net, 10, x))
    every, fixed = quantisers(net, qnet), qnet.run(qnet.encode(x)[0]).real()
    assert not any(mismatches(run_mixed(net, qnet, every, x), fixed).values())
    wrong = {**every, name: replace(every[name], frac=every[name].frac + 1)}
    assert any(mismatches(run_mixed(net, qnet, wrong, x), fixed).values())


def test_the_loop_of_wide_formats_gives_the_same(monkeypatch):
    """Networks whose sums fit float64 are equal to the int64 loop too."""
    net, qnet, codes, x = case(16, 3)
    monkeypatch.setattr(QuantizedLayer, "dtype", np.int64)
    mixed = run_mixed(net, qnet, quantisers(net, qnet), x)
    assert not any(mismatches(mixed, qnet.run(codes).real()).values())


def test_one_sequence_is_a_batch_of_one():
    net, qnet, _, x = case(12, 1)
    on = {name: q for name, q in quantisers(net, qnet).items() if "weights" in name}
    one, many = run_mixed(net, qnet, on, x[1]), run_mixed(net, qnet, on, x)
    np.testing.assert_allclose(one.out, many.out[1], 1e-12, 1e-12)


def test_every_quantiser_is_in_a_group_and_the_identity_rounds_once():
    for seed in range(20):
        net, qnet, _, _ = case(10, seed)
        every = quantisers(net, qnet)
        assert {q.group for q in every.values()} <= set(GROUPS)
        for k, layer in enumerate(net.layers):
            assert (f"{k}.net h" in every) == (layer.h not in ("identity", "hard"))
            assert (f"{k}.f s" in every) == ("f" in layer.shape.gates or layer.coupled)


def test_rounding_is_to_the_nearest_with_ties_towards_plus_infinity_then_limits():
    q = Quantiser(group="output", frac=2, limits=(-4, 3))
    values = np.array([0.124, 0.125, -0.125, -0.126, 0.8, 9.0, -9.0])
    np.testing.assert_array_equal(q(values), [0, 0.25, 0, -0.25, 0.75, 0.75, -1])
    bare = replace(q, rounds=False)
    np.testing.assert_array_equal(bare(values), [0.124, 0.125, -0.125, -0.126, 0.75, 0.75, -1])
    free = replace(q, limits=None)
    np.testing.assert_array_equal(free(values), [0, 0.25, 0, -0.25, 0.75, 9, -9])


def with_some_thresholds(seed):
    """A case that can have thresholds, with some of its first layers, or None."""
    net, qnet, codes, x = case(8, seed, 12)
    if qnet.first_reverse is not None:
        return None
    rng = np.random.default_rng(seed)
    numbers = tuple(int(rng.integers(0, 20)) for _ in qnet.thresholds)
    return net, with_thresholds(qnet, numbers), codes, x


def test_with_thresholds_all_on_is_the_integer_model_too():
    """And without them it is not: what they do is in the budget, and in nothing else of it."""
    seen = 0
    for found in filter(None, map(with_some_thresholds, range(2 * SEEDS))):
        net, qnet, codes, x = found
        every, fixed = quantisers(net, qnet), qnet.run(codes).real()
        assert not any(mismatches(run_mixed(net, qnet, every, x), fixed).values())
        others = {name: q for name, q in every.items() if q.group != "thresholds"}
        assert len(every) - len(others) == sum(map(bool, qnet.thresholds))
        seen += any(mismatches(run_mixed(net, qnet, others, x), fixed).values())
    assert seen >= SEEDS // 2


def test_a_threshold_alone_is_what_it_says():
    """Of an input that creeps: each is used until another one is more than that off."""
    threshold = Threshold(group="thresholds", frac=2, least=3)
    x = np.array([0.7, 0.8, 1.4, 1.5, 1.7, 0.8, 0.7]).reshape(-1, 1, 1)
    wanted = [0, 0.8, 0.8, 0.8, 1.7, 0.8, 0.8]
    np.testing.assert_array_equal(threshold(x).ravel(), wanted)

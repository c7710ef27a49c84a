"""The integer network equals an independent scalar model, codes and saturation counts alike."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import FormatError, loop
from fixedpoint.cell import QuantizedLayer
from golden import LayerState, mismatches
from tests.fixedpoint import oracle
from tests.fixedpoint.nets import (
    forget_network,
    formats,
    paper_network,
    quantize,
    random_codes,
    random_quantized,
    wide_quantized,
)


def assert_equals_oracle(qnet, codes):
    trace = qnet.run(codes)
    signals, out, lost = oracle.run(qnet, codes)
    for k, layer in enumerate(signals):
        for name, rows in layer.items():
            np.testing.assert_array_equal(trace.get(name, k), rows, f"layer {k} {name}")
            assert trace.get(name, k).dtype == np.int64
    np.testing.assert_array_equal(trace.out, out)
    assert trace.saturations == {name: lost[name] for name in trace.saturations}
    assert set(lost) <= set(trace.saturations)
    return trace


@pytest.mark.parametrize("bits", range(6, 21))
def test_random_networks_equal_the_oracle(bits):
    for seed in range(10):
        rng = np.random.default_rng([bits, seed])
        qnet = random_quantized(rng, bits)
        assert qnet.layers[0].dtype is np.float64
        assert_equals_oracle(qnet, random_codes(rng, qnet, 12))


@pytest.mark.parametrize("seed", range(20))
def test_the_int64_loop_equals_the_oracle(seed, monkeypatch):
    """The same networks through the loop that wide formats take."""
    rng = np.random.default_rng(seed)
    qnet = random_quantized(rng, 6 + seed % 15)
    monkeypatch.setattr(QuantizedLayer, "dtype", np.int64)
    assert_equals_oracle(qnet, random_codes(rng, qnet, 12))


@pytest.mark.parametrize("gates", ["ifo", "io"])
def test_formats_beyond_float64_equal_the_oracle(gates):
    rng = np.random.default_rng(5)
    qnet = wide_quantized(rng, gates)
    assert qnet.layers[0].sums.bound > 2**53
    assert qnet.layers[0].dtype is np.int64
    assert_equals_oracle(qnet, random_codes(rng, qnet, 30))


def test_random_networks_saturate_every_signal_somewhere():
    """The equality above would say little about saturation if nothing ever saturated."""
    seen = set()
    for bits in range(6, 21):
        for seed in range(10):
            rng = np.random.default_rng([bits, seed])
            qnet = random_quantized(rng, bits)
            lost = qnet.run(random_codes(rng, qnet, 12)).saturations
            seen |= {name[name.find(".") + 1 :] for name, count in lost.items() if count}
    assert seen == {"i", "f", "o", "g", "h", "s", "out"}


def test_y_saturates_where_its_format_is_narrower_than_h():
    net, x = forget_network()
    forms = formats(net, x, 10)
    (form,) = forms.layers
    narrow = replace(form.y, width=form.y.width - 3)
    qnet = quantize(net, replace(forms, layers=(replace(form, y=narrow),)))
    trace = assert_equals_oracle(qnet, random_codes(np.random.default_rng(0), qnet, 60))
    assert trace.saturations["0.y"] > 0


@pytest.mark.parametrize("shift", [-3, 12])
def test_states_much_finer_or_coarser_than_the_products(shift):
    """Negative shifts (fraction bits gained) and large ones round as the oracle does."""
    for network in (forget_network, paper_network):
        net, x = network()
        forms = formats(net, x, 9)
        (form,) = forms.layers
        width = 18 if shift > 0 else 8
        s = replace(form.s, width=width, frac=form.s.frac + shift)
        qnet = quantize(net, replace(forms, layers=(replace(form, s=s),)))
        assert_equals_oracle(qnet, random_codes(np.random.default_rng(1), qnet, 30))


@pytest.mark.parametrize("network", [forget_network, paper_network])
def test_a_batch_is_its_sequences_one_by_one(network, monkeypatch):
    """Also where a batch is wider than what the loop takes side by side."""
    net, x = network()
    qnet = quantize(net, bits=11, calibrate=x)
    codes = random_codes(np.random.default_rng(2), qnet, 7, 25)
    monkeypatch.setattr(loop, "GROUP", 3)
    monkeypatch.setattr(loop, "BLOCK_VALUES", 100)
    together = qnet.run(codes)
    total = dict.fromkeys(together.saturations, 0)
    for n in range(7):
        alone = qnet.run(codes[n])
        for (name, many), (_, one) in zip(together.signals(), alone.signals(), strict=True):
            np.testing.assert_array_equal(many[n], one, name)
        for name, count in alone.saturations.items():
            total[name] += count
        for many, one in zip(together.state, alone.state, strict=True):
            for part in ("s", "y", "gates"):
                np.testing.assert_array_equal(getattr(many, part)[n], getattr(one, part))
    assert together.saturations == total


@pytest.mark.parametrize("network", [forget_network, paper_network])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_state_carried_over_is_one_long_run(network, batch):
    net, x = network()
    qnet = quantize(net, bits=10, calibrate=x)
    codes = random_codes(np.random.default_rng(3), qnet, *batch, 700)
    whole = qnet.run(codes)
    state, parts = None, []
    for cut in (slice(0, 1), slice(1, 300), slice(300, 700)):
        parts.append(qnet.run(codes[..., cut, :], state))
        state = parts[-1].state
    for name, values in whole.signals():
        joined = np.concatenate([dict(part.signals())[name] for part in parts], axis=-2)
        np.testing.assert_array_equal(values, joined, name)
    for one, other in zip(whole.state, state, strict=True):
        for part in ("s", "y", "gates"):
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    for name, count in whole.saturations.items():
        assert count == sum(part.saturations[name] for part in parts)


def test_a_run_leaves_its_arguments_alone():
    net, x = forget_network()
    qnet = quantize(net, bits=10, calibrate=x)
    codes = random_codes(np.random.default_rng(4), qnet, 20)
    first = qnet.run(codes)
    kept = [LayerState(st.s.copy(), st.y.copy(), st.gates.copy()) for st in first.state]
    again, other = qnet.run(codes, first.state), qnet.run(codes, tuple(kept))
    assert not any(mismatches(again, other).values())
    np.testing.assert_array_equal(first.state[0].s, kept[0].s)


def test_products_beyond_int64_are_refused():
    """A state with so many fraction bits that dropping them takes more than 63 bits."""
    net, x = forget_network()
    forms = formats(net, x)
    (form,) = forms.layers
    fine = replace(form, s=replace(form.s, width=32, frac=64))
    with pytest.raises(
        FormatError, match=r"^layer 0 net input of h: needs 69 bits on its way, at most 63 are"
    ):
        quantize(net, replace(forms, layers=(fine,)))


@pytest.mark.parametrize("wide", [4.0, 1e6])
def test_no_code_overflows_the_accumulator(wide):
    """`Sums.bound` holds for the worst weights, sources and biases, and `width` for the bound."""
    net, x = forget_network()
    qnet = quantize(net, bits=8, calibrate=x * wide)
    (layer,) = qnet.layers
    forms, counts = layer.source_formats, {"x": 4, "y": 6}
    worst = max(int(np.abs(b).max()) for b in layer.biases.values())
    for source, form in forms.items():
        weight = layer.formats.weights[source]
        worst += counts[source] * weight.low * form.low
    assert layer.sums.bound == worst
    assert -(2 ** (layer.sums.width - 1)) <= -worst and worst < 2 ** (layer.sums.width - 1)

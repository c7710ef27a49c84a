"""The integer network equals an independent scalar model, codes and saturation counts alike."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from fixedpoint import FormatError, loop
from fixedpoint.cell import QuantizedLayer
from golden import Dense, LayerState, Network, mismatches
from tests.fixedpoint import oracle
from tests.fixedpoint.nets import (
    forget_network,
    formats,
    layer,
    paper_network,
    quantize,
    random_codes,
    random_network,
    random_quantized,
    wide_quantized,
)


def assert_equals_oracle(net, qnet, codes):
    trace = qnet.run(codes)
    signals, dense, out, lost = oracle.run(qnet, net, codes)
    for k, found in enumerate(signals):
        for name, rows in found.items():
            np.testing.assert_array_equal(trace.get(name, k), rows, f"layer {k} {name}")
            assert trace.get(name, k).dtype == np.int64
    for k, rows in enumerate(dense, len(signals)):
        np.testing.assert_array_equal(trace.get("dense", k), rows, f"dense {k}")
    np.testing.assert_array_equal(trace.out, out)
    assert trace.saturations == {name: lost[name] for name in trace.saturations}
    assert set(lost) <= set(trace.saturations)
    return trace


@pytest.mark.parametrize("more", [False, pytest.param(True, marks=pytest.mark.soak)])
@pytest.mark.parametrize("bits", range(6, 21))
def test_random_networks_equal_the_oracle(bits, more):
    """Fewer of the widest at first, whose tables have a million entries."""
    first = 4 if bits <= 16 else 2
    for seed in range(first, 10) if more else range(first):
        rng = np.random.default_rng([bits, seed])
        net, qnet = random_quantized(rng, bits)
        assert qnet.layers[0].dtype is np.float64
        assert_equals_oracle(net, qnet, random_codes(rng, qnet, 12))


@pytest.mark.parametrize("seed", range(20))
def test_the_int64_loop_equals_the_oracle(seed, monkeypatch):
    """The same networks through the loop that wide formats take."""
    rng = np.random.default_rng(seed)
    net, qnet = random_quantized(rng, 6 + seed % 15)
    monkeypatch.setattr(QuantizedLayer, "dtype", np.int64)
    assert_equals_oracle(net, qnet, random_codes(rng, qnet, 12))


@pytest.mark.parametrize("gates", ["ifo", "io"])
def test_formats_beyond_float64_equal_the_oracle(gates):
    rng = np.random.default_rng(5)
    net, qnet = wide_quantized(rng, gates)
    assert qnet.layers[0].sums.bound > 2**53
    assert qnet.layers[0].dtype is np.int64
    assert_equals_oracle(net, qnet, random_codes(rng, qnet, 30))


def test_random_networks_have_every_option_and_saturate():
    """The equality above would say little of what its networks never have or never do."""
    layers, saturated = Counter(), set()
    for bits, seed in product(range(6, 21), range(10)):
        net, _ = random_network(np.random.default_rng([bits, seed]))
        for part in net.layers:
            layers.update(traits(part))
    for bits, seed in product(range(6, 14), range(4)):
        rng = np.random.default_rng([bits, seed])
        _, qnet = random_quantized(rng, bits)
        lost = qnet.run(random_codes(rng, qnet, 12)).saturations
        saturated |= {name[name.find(".") + 1 :] for name, count in lost.items() if count}
    assert saturated >= {"i", "f", "o", "g", "h", "s"}
    assert set(layers) == {*TRAITS, "plain"} and min(layers.values()) >= 10


TRAITS = {
    "forget": lambda layer: "f" in layer.weights,
    "coupled": lambda layer: layer.coupled,
    "peepholes": lambda layer: layer.peepholes,
    "coupled peepholes": lambda layer: layer.coupled and layer.peepholes,
    "hard": lambda layer: layer.gate == "hard",
    "hard g": lambda layer: layer.g == "hard",
    "hard h": lambda layer: layer.h == "hard",
    "clip of gates": lambda layer: "gate" in layer.clip,
    "clip of g": lambda layer: "g" in layer.clip,
    "clip of hard gates": lambda layer: layer.gate == "hard" and "gate" in layer.clip,
    "projection": lambda layer: layer.projection is not None,
    "initial": lambda layer: "y" in layer.initial,
    "reverse": lambda layer: layer.reverse,
    "beside": lambda layer: layer.beside,
    "recurrence": lambda layer: layer.gate_recurrence,
    "blocks": lambda layer: layer.block_size > 1,
}


def traits(layer):
    """What is there, by name; `plain` where there is no option at all."""
    found = [name for name, there in TRAITS.items() if there(layer)]
    return found if set(found) - {"forget", "recurrence", "blocks"} else [*found, "plain"]


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("signal", ["s", "m", "y", "out"])
def test_values_saturate_where_their_format_is_narrow(signal, dtype, monkeypatch):
    """Three bits less than what was chosen; y of a projection, and without one."""
    monkeypatch.setattr(QuantizedLayer, "dtype", dtype)
    for seed, projection in ((0, 4), (1, 4), (2, None)):
        if signal == "m" and projection is None:
            continue
        rng = np.random.default_rng(seed)
        hidden = layer(rng, 3, 4, peepholes=True, projection=projection, initial=("s", "y"))
        width = hidden.shape.outputs
        dense = Dense(rng.normal(0, 1, (2, width)), rng.normal(0, 1, 2))
        net = Network((hidden,), (dense,))
        forms = formats(net, rng.normal(0, 1, (3, 40, 3)), 10)
        (form,), last = forms.layers, forms.readout
        if signal == "out":
            last = replace(last, out=replace(last.out, width=7))
        else:
            form = replace(form, **{signal: replace(form.signal(signal), width=7)})
        for part in hidden.initial.values():
            part /= 64  # it fits into less too
        qnet = quantize(net, replace(forms, layers=(form,), head=(last,)))
        trace = assert_equals_oracle(net, qnet, random_codes(rng, qnet, 60))
        assert trace.saturations["out" if signal == "out" else f"0.{signal}"] > 0


CLIPS = {
    "within": {"gate": (-2.3, 1.7), "g": (-0.4, 0.9)},
    "one side": {"gate": (0.3, 1.1)},
    "beyond the format": {"gate": (-1e6, 1e6), "g": (-1e9, 0.0)},
    "one code": {"gate": (0.30001, 0.30002)},
}


@pytest.mark.parametrize("gate", ["sigma", "hard"])
@pytest.mark.parametrize("g", ["tanh", "identity", "hard"])
@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
def test_clipped_net_inputs_equal_the_oracle(clip, g, gate, monkeypatch):
    """In both loops; and the codes of the ends are the nearest ones."""
    rng = np.random.default_rng(6)
    net = Network((layer(rng, 3, 3, peepholes=True, g=g, gate=gate, scale=2.0, clip=clip),))
    qnet = quantize(net, bits=11, calibrate=rng.normal(0, 1, (3, 40, 3)))
    codes = random_codes(rng, qnet, 25)
    trace = assert_equals_oracle(net, qnet, codes)
    assert trace.saturations["0.i"] > 0 or clip["gate"][1] == 1e6
    (built,) = qnet.layers
    for name, unit in (("gate", built.gate), ("g", built.g)):
        low, high = clip.get(name, (-np.inf, np.inf))
        for code, end in ((unit.low, low), (unit.high, high)):
            limits = (0.0, 1.0) if unit.squash.name == "hard" else (-np.inf, np.inf)
            end = np.clip(end, *limits) / unit.net.lsb
            inside = unit.net.low <= end <= unit.net.high
            assert not inside or abs(code - end) <= 0.5
    monkeypatch.setattr(QuantizedLayer, "dtype", np.int64)
    assert_equals_oracle(net, qnet, codes)


def test_a_coupled_gate_is_one_less_the_input_gate_to_the_bit():
    """s(t) = round((1 - i) s) + round(i g) with the codes of i that the trace shows."""
    rng = np.random.default_rng(7)
    net = Network((layer(rng, 3, 4, kinds="io", coupled=True, scale=2.0),))
    qnet = quantize(net, bits=11, calibrate=rng.normal(0, 1, (3, 40, 3)))
    trace = qnet.run(random_codes(rng, qnet, 50))
    i, g, s = (trace.get(name).astype(object) for name in "igs")  # whole numbers of any size
    form = qnet.formats.layers[0]
    before = np.vstack([np.zeros((1, 4), object), s[:-1]])
    kept = ((form.gate.one - i) * before * 2 + form.gate.one) // (2 * form.gate.one)
    added = i * g * 2**40 >> (form.gate.frac + form.g.frac - form.s.frac + 39)
    added = (added + 1) >> 1
    assert (s == kept + added).all() and trace.saturations["0.s"] == 0
    assert "f" not in trace.layers[0] and np.ptp(trace.get("i")) > form.gate.one / 2


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
        assert_equals_oracle(net, qnet, random_codes(np.random.default_rng(1), qnet, 30))


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


@pytest.mark.parametrize(("bits", "dtype"), [(53, np.float64), (54, np.int64), (62, np.int64)])
def test_the_loop_is_in_float64_as_long_as_that_is_exact(bits, dtype, monkeypatch):
    """Up to 53 bits, sign aside; up to 62 in int64, and no further."""
    net, x = forget_network()
    (part,) = quantize(net, bits=8, calibrate=x).layers
    monkeypatch.setattr(QuantizedLayer, "rooms", {"i g": bits, "f s": 20})
    assert part.dtype is dtype
    part.check("layer 0")
    monkeypatch.setattr(QuantizedLayer, "rooms", {"i g": 63, "f s": 20})
    with pytest.raises(FormatError, match=r"^layer 0 i g: needs 64 bits on its way, at most 63"):
        part.check("layer 0")


@pytest.mark.parametrize("wide", [4.0, 1e6])
def test_no_code_overflows_the_accumulator(wide):
    """`Sums.bound` holds for the worst weights, sources and biases, in the coarsest row, `products`
    for a lane's part of it, and the widths for them."""
    net, x = forget_network()
    qnet = quantize(net, bits=8, calibrate=x * wide)
    (layer,) = qnet.layers
    forms, counts = layer.source_formats, {"x": 4, "y": 6}
    sums, products = layer.sums, 0
    for source, form in forms.items():
        weight = layer.formats.weights[source]
        products += counts[source] * weight.low * form.low
    assert sums.products == products and sums.width == products.bit_length() + 1
    worst = products << max(max(rows) for rows in layer.formats.coarser.values())
    worst += max(int(np.abs(b).max()) for b in layer.biases.values())
    assert sums.bound == worst > products and sums.net_width == worst.bit_length() + 1

"""The compiled loop gives the codes, the states and the saturations of `fixedpoint.loop`."""

import numpy as np
import pytest

from fixedpoint import loop, quantize
from fixedpoint.compiled import packing, run
from golden import Network
from golden.cell import LayerState
from tests.fixedpoint.nets import layer, random_codes, random_quantized, uniform, wide_quantized

BATCHES = (1, 2, 31, 32, 33, 64, 65)
"""One alone; none, one and some tiles of sequences, with and without others left over."""
NUMBERS = ("int32", "float64", "int64")
"""Of weights: two by two, and one by one."""


def any_layer(seed):
    """The layers of a random network; one of eight needs float64 for its sums, one int64."""
    rng = np.random.default_rng(seed)
    if seed % 8:
        bits = (17, 21) if seed % 8 == 1 else (8, 17)
        return rng, random_quantized(rng, int(rng.integers(*bits)))[1].layers
    return rng, wide_quantized(rng, ("ifo", "io")[seed // 8 % 2])[1].layers


def any_codes(rng, form, shape):
    return rng.integers(form.low, form.high, shape, endpoint=True)


def any_state(rng, layer, batch):
    """Any codes that a state may have."""
    forms, width = layer.formats, layer.shape.state
    gates = rng.integers(0, forms.gate.one, (batch, width["gates"]), endpoint=True)
    s, y = (any_codes(rng, form, (batch, width[n])) for n, form in (("s", forms.s), ("y", forms.y)))
    return LayerState(s, y, gates)


def differences(layer, x, state):
    """The names of what the two loops do not agree on."""
    counts = {}, {}
    kept = LayerState(*(part.copy() for part in (state.s, state.y, state.gates)))
    found = [
        each.run_layer(layer, x, state, count)
        for each, count in zip((loop, run), counts, strict=True)
    ]
    (want, end), (have, last) = found
    assert list(want) == list(have) and counts[0].keys() == counts[1].keys()
    parts = [(n, getattr(end, n), getattr(last, n)) for n in ("s", "y", "gates")]
    parts += [("given " + n, getattr(kept, n), getattr(state, n)) for n in ("s", "y", "gates")]
    pairs = [*((n, want[n], have[n]) for n in want), *parts]
    brief, _ = run.run_layer(layer, x, state, {}, signals=False)
    assert list(brief) == ["y"]
    pairs.append(("y alone", want["y"], brief["y"]))
    wrong = [n for n, a, b in pairs if a.dtype != b.dtype or not np.array_equal(a, b)]
    return wrong + [n for n in counts[0] if counts[0][n] != counts[1][n]]


def compare(seeds):
    """Layers of every kind, over batches of every kind: how many, by the type of their weights."""
    done = dict.fromkeys(NUMBERS, 0)
    for seed in seeds:
        rng, layers = any_layer(seed)
        for each in layers:
            batch = int(rng.choice(BATCHES))
            x = any_codes(rng, each.input, (int(rng.integers(1, 50)), batch, each.shape.inputs))
            if rng.integers(2):  # as a layer before it gives them
                x = np.ascontiguousarray(x.transpose(0, 2, 1)).transpose(0, 2, 1)
            x = x[:: rng.choice([1, -1])]
            start = any_state(rng, each, batch) if seed % 2 else each.initial_state(batch)
            assert differences(each, x, start) == [], f"seed {seed}"
            done[str(packing.pack(each).rows.weights.dtype)] += 1
    return done


def test_random_layers():
    done = compare(range(60))
    assert done["int32"] > 40 and done["float64"] > 5 and done["int64"] > 5


@pytest.mark.soak
def test_many_random_layers():
    done = compare(range(60, 3000))
    assert done["int32"] > 2000 and done["float64"] > 300 and done["int64"] > 300


@pytest.fixture(scope="module")
def coupled():
    """A layer of coupled cells, and codes of its input."""
    rng = np.random.default_rng(3)
    net, x = Network((layer(rng, 3, 5, kinds="io", coupled=True),)), rng.normal(0, 1, (4, 30, 3))
    qnet = quantize(net, uniform(net, 12, x))
    return qnet.layers[0], random_codes(rng, qnet, 40, 33)


@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("part", ["rows", "gate", "one", "to_h"])
def test_a_planted_fault_is_seen(monkeypatch, coupled, part, batch):
    """A number of what is packed that is wrong by one shows."""
    layer, codes = coupled[0], coupled[1][:, :batch]
    start, true = layer.initial_state(batch), packing.pack(layer)
    assert differences(layer, codes, start) == []
    value = getattr(true, part)
    if part == "to_h":
        value = value._replace(half=value.half + 1)
    elif part == "one":
        value = value + 1
    elif part == "gate":
        value = value._replace(words=value.words + (1 << 12))
    else:
        weights = value.weights.copy()
        weights[0, 0, 1, 3] += 1
        value = value._replace(weights=weights)
    monkeypatch.setattr(run, "pack", lambda _: true._replace(**{part: value}))
    assert differences(layer, codes, start)


def test_threads_and_calls_in_parts(monkeypatch):
    """Many threads, and calls of few steps each, give what one of all steps gives."""
    monkeypatch.setattr(run, "WORTH", 1)
    monkeypatch.setattr(run, "PRODUCTS", 20_000)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    rng, layers = any_layer(11)
    for each in layers:
        x = any_codes(rng, each.input, (50, 75, each.shape.inputs))
        assert differences(each, x, any_state(rng, each, 75)) == []

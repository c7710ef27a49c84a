"""The cell against scalar Python written from the papers' equations, one number at a time."""

import math

import numpy as np
import pytest

from golden import Layer, LayerState, ModelError
from tests.golden import nets

SCALAR = {
    "sigma": lambda a: 1 / (1 + math.exp(-a)),
    "tanh": math.tanh,
    "g1997": lambda a: 4 / (1 + math.exp(-a)) - 2,
    "h1997": lambda a: 2 / (1 + math.exp(-a)) - 1,
    "identity": lambda a: a,
}
CASES = {
    "1997, one cell": (3, 1, 1, False, True, "g1997", "h1997"),
    "1997, blocks of two": (3, 2, 2, False, True, "g1997", "h1997"),
    "1997, experiment 2": (2, 3, 1, False, False, "sigma", "identity"),
    "forget gates": (4, 5, 1, True, False, "tanh", "tanh"),
    "forget gates, blocks of three": (1, 2, 3, True, True, "tanh", "h1997"),
}


def scalar_run(layer: Layer, x, s, y, gates):
    """Every signal of T steps by the equations (7)-(9); lists of floats in and out."""
    shape = layer.shape
    sigma, g, h = SCALAR["sigma"], SCALAR[layer.g], SCALAR[layer.h]
    signals = {name: [] for name in shape.signals}
    s, y, gates = list(s), list(y), list(gates)

    def net(kind, row, sources):
        total = float(layer.biases[kind][row])
        for column, value in enumerate(sources):
            total += float(layer.weights[kind][row, column]) * value
        return total

    for now in x:
        sources = [*now, *y, *(gates if layer.gate_recurrence else [])]
        opened = {k: [sigma(net(k, b, sources)) for b in range(shape.blocks)] for k in shape.gates}
        cell_input, y = [], []
        for c in range(shape.cells):
            block = c // shape.block_size
            z = g(net("g", c, sources))
            forget = opened["f"][block] if "f" in opened else 1.0
            s[c] = forget * s[c] + opened["i"][block] * z
            cell_input.append(z)
            y.append(opened["o"][block] * h(s[c]))
        gates = [value for k in shape.gates for value in opened[k]]
        for name, values in {**opened, "g": cell_input, "s": s, "y": y}.items():
            signals[name].append(list(values))
    return signals, (s, y, gates)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_signal_equals_the_scalar_equations(case):
    rng = np.random.default_rng(11)
    layer = nets.layer(rng, *case)
    shape = layer.shape
    x = rng.normal(size=(25, 2, shape.inputs))
    start = LayerState(
        rng.normal(size=(2, shape.cells)),
        rng.normal(size=(2, shape.cells)),
        rng.uniform(size=(2, len(shape.gates) * shape.blocks)),
    )
    signals, end = layer.run(x, start)
    assert list(signals) == [*shape.gates, "g", "s", "y"]
    for n in range(2):
        want, last = scalar_run(layer, x[:, n].tolist(), start.s[n], start.y[n], start.gates[n])
        for name, values in signals.items():
            assert np.abs(values[:, n] - np.array(want[name])).max() < 1e-13, name
        for have, need in zip((end.s, end.y, end.gates), last, strict=True):
            assert np.abs(have[n] - np.array(need)).max() < 1e-13


def test_the_oracle_sees_a_changed_weight():
    """The comparison above can fail: one weight off by 1e-6 is seen in every signal."""
    rng = np.random.default_rng(12)
    layer = nets.layer(rng, 3, 2, 2, False, True, "g1997", "h1997")
    x = rng.normal(size=(25, 1, 3))
    want, _ = scalar_run(layer, x[:, 0].tolist(), *(np.zeros(4) for _ in range(3)))
    layer.weights["i"][0, -1] += 1e-6  # from an output gate
    signals, _ = layer.run(x, layer.initial_state(1))
    for name in ("i", "s", "y"):
        assert np.abs(signals[name][:, 0] - np.array(want[name])).max() > 1e-10


def test_the_1997_cell_is_a_forget_gate_lstm_with_half_the_cell_input():
    """g = 2 tanh(a/2), h = tanh(a/2): c = s/2 with halved cell input weights and f = 1."""
    rng = np.random.default_rng(13)
    old = nets.layer(rng, 3, 4, 1, False, False, "g1997", "h1997")
    weights = {**old.weights, "g": old.weights["g"] / 2, "f": np.zeros((4, 7))}
    new = Layer(weights, {**old.biases, "g": old.biases["g"] / 2, "f": np.full(4, 800.0)})
    x = rng.normal(size=(40, 1, 3))
    a, _ = old.run(x, old.initial_state(1))
    b, _ = new.run(x, new.initial_state(1))
    assert np.all(b["f"] == 1.0)
    assert np.abs(a["y"] - b["y"]).max() < 1e-14
    assert np.abs(a["s"] - 2 * b["s"]).max() < 1e-13


def test_shape():
    shape = nets.layer(np.random.default_rng(1), 5, 2, 3, True, True).shape
    assert (shape.inputs, shape.blocks, shape.block_size, shape.cells) == (5, 2, 3, 6)
    assert shape.columns == {"x": slice(0, 5), "y": slice(5, 11), "gates": slice(11, 17)}
    assert (shape.sources, shape.rows_per_block) == (17, 6)
    assert (shape.rows("g"), shape.rows("f")) == (6, 2)
    assert shape.signals == {"i": 2, "f": 2, "o": 2, "g": 6, "s": 6, "y": 6}


def parts(seed=1):
    layer = nets.layer(np.random.default_rng(seed), 2, 3)
    return dict(layer.weights), dict(layer.biases)


def without(values, kind):
    return {k: v for k, v in values.items() if k != kind}


BROKEN = {
    "missing weights": (lambda w, b: Layer(without(w, "o"), b), "weights: 'o' is missing"),
    "missing bias": (lambda w, b: Layer(w, without(b, "f")), "biases: 'f' is missing"),
    "bias of no gate": (lambda w, b: Layer(without(w, "f"), b), "biases: 'f' is not known"),
    "unknown kind": (lambda w, b: Layer({**w, "p": w["i"]}, b), "weights: 'p' is not known"),
    "flat": (lambda w, b: Layer({**w, "g": b["g"]}, b), "two dimensions"),
    "rows": (lambda w, b: Layer({**w, "g": w["g"][:2]}, b), r"weights g: shape \(2, 5\)"),
    "bias shape": (lambda w, b: Layer(w, {**b, "g": np.zeros(4)}), r"biases g: shape \(4,\)"),
    "no inputs": (lambda w, b: Layer({k: v[:, :3] for k, v in w.items()}, b), "leaves 0 inputs"),
    "single precision": (lambda w, b: Layer({**w, "i": w["i"].astype("f4")}, b), "float32"),
    "infinite": (lambda w, b: Layer(w, {**b, "f": np.full(3, np.inf)}), r"biases f\[0\]: inf"),
    "block size": (lambda w, b: Layer(w, b, 0), "block size 0"),
    "block size 2.0": (lambda w, b: Layer(w, b, 2.0), "block size 2.0"),
    "recurrence": (lambda w, b: Layer(w, b, 1, 1), "gate recurrence 1: must be True or False"),
    "squash": (lambda w, b: Layer(w, b, g="relu"), "'relu': allowed are"),
}


@pytest.mark.parametrize(("make", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_layers_are_refused(make, message):
    with pytest.raises(ModelError, match=message) as caught:
        make(*parts())
    assert "\n" not in str(caught.value)


def test_not_a_number_is_named_with_its_place():
    weights, biases = parts()
    weights["g"][2, 4] = np.nan
    with pytest.raises(ModelError, match=r"weights g\[2, 4\]: nan is not a finite number"):
        Layer(weights, biases)

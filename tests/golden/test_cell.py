"""The cell against scalar Python written from the papers' equations, one number at a time."""

import numpy as np
import pytest

from golden import Layer, LayerState, ModelError
from tests.golden import nets, oracle

CASES = {
    "1997, one cell": (3, 1, 1, False, True, "g1997", "h1997"),
    "1997, blocks of two": (3, 2, 2, False, True, "g1997", "h1997"),
    "1997, experiment 2": (2, 3, 1, False, False, "sigma", "identity"),
    "forget gates": (4, 5, 1, True, False, "tanh", "tanh"),
    "forget gates, blocks of three": (1, 2, 3, True, True, "tanh", "h1997"),
}


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
        want, last = oracle.run_layer(
            layer, x[:, n].tolist(), start.s[n], start.y[n], start.gates[n]
        )
        for name, values in signals.items():
            assert np.abs(values[:, n] - np.array(want[name])).max() < 1e-13, name
        for have, need in zip((end.s, end.y, end.gates), last, strict=True):
            assert np.abs(have[n] - np.array(need)).max() < 1e-13


KINDS = {
    "forget": {"forget": True},
    "1997": {"forget": False},
    "coupled": {"coupled": True},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_option_crossed_with_every_other_equals_the_scalar_equations(kind):
    """Every signal of two sequences, from the layer's own first state, and the state after."""
    cases = [options for options in nets.crossed() if kind.items() <= options.items()]
    assert len(cases) == 80
    for seed, options in enumerate(cases):
        rng = np.random.default_rng([14, seed])
        layer = nets.layer(rng, 2, 2, **options)
        x = 2 * rng.normal(size=(8, 2, 2))
        signals, end = layer.run(x, layer.initial_state(2))
        for n in range(2):
            want, last = oracle.run_layer(layer, x[:, n].tolist(), *oracle.start(layer))
            assert list(signals) == list(layer.shape.signals) and set(want) == set(signals)
            for name, values in signals.items():
                assert np.abs(values[:, n] - np.array(want[name])).max() < 1e-13, (options, name)
            for have, need in zip((end.s, end.y, end.gates), last, strict=True):
                assert np.abs(have[n] - np.array(need)).max() < 1e-13, options


OPTIONS = {
    "peepholes": ({"peepholes": True}, lambda layer: layer.peepholes),
    "projection": ({"projection": 2}, lambda layer: {"p": layer.projection}),
    "initial": ({"initial": ("s", "y")}, lambda layer: layer.initial),
}


@pytest.mark.parametrize(("options", "numbers"), OPTIONS.values(), ids=OPTIONS)
def test_every_number_of_an_option_counts(options, numbers):
    """Any one peephole, projection weight or initial value moved by 1e-6 moves y."""
    layer = nets.layer(np.random.default_rng(15), 2, 3, **options)
    x = np.random.default_rng(16).normal(size=(6, 1, 2))

    def y():
        return layer.run(x, layer.initial_state(1))[0]["y"]

    before, tried = y(), 0
    for values in numbers(layer).values():
        for place in np.ndindex(values.shape):
            values[place] += 1e-6
            assert np.abs(y() - before).max() > 1e-12, place
            values[place] -= 1e-6
            tried += 1
    assert tried == sum(values.size for values in numbers(layer).values()) > 3


def test_clipping_is_met_in_those_cases_and_limits_the_gates():
    """The crossed cases would say little of clip if no net input ever met it."""
    low, high = (
        oracle.SCALAR["sigma"](nets.CLIP["gate"][0]),
        1 / (1 + np.exp(-nets.CLIP["gate"][1])),
    )
    layer = nets.layer(np.random.default_rng(17), 2, 2, clip=nets.CLIP)
    x = 2 * np.random.default_rng(18).normal(size=(30, 1, 2))
    signals, _ = layer.run(x, layer.initial_state(1))
    for kind in "ifo":
        assert signals[kind].min() == pytest.approx(low, abs=1e-15)
        assert signals[kind].max() == pytest.approx(high, abs=1e-15)
    ends = np.tanh(nets.CLIP["g"])
    assert (signals["g"].min(), signals["g"].max()) == pytest.approx(tuple(ends), abs=1e-15)


def test_a_coupled_gate_is_one_less_the_input_gate():
    """The same as a forget gate whose rows are those of the input gate with the other sign."""
    coupled = nets.layer(np.random.default_rng(19), 3, 4, coupled=True)
    weights = {**coupled.weights, "f": -coupled.weights["i"]}
    plain = Layer(weights, {**coupled.biases, "f": -coupled.biases["i"]})
    x = np.random.default_rng(20).normal(size=(40, 1, 3))
    a, _ = coupled.run(x, coupled.initial_state(1))
    b, _ = plain.run(x, plain.initial_state(1))
    assert np.abs(a["y"] - b["y"]).max() < 1e-14 and "f" not in a


def test_a_projection_equal_to_the_unit_matrix_changes_nothing():
    plain = nets.layer(np.random.default_rng(21), 3, 4)
    projected = Layer(plain.weights, plain.biases, projection=np.eye(4))
    x = np.random.default_rng(22).normal(size=(20, 2, 3))
    a, _ = plain.run(x, plain.initial_state(2))
    b, _ = projected.run(x, projected.initial_state(2))
    assert np.array_equal(b["m"], b["y"]) and np.array_equal(a["y"], b["y"])


def test_the_oracle_sees_a_changed_weight():
    """The comparison above can fail: one weight off by 1e-6 is seen in every signal."""
    rng = np.random.default_rng(12)
    layer = nets.layer(rng, 3, 2, 2, False, True, "g1997", "h1997")
    x = rng.normal(size=(25, 1, 3))
    want, _ = oracle.run_layer(layer, x[:, 0].tolist(), *(np.zeros(4) for _ in range(3)))
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


def test_shape_with_a_projection():
    layer = nets.layer(np.random.default_rng(1), 5, 4, projection=2, peepholes=True, reverse=True)
    shape = layer.shape
    assert (shape.cells, shape.outputs, shape.projection, shape.sources) == (4, 2, 2, 7)
    assert (shape.peepholes, shape.coupled, shape.reverse, shape.beside) == (
        True,
        False,
        True,
        False,
    )
    assert shape.signals == {"i": 4, "f": 4, "o": 4, "g": 4, "s": 4, "m": 4, "y": 2}
    assert shape.state == {"s": 4, "y": 2, "gates": 12}


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
    "squash": (lambda w, b: Layer(w, b, g="elu"), "'elu': allowed are"),
    "squash of h": (lambda w, b: Layer(w, b, h="elu"), "'elu': allowed are"),
    "gate": (lambda w, b: Layer(w, b, gate="tanh"), "gates 'tanh': allowed are sigma, hard"),
    "coupled": (lambda w, b: Layer(w, b, coupled=True), r"'f' must not be there where f = 1 - i"),
    "coupled 1": (lambda w, b: Layer(w, b, coupled=None), "coupled None: must be True or False"),
    "reverse": (lambda w, b: Layer(w, b, reverse=None), "reverse None: must be True or False"),
    "beside": (lambda w, b: Layer(w, b, beside="no"), "beside 'no': must be True or False"),
    "beside forward": (lambda w, b: Layer(w, b, beside=True), "must run in reverse"),
    "few peepholes": (
        lambda w, b: Layer(w, b, peepholes={"i": b["i"]}),
        "layer peepholes: i, must be those of i, f, o",
    ),
    "peepholes of g": (lambda w, b: Layer(w, b, peepholes=b), "layer peepholes: .*, must be those"),
    "peepholes recurrent": (
        lambda w, b: Layer(
            {k: np.zeros((3, 14)) for k in w}, b, 1, True, peepholes=without(b, "g")
        ),
        "peepholes: only with blocks of one cell and without gate recurrence",
    ),
    "peepholes of blocks": (
        lambda w, b: Layer(
            {**{k: np.zeros((3, 8)) for k in w}, "g": np.zeros((6, 8))},
            {**b, "g": np.zeros(6)},
            2,
            peepholes=without(b, "g"),
        ),
        "peepholes: only with blocks of one cell",
    ),
    "peephole shape": (
        lambda w, b: Layer(w, b, peepholes={**without(b, "g"), "f": np.zeros(2)}),
        r"peepholes f: shape \(2,\), must be \(3,\)",
    ),
    "peephole infinite": (
        lambda w, b: Layer(w, b, peepholes={**without(b, "g"), "o": np.full(3, np.nan)}),
        r"peepholes o\[0\]: nan is not",
    ),
    "clip of h": (lambda w, b: Layer(w, b, clip={"h": (0.0, 1.0)}), "clip of 'h': allowed are"),
    "clip in turn": (lambda w, b: Layer(w, b, clip={"g": (1.0, 0.0)}), "the lower one first"),
    "clip of nothing": (lambda w, b: Layer(w, b, clip={"g": (1.0, 1.0)}), "the lower one first"),
    "clip of three": (lambda w, b: Layer(w, b, clip={"g": (0.0, 1.0, 2.0)}), "two numbers"),
    "clip infinite": (
        lambda w, b: Layer(w, b, clip={"gate": (0.0, np.inf)}),
        "must be two numbers",
    ),
    "projection flat": (lambda w, b: Layer(w, b, projection=b["i"]), r"projection: shape \(3,\)"),
    "projection empty": (
        lambda w, b: Layer(w, b, projection=np.zeros((0, 3))),
        r"projection: shape \(0, 3\), must be \(outputs, cells\)",
    ),
    "projection scalar": (lambda w, b: Layer(w, b, projection=np.array(1.0)), r"shape \(\), must"),
    "projection width": (
        lambda w, b: Layer(w, b, projection=np.zeros((2, 4))),
        r"projection: shape \(2, 4\), must be \(2, 3\)",
    ),
    "projection too high": (
        lambda w, b: Layer(w, b, projection=np.zeros((5, 3))),
        "leaves 0 inputs",
    ),
    "initial of m": (lambda w, b: Layer(w, b, initial={"m": b["i"]}), "'m': allowed are 's', 'y'"),
    "initial shape": (lambda w, b: Layer(w, b, initial={"s": np.zeros(2)}), r"initial s: shape"),
    "initial of y": (
        lambda w, b: Layer(w, b, projection=np.zeros((2, 3)), initial={"y": np.zeros(3)}),
        r"initial y: shape \(3,\), must be \(2,\)",
    ),
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

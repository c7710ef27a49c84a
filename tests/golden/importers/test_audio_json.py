"""JSON of audio plug-ins: what PyTorch's formula gives, refusals by name, damaged files."""

import json
import random

import numpy as np
import pytest

import golden
from tests.golden.importers.state_dicts import tensors
from tests.golden.importers.support import read_or_refused, refused
from tests.golden.importers.test_damaged_files import BYTES, somewhere
from tests.soak import few

RNG = np.random.default_rng(8)
KERAS = {
    "in_shape": [None, None, 3],
    "layers": [
        {
            "type": "dense",
            "activation": "",
            "shape": [None, None, 2],
            "weights": [RNG.standard_normal((3, 2)).tolist(), RNG.standard_normal(2).tolist()],
        },
        {
            "type": "batchnorm",
            "epsilon": 0.01,
            "weights": RNG.uniform(0.5, 1.5, (4, 2)).tolist(),
        },
        {
            "type": "conv1d",
            "kernel_size": [1],
            "weights": [RNG.standard_normal((1, 2, 3)).tolist(), RNG.standard_normal(3).tolist()],
        },
        {
            "type": "lstm",
            "activation": "tanh",
            "shape": [None, None, 4],
            "weights": [
                RNG.standard_normal((3, 16)).tolist(),
                RNG.standard_normal((4, 16)).tolist(),
                RNG.standard_normal(16).tolist(),
            ],
        },
        {"type": "dense", "activation": "tanh", "weights": [RNG.standard_normal((4, 1)).tolist()]},
    ],
}


def guitar(**said):
    """A file of GuitarML."""
    state = tensors()
    names = {"lstm.": "rec.", "fc.": "lin."}
    state = {
        new + name.removeprefix(old): value.tolist()
        for name, value in state.items()
        for old, new in names.items()
        if name.startswith(old)
    }
    return {"model_data": {"unit_type": "LSTM", "skip": 0, **said}, "state_dict": state}


def written(found, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def by_hand(x, gains=(1.0, 1.0)):
    """What `KERAS` gives for one sequence, whose columns are i | f | c | o."""
    first, norm, conv, lstm, last = (
        [np.array(values) for values in layer["weights"]] for layer in KERAS["layers"]
    )
    x = x * gains[0] @ first[0] + first[1]
    x = (x - norm[2]) / np.sqrt(norm[3] + 0.01) * norm[0] + norm[1]
    x = x @ conv[0][0] + conv[1]
    h, s, out = np.zeros(4), np.zeros(4), []
    for values in x:
        i, f, g, o = np.split(values @ lstm[0] + h @ lstm[1] + lstm[2], 4)
        s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(s)
        out.append(np.tanh(h @ last[0]) * gains[1])
    return np.array(out)


def test_layers_of_rtneural(tmp_path):
    x = RNG.standard_normal((7, 3))
    net = golden.load(written(KERAS, tmp_path))
    assert np.abs(net.run(x).out - by_hand(x)).max() < 1e-12
    assert net.made_by == (
        "JSON of RTNeural, read as dense layer 0, then batchnorm layer 1, then conv1d layer 2, "
        "then lstm layer 3, then dense layer 4"
    )


def test_gains_are_factors(tmp_path):
    x = RNG.standard_normal((7, 3))
    net = golden.load(written({**KERAS, "in_gain": 6.0, "out_gain": -6.0}, tmp_path))
    assert np.abs(net.run(x).out - by_hand(x, (10**0.3, 10**-0.3))).max() < 1e-12


def test_the_input_is_added(tmp_path):
    """Its first value, with the gain before the layers and under the gain behind them; of GuitarML
    as many as `skip` says, one of them to every output."""
    x, gains = RNG.standard_normal((7, 3)), {"in_gain": 6.0, "out_gain": -6.0}
    net = golden.load(written({**KERAS, **gains, "in_skip": 1}, tmp_path))
    want = by_hand(x, (10**0.3, 10**-0.3)) + x[:, :1] * 10**0.3 * 10**-0.3
    assert np.abs(net.run(x).out - want).max() < 1e-12
    assert net.reads and [stage.squash for stage in net.head] == ["tanh", "identity"]
    plain, skipped = (golden.load(written(guitar(skip=skip), tmp_path)) for skip in (0, 1))
    assert np.abs(skipped.run(x).out - plain.run(x).out - x[:, :1]).max() < 1e-12
    two = golden.load(written(guitar(skip=2), tmp_path))
    assert np.abs(two.run(x).out - plain.run(x).out - x[:, :2]).max() < 1e-12


def test_tensors_of_guitarml_and_of_pytorch_are_those_of_a_state_dict(tmp_path):
    x, found = RNG.standard_normal((7, 3)), tensors()
    net = golden.load(written(guitar(), tmp_path))
    flat = {name: value.tolist() for name, value in found.items()}
    same = golden.load(written(flat, tmp_path), ("lstm", "fc"))
    assert np.array_equal(net.run(x).out, same.run(x).out)
    assert net.made_by == "GuitarML, read as nn.LSTM 'rec', then nn.Linear 'lin' without a sigmoid"


def changed(k, **layer):
    """`KERAS` with layer k changed."""
    layers = [dict(entry) for entry in KERAS["layers"]]
    layers[k] |= layer
    return {**KERAS, "layers": layers}


BAD = {
    "list": ([1], "holds [1], must be a JSON object"),
    "words": ({"a": "b"}, "'a': 'b', must be a list of numbers; not a model file of RTNeural"),
    "ragged": ({"a": [[1], [1, 2]]}, "'a': must be lists of numbers, all of the same length"),
    "truth": ({"a": [True]}, "'a': must be lists of numbers"),
    "vast": ({"a": [1 << 70]}, "'a': must be lists of numbers"),
    "infinite": ({"a": [1e400]}, "'a'"),
    "other tensor": ({"a": [1.0]}, "'a': is no tensor of an nn.LSTM or an nn.Linear"),
    "skip": (guitar(skip=4), "skip 4: there are 3 inputs"),
    "wide skip": (guitar(skip=3), "skip 3: adds 3 values of the input to 2"),
    "in_skip": ({**KERAS, "in_skip": 2}, "in_skip 2: must be 0 or 1"),
    "gain": ({**KERAS, "in_gain": "loud"}, "in_gain 'loud': must be a number of dB"),
    "unit_type": (guitar(unit_type="GRU"), "unit_type 'GRU' is not supported, only LSTM"),
    "skip word": (guitar(skip="yes"), "skip 'yes': must be a whole number"),
    "key": ({**KERAS, "more": 1}, "'more' is not known; not a model file of RTNeural or AIDA-X"),
    "in_shape": ({**KERAS, "in_shape": []}, "in_shape []: must end with the number of inputs"),
    "type": (changed(3, type="gru"), "layer 3: type 'gru' is not supported; supported are lstm, "),
    "function": (changed(4, activation="elu"), "dense layer 4, elu: elu is not supported, only"),
    "in front": (
        changed(0, activation="elu"),
        "dense layer 0, elu: elu is not supported, only sigma, tanh, g1997, h1997, identity, hard, "
        "hardtanh, relu, relu6; let what it gives be the input",
    ),
    "h": (changed(3, activation="elu"), "lstm layer 3: activation 'elu' is not supported, only"),
    "shape": (changed(4, shape=[None, 7]), "dense layer 4: shape [None, 7], its weights give 1"),
    "widths": (changed(3, weights=[[[1.0] * 16]] * 3), "weights 0 of lstm layer 3: shape (1, 16)"),
    "count": (changed(3, weights=[]), "lstm layer 3: 0 arrays of weights, must be 3"),
    "wide": (changed(2, weights=[[[[1.0]]] * 2]), "conv1d layer 2: a convolution over 2 steps"),
    "epsilon": (changed(1, epsilon=-9.0), "batchnorm layer 1: epsilon -9.0 and its variances"),
}


@pytest.mark.parametrize(("found", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_by_name(found, message, tmp_path):
    assert message in refused(written(found, tmp_path))


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 100000, '{"layers": [}', "\xff"])
def test_what_is_no_json(text, tmp_path):
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    assert "not readable JSON" in refused(tmp_path / "a.json")


def test_a_file_beyond_all_models_is_not_read(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(1 << 30)
    assert "1073741824 bytes, allowed are 67108864 of a .json file" in refused(tmp_path / "a.json")


@pytest.mark.parametrize("seed", few(range(150), range(1000)))
def test_a_damaged_file_is_read_or_refused(seed, tmp_path):
    rng = random.Random(seed)
    found = json.loads(json.dumps(rng.choice([KERAS, guitar()])))
    if rng.random() < 0.6:
        for _ in range(rng.randrange(1, 3)):
            somewhere(rng, found)
        data = json.dumps(found).encode()
    else:
        data = rng.choice(BYTES)(rng, json.dumps(found).encode())
    read_or_refused(tmp_path / "a.json", data)

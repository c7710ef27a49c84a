"""Keras files: the outputs that Keras gave, and a refusal by name for all else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden.importers.keras_files import members, with_config, zipped
from tests.golden.importers.support import DATA, read_or_refused, refused, sample

SAMPLES = (
    "plain",
    "deep",
    "bias_free",
    "sigmoid",
    "linear",
    "functional",
    "hard_sigmoid",
    "stateful",
    "bidirectional",
    "bidirectional_deep",
    "bidirectional_first",
    "bidirectional_hard",
    "backwards",
    "backwards_twice",
    "backwards_below",
    "backwards_bidirectional",
    "backwards_around",
    "backwards_above",
)


@pytest.mark.usefixtures("hdf5_here")
@pytest.mark.parametrize("name", SAMPLES)
def test_outputs_are_those_of_keras(name):
    net, x, out = sample(f"keras_{name}.keras")
    found = net.run(x).out
    assert found.shape[1] == (len(x[0]) if out.ndim == 3 else 1)
    assert np.abs((found if out.ndim == 3 else found[:, 0]) - out).max() < 1e-6
    assert net.name == f"keras_{name}"
    assert (net.output == "every") == (out.ndim == 3)


READINGS = {
    "deep": "LSTM 'lstm_1', then LSTM 'lstm_2', then LSTM 'lstm_3', then Dense 'dense'; output of "
    "the last step",
    "stateful": "LSTM 'lstm_8' (stateful); output of every step",
    "bidirectional": "Bidirectional 'bidirectional'; output of each direction's last step",
    "backwards": "LSTM 'lstm_14' (go_backwards); output of each direction's last step",
}


@pytest.mark.usefixtures("hdf5_here")
@pytest.mark.parametrize("name", READINGS)
def test_what_was_read_is_said(name):
    assert sample(f"keras_{name}.keras")[0].made_by == f"Keras 3, {READINGS[name]}"


FORWARD, REVERSE, BESIDE = (False, False), (True, False), (True, True)
WAYS = {
    "bidirectional_first": [FORWARD, BESIDE, FORWARD],
    "backwards_twice": [REVERSE, FORWARD],
    "backwards_below": [REVERSE, REVERSE],
    "backwards_around": [REVERSE, FORWARD, BESIDE, FORWARD],
}


@pytest.mark.usefixtures("hdf5_here")
@pytest.mark.parametrize("name", WAYS)
def test_a_layer_runs_in_reverse_where_the_original_steps_do(name):
    layers = sample(f"keras_{name}.keras")[0].layers
    assert [(layer.reverse, layer.beside) for layer in layers] == WAYS[name]


@pytest.mark.parametrize("name", ["hard_sigmoid", "bidirectional_hard"])
def test_the_hard_sigmoid_reaches_both_its_ends(name):
    """So that the outputs prove where it is cut off, and not only its slope."""
    net, x, _ = sample(f"keras_{name}.keras")
    for k, layer in enumerate(net.layers):
        assert layer.gate == "hard"
        for gate in layer.shape.gates:
            values = net.run(x).get(gate, k)
            assert {0.0, 1.0} < set(values.flat)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lambda", "layer 'lambda': 'Lambda' is not supported"),
        ("gru", "layer 'gru': 'GRU' is not supported"),
    ],
)
def test_other_models_of_keras_are_named(name, message):
    assert message in refused(DATA / f"keras_{name}.keras")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.keras"


OPTIONS: dict[str, tuple[str, str, Any, str]] = {
    "gates": ("LSTM", "recurrent_activation", "elu", "'elu' is not supported; supported: sigmo"),
    "squash": ("LSTM", "activation", "elu", "activation 'elu' is not supported; supported: tan"),
    "own function": ("LSTM", "activation", {"class_name": "function", "config": "f"}, "activation"),
    "hard squash": ("LSTM", "activation", "hard_sigmoid", "activation 'hard_sigmoid' is not supp"),
    "backwards a number": ("LSTM", "go_backwards", 1, "go_backwards 1 is not supported"),
    "stateful a word": ("LSTM", "stateful", "no", "stateful 'no' is not supported; supported: T"),
    "state a number": ("LSTM", "return_state", 1, "return_state 1 is not supported"),
    "time major": ("LSTM", "time_major", True, "time_major True is not supported"),
    "new option": ("LSTM", "peepholes", True, "option 'peepholes' is not known"),
    "bias a number": ("LSTM", "use_bias", 1, "use_bias 1 is not supported"),
    "no units": ("LSTM", "units", 0, "units 0 must be a whole number"),
    "units of text": ("LSTM", "units", "6", "units '6' must be a whole number"),
    "absurd units": ("LSTM", "units", 10**9, "numbers in all, allowed are"),
    "other units": ("LSTM", "units", 7, "layers/lstm/cell/vars/0 has shape (3, 24), must be (3, 2"),
    "no bias": ("LSTM", "use_bias", False, "has 3 arrays, must have 2"),
    "last step": ("LSTM", "return_sequences", False, "return_sequences must be true before anoth"),
    "other name": ("LSTM", "name", "x", "layers/lstm/cell/vars belongs to layer 'lstm_1', not 'x'"),
    "no name": ("LSTM", "name", 3, "LSTM: name 3 must be text"),
    "integers": ("LSTM", "dtype", {"config": {"name": "int8"}}, "dtype 'int8' is not supported"),
    "readout": (
        "Dense",
        "activation",
        "elu",
        "; save the model without that function: model.get_layer('dense').activation = keras.",
    ),
    "own readout": ("Dense", "activation", {"a": 1}, "activation {'a': 1} is not supported"),
    "lora": ("Dense", "lora_rank", 4, "lora_rank 4 is not supported"),
    "quantized": ("Dense", "quantization_config", {}, "quantization_config {} is not supported"),
    "input": ("InputLayer", "batch_shape", [None, 3], "batch_shape [None, 3]: must be"),
    "no inputs": (
        "InputLayer",
        "batch_shape",
        [None, None, 0],
        "[None, None, 0]: must be [batch",
    ),
    "inputs a flag": ("InputLayer", "batch_shape", [None, 3, True], "3, True]: must be [batch, "),
    "sparse": ("InputLayer", "sparse", True, "sparse True is not supported"),
    "other inputs": ("InputLayer", "batch_shape", [None, None, 4], "has shape (3, 24), must be (4"),
}


@pytest.mark.parametrize(("kind", "option", "value", "message"), OPTIONS.values(), ids=OPTIONS)
def test_options(kind, option, value, message, path):
    def change(config):
        layers = config["config"]["layers"]
        next(one for one in layers if one["class_name"] == kind)["config"][option] = value

    assert message in with_config(path, "deep", change)


def at(config: Any, *place: Any) -> Any:
    for step in place:
        config = config[step]
    return config


MODELS: dict[str, tuple[str, Any, str]] = {
    "class": ("deep", lambda c: c.update(class_name="Model"), "model 'Model': must be Sequential"),
    "module": ("deep", lambda c: c.update(module="mine"), "of Keras itself"),
    "own LSTM": (
        "deep",
        lambda c: at(c, "config", "layers", 1).update(registered_name="mine>LSTM"),
        "layer 'lstm_1': 'LSTM' is not supported; supported are InputLayer, LSTM, RNN, ",
    ),
    "no list": ("deep", lambda c: c["config"].update(layers=3), "layers: 3, must be a list"),
    "layer": ("deep", lambda c: c["config"].update(layers=[3]), "layer: 3, must be a JSON object"),
    "no layers": ("deep", lambda c: c["config"].update(layers=[]), "no LSTM is in it"),
    "twice": (
        "deep",
        lambda c: c["config"]["layers"].append(c["config"]["layers"][1]),
        "a layer of this name is there twice",
    ),
    "no input": ("plain", lambda c: c["config"]["layers"].pop(0), "no InputLayer before it"),
    "late input": ("plain", lambda c: c["config"]["layers"].reverse(), "no InputLayer before it"),
    "dense first": (
        "sigmoid",
        lambda c: c["config"]["layers"].insert(1, c["config"]["layers"].pop()),
        "layers/dense/vars/0 has shape (5, 1), must be (3, 1)",
    ),
    "weights of another": (
        "deep",
        lambda c: c["config"]["layers"].pop(),
        "layers/dense/vars belongs to no layer",
    ),
    "two outputs": (
        "functional",
        lambda c: c["config"].update(output_layers=[["a", 0, 0], ["b", 0, 0]]),
        "layer 'dropout_1' is not between the input and the output",
    ),
    "early output": (
        "functional",
        lambda c: c["config"].update(output_layers=["b", 0, 0]),
        "layer 'dropout_1' is not between the input and the output",
    ),
    "loop": (
        "functional",
        lambda c: [
            one["inbound_nodes"][0]["args"][0]["config"].update(keras_history=["head", 0, 0])
            for one in c["config"]["layers"]
            if one["name"] == "a"
        ],
        "layer 'head' feeds itself",
    ),
    "shared layer": (
        "functional",
        lambda c: [
            one.update(inbound_nodes=one["inbound_nodes"] * 2)
            for one in c["config"]["layers"]
            if one["name"] == "a"
        ],
        "LSTM 'a': is used 2 times, must be once",
    ),
    "initial state": (
        "functional",
        lambda c: [
            one["inbound_nodes"][0]["kwargs"].update(initial_state=[1])
            for one in c["config"]["layers"]
            if one["name"] == "a"
        ],
        "LSTM 'a': is called with 'initial_state', which is not supported",
    ),
    "second output": (
        "functional",
        lambda c: [
            one["inbound_nodes"][0]["args"][0]["config"].update(keras_history=["a", 0, 1])
            for one in c["config"]["layers"]
            if one["name"] == "b"
        ],
        "must be a layer's only output",
    ),
    "no argument": (
        "functional",
        lambda c: [
            one["inbound_nodes"][0].update(args=[])
            for one in c["config"]["layers"]
            if one["name"] == "b"
        ],
        "must have one input",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), MODELS.values(), ids=MODELS)
def test_models(name, change, message, path):
    assert message in with_config(path, name, change)


def lstm(config: Any, name: str) -> Any:
    """The options of one LSTM of a model, also within a Bidirectional."""
    for entry in config["config"]["layers"]:
        inner = (entry["config"].get("layer"), entry["config"].get("backward_layer"))
        for one in (entry, *(one for one in inner if one)):
            if one["config"]["name"] == name:
                return one["config"]
    raise KeyError(name)


def both(config: Any) -> Any:
    """The options of the first Bidirectional of a model."""
    layers = config["config"]["layers"]
    return next(one["config"] for one in layers if one["class_name"] == "Bidirectional")


DIRECTIONS: dict[str, tuple[str, Any, str]] = {
    "sum": ("bidirectional", lambda c: both(c).update(merge_mode="sum"), "merge_mode 'sum' is not"),
    "list": ("bidirectional", lambda c: both(c).update(merge_mode=None), "merge_mode None is not"),
    "option": ("bidirectional", lambda c: both(c).update(weights=[1]), "option 'weights' is not"),
    "other cell": (
        "bidirectional",
        lambda c: both(c)["layer"].update(class_name="GRU"),
        "'GRU' is not supported; the cells are those of LSTM: train layers.LSTM",
    ),
    "own cell": (
        "bidirectional",
        lambda c: both(c)["backward_layer"].update(module="mine"),
        "'LSTM' is not supported; supported are LSTM of Keras itself",
    ),
    "one layer": (
        "bidirectional",
        lambda c: both(c).pop("backward_layer"),
        "backward_layer of 'bidirectional': None, must be a JSON object",
    ),
    "inner option": (
        "bidirectional",
        lambda c: both(c)["layer"]["config"].update(activation="elu"),
        "activation 'elu' is not supported",
    ),
    "forward layer turned": (
        "bidirectional_hard",
        lambda c: lstm(c, "forward_there").update(go_backwards=True),
        "LSTM 'forward_there': go_backwards True is not supported of a forward_layer",
    ),
    "backward layer turned": (
        "bidirectional_hard",
        lambda c: lstm(c, "back").update(go_backwards=False),
        "LSTM 'back': go_backwards False is not supported of a backward_layer",
    ),
    "other units": (
        "bidirectional_hard",
        lambda c: lstm(c, "back").update(units=5),
        "Bidirectional 'both': units 4 forward, 5 backward: must be the same",
    ),
    "other gates": (
        "bidirectional_hard",
        lambda c: lstm(c, "back").update(recurrent_activation="sigmoid"),
        "recurrent_activation 'hard_sigmoid' forward, 'sigmoid' backward: must be the same",
    ),
    "weights of the other direction": (
        "bidirectional_hard",
        lambda c: lstm(c, "back").update(name="forward_there"),
        "layers/bidirectional/backward_layer/cell/vars belongs to layer 'back', not 'forw",
    ),
    "last step": (
        "bidirectional_first",
        lambda c: [
            both(c)[part]["config"].update(return_sequences=False)
            for part in ("layer", "backward_layer")
        ],
        "return_sequences must be true before another LSTM",
    ),
    "reversed steps": (
        "backwards",
        lambda c: lstm(c, "lstm_14").update(return_sequences=True),
        "LSTM 'lstm_14': gives every step, the last one first (go_backwards), which is not",
    ),
    "reversed steps of two": (
        "backwards_twice",
        lambda c: lstm(c, "lstm_16").update(go_backwards=False),
        "gives every step, the last one first (go_backwards), which is not",
    ),
    "joined the other way round": (
        "backwards_bidirectional",
        lambda c: c["config"]["layers"].pop(),
        "Bidirectional 'bidirectional_4': is last and runs on steps in reverse (go_backwards)",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), DIRECTIONS.values(), ids=DIRECTIONS)
def test_directions(name, change, message, path):
    assert message in with_config(path, name, change)


def test_options_of_training_change_nothing(path):
    found = members("deep")
    config = json.loads(found["config.json"])
    config["config"]["layers"][1]["config"] |= {
        "implementation": 2, "unroll": True, "recurrent_regularizer": {}, "seed": 4, "new": None,
    }  # fmt: skip
    assert read_or_refused(path, zipped({**found, "config.json": json.dumps(config).encode()}))

"""Layers around the LSTMs of Keras files, and .h5 files: the outputs that Keras gave."""

import json

import h5py
import numpy as np
import pytest

import golden
from golden.reading import vectors
from tests.golden.importers.keras_files import with_config
from tests.golden.importers.support import DATA, read_or_refused, refused
from tests.soak import few


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The input and the output of a sample."""
    with np.load(DATA / f"keras_{name}.npz") as archive:
        return archive["input"], archive["output"]


@pytest.mark.usefixtures("hdf5_here")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize(
    "name",
    [
        "around",
        "within",
        "embedded",
        "convolved",
        "causal",
        "same",
        "branched",
        "pooled",
        "largest",
        "heads",
    ],
)
def test_outputs_are_those_of_keras(name, suffix):
    net, (x, out) = golden.load(DATA / f"keras_{name}.{suffix}"), case(name)
    x = net.reading.window.of(vectors(x, net.inputs) if net.reading.indices else x, net.inputs)
    found = net.run(x).out
    assert np.abs(found.reshape(out.shape) - out).max() < 1e-6
    assert net.reading.axes == ("NT" if name == "embedded" else "NTD")


def test_several_outputs_have_names():
    assert golden.load(DATA / "keras_heads.keras").reading.heads == (("policy", 3), ("value", 1))


def test_what_became_of_each_layer_is_told():
    (table, folded), (cells, layer), (_, last) = golden.load(
        DATA / "keras_embedded.keras"
    ).reading.stages
    assert table.startswith("Embedding")
    assert (folded, layer, last) == (f"folded into {cells}", "layer 0", "readout")


@pytest.fixture
def h5(tmp_path):
    """A copy of a sample that may be changed, opened."""
    path = tmp_path / "a.h5"
    path.write_bytes((DATA / "keras_embedded.h5").read_bytes())
    return path


def changed(path, change) -> str:
    """The refusal of the file with its HDF5 changed."""
    with h5py.File(path, "r+") as file:
        change(file)
    return refused(path)


def configured(file, change) -> None:
    config = json.loads(file.attrs["model_config"])
    change(config["config"]["layers"])
    file.attrs["model_config"] = json.dumps(config)


BAD = {
    "weights alone": (
        lambda f: f.attrs.pop("model_config"),
        "model: attribute model_config is missing; give the .h5 of a whole model (model.save)",
    ),
    "version": (lambda f: f.attrs.modify("keras_version", "1.2"), "keras_version '1.2': must be 2"),
    "no weights": (lambda f: f.pop("model_weights"), "model_weights/"),
    "units": (
        lambda f: configured(f, lambda all: all[2]["config"].update(units=6)),
        "must be (4, 24)",
    ),
    "one less": (
        lambda f: configured(f, lambda all: all[2]["config"].update(use_bias=False)),
        "has 3 arrays, must have 2",
    ),
    "one layer less": (
        lambda f: configured(f, lambda all: all.pop()),
        "belongs to no layer that computes",
    ),
    "mask": (
        lambda f: configured(f, lambda all: all[1]["config"].update(mask_zero=True)),
        "mask_zero is not supported; steps that equal the mask keep the state; leave the mask",
    ),
    "class": (
        lambda f: configured(f, lambda all: all[2].update(class_name="GRU")),
        "'GRU' is not supported; the cells are those of LSTM: train layers.LSTM",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_an_h5_that_cannot_be_read_is_refused(change, message, h5):
    assert message in changed(h5, change)


def test_an_h5_of_keras_2_has_its_own_words(h5):
    """No modules, the input's shape in the first layer, and another hard sigmoid."""

    def older(layers):
        shape = layers.pop(0)["config"]["batch_shape"]
        layers[0]["config"]["batch_input_shape"] = shape
        layers[1]["config"]["recurrent_activation"] = "hard_sigmoid"
        layers[1]["config"]["time_major"] = False

    with h5py.File(h5, "r+") as file:
        configured(file, older)
        file.attrs.modify("keras_version", "2.15.0")
    net, same = golden.load(h5), golden.load(DATA / "keras_embedded.keras").layers[0]
    layer = net.layers[0]
    assert layer.gate == "hard"
    assert np.abs(layer.weights["i"] - 0.2 * same.weights["i"]).max() < 1e-12
    assert np.abs(layer.biases["i"] - (0.2 * same.biases["i"] + 0.5)).max() < 1e-12
    assert net.made_by.startswith("Keras 2, Embedding")


@pytest.mark.parametrize("seed", few(range(12), range(200)))
def test_a_damaged_h5_is_read_or_refused(seed, h5):
    rng, data = np.random.default_rng(seed), bytearray(h5.read_bytes())
    for _ in range(rng.integers(1, 6)):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    if rng.random() < 0.3:
        del data[int(rng.integers(len(data))) :]
    read_or_refused(h5, bytes(data))


LAYERS = {
    "masking": (
        lambda layers: layers.insert(1, {"class_name": "Masking", "config": {"name": "m"}}),
        "'Masking' is not supported; steps that equal the mask keep the state; leave the mask out",
    ),
    "norm": (
        lambda layers: layers[1].update(class_name="LayerNormalization"),
        "'LayerNormalization' is not supported; it normalises over the values of a step; save ",
    ),
    "other axis": (
        lambda layers: layers[5]["config"].update(axis=1),
        "axis 1 is not supported; supported: -1, 2",
    ),
    "epsilon": (
        lambda layers: layers[5]["config"].update(epsilon=-9.0),
        "epsilon and its variances must be above 0",
    ),
    "mean": (
        lambda layers: layers[1]["config"].update(mean=[[1.0, 2.0]]),
        "mean: must be 3 numbers",
    ),
    "scale": (lambda layers: layers[2]["config"].update(scale="a"), "scale 'a' must be a number"),
    "wide": (
        lambda layers: layers[4]["config"].update(kernel_size=[3]),
        "a convolution over time that",
    ),
    "wider": (lambda layers: layers[4]["config"].update(kernel_size=[0]), "kernel_size 0: must be"),
    "function in front": (
        lambda layers: layers[3]["config"].update(activation="elu"),
        "elu: elu is not supported, only sigma, ",
    ),
}


@pytest.mark.parametrize(("change", "message"), LAYERS.values(), ids=LAYERS)
def test_layers_that_cannot_be_read_are_refused_by_name(change, message, tmp_path):
    said = with_config(tmp_path / "a.keras", "around", lambda c: change(c["config"]["layers"]))
    assert message in said

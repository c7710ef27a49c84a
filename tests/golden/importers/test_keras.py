"""Keras files: the outputs that Keras gave, and a refusal by name for all else."""

import copy
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import ModelError
from golden.importers import hdf5, hdf5_worker
from tests.golden.importers.support import DATA, read_or_refused, refused, sample

SAMPLES = ("plain", "deep", "bias_free", "sigmoid", "linear", "functional")
WEIGHTS = "model.weights.h5"


@pytest.mark.parametrize("name", SAMPLES)
def test_outputs_are_those_of_keras(name):
    net, x, out = sample(f"keras_{name}.keras")
    found = net.run(x).out
    assert np.abs((found if out.ndim == 3 else found[:, -1]) - out).max() < 1e-6
    assert net.name == f"keras_{name}"
    assert net.made_by.endswith("every step" if out.ndim == 3 else "the last step")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hard_sigmoid", "recurrent_activation 'hard_sigmoid' is not supported; supported: sig"),
        ("bidirectional", "'Bidirectional' is not supported; supported are InputLayer, LSTM, De"),
        ("lambda", "layer 'lambda': 'Lambda' is not supported"),
        ("gru", "layer 'gru': 'GRU' is not supported"),
    ],
)
def test_other_models_of_keras_are_named(name, message):
    assert message in refused(DATA / f"keras_{name}.keras")


def members(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(DATA / f"keras_{name}.keras") as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(found: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return file.getvalue()


def written(path: Path, found: dict[str, bytes]) -> Path:
    path.write_bytes(zipped(found))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.keras"


def with_config(path: Path, name: str, change: Any) -> str:
    """The refusal of a sample whose config was changed."""
    found = members(name)
    config = json.loads(found["config.json"])
    change(config)
    return refused(written(path, {**found, "config.json": json.dumps(config).encode()}))


OPTIONS: dict[str, tuple[str, str, Any, str]] = {
    "gates": ("LSTM", "recurrent_activation", "relu", "'relu' is not supported; supported: sigmo"),
    "squash": ("LSTM", "activation", "relu", "activation 'relu' is not supported; supported: tan"),
    "own function": ("LSTM", "activation", {"class_name": "function", "config": "f"}, "activation"),
    "backwards": ("LSTM", "go_backwards", True, "go_backwards True is not supported"),
    "stateful": ("LSTM", "stateful", True, "stateful True is not supported"),
    "state": ("LSTM", "return_state", True, "return_state True is not supported"),
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
    "readout": ("Dense", "activation", "softmax", "'softmax' is not supported; supported: sigmoid"),
    "lora": ("Dense", "lora_rank", 4, "lora_rank 4 is not supported"),
    "quantized": ("Dense", "quantization_config", {}, "quantization_config {} is not supported"),
    "input": ("InputLayer", "batch_shape", [None, 3], "batch_shape [None, 3]: must be"),
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
        "'LSTM' is not supported; supported are InputLayer, LSTM, Dense, Dropout of Keras itself",
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
        "comes before the LSTM, which is not supported",
    ),
    "weights of another": (
        "deep",
        lambda c: c["config"]["layers"].pop(),
        "layers/dense belongs to no layer",
    ),
    "two outputs": (
        "functional",
        lambda c: c["config"].update(output_layers=[["a", 0, 0], ["b", 0, 0]]),
        "must be one of each",
    ),
    "early output": (
        "functional",
        lambda c: c["config"].update(output_layers=["b", 0, 0]),
        "is not in one line with the others",
    ),
    "loop": (
        "functional",
        lambda c: [
            one["inbound_nodes"][0]["args"][0]["config"].update(keras_history=["head", 0, 0])
            for one in c["config"]["layers"]
            if one["name"] == "a"
        ],
        "layer 'head' is missing or feeds itself",
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


def test_options_of_training_change_nothing(path):
    found = members("deep")
    config = json.loads(found["config.json"])
    config["config"]["layers"][1]["config"] |= {
        "implementation": 2, "unroll": True, "recurrent_regularizer": {}, "seed": 4, "new": None,
    }  # fmt: skip
    assert read_or_refused(path, zipped({**found, "config.json": json.dumps(config).encode()}))


def with_weights(path: Path, change: Any) -> str:
    """The refusal of a sample whose HDF5 file was changed."""
    found = members("deep")
    file = io.BytesIO(found[WEIGHTS])
    with h5py.File(file, "r+") as weights:
        change(weights)
    return refused(written(path, {**found, WEIGHTS: file.getvalue()}))


KERNEL = "layers/dense/vars/0"


def put(file: Any, values: Any, **options: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, data=values, **options)


def virtual(file: Any) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((4, 2), "f4")
    layout[:] = h5py.VirtualSource("/dev/null", "x", (4, 2))
    file.create_virtual_dataset(KERNEL, layout)


def link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/dev/null", "x")


def outside(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (4, 2), "f4", external=[("/dev/zero", 0, 32)])


def huge(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 40, 2), "f4", chunks=(1024, 2))


NAN = np.zeros((4, 2), np.float32)
NAN[3, 1] = np.inf
ARRAYS = {
    "NaN": (lambda f: put(f, NAN), f"'{KERNEL}'[3, 1]: inf is not a finite number"),
    "integers": (lambda f: put(f, np.zeros((4, 2), int)), f"{KERNEL} has type int64, allowed are"),
    "big-endian": (lambda f: put(f, np.zeros((4, 2), ">f4")), "has type >f4"),
    "shape": (lambda f: put(f, np.zeros((2, 4), "f4")), "has shape (2, 4), must be (4, 2)"),
    "packed": (lambda f: put(f, np.zeros((4, 2), "f4"), compression="gzip"), "not stored in one"),
    "virtual": (virtual, "not stored in one piece in the file"),
    "another file": (link, f"{KERNEL} is missing"),
    "bytes of another file": (outside, "not stored in one piece in the file"),
    "absurd size": (huge, f"{KERNEL} has shape (1099511627776, 2)"),
    "group": (lambda f: [f.pop(KERNEL), f.create_group(KERNEL)], f"{KERNEL} is not an array"),
    "gone": (lambda f: f.pop("layers/lstm_1"), "layers/lstm_1/cell/vars is missing"),
    "array for a group": (
        lambda f: [f.pop("layers"), f.create_dataset("layers", data=1.0)],
        "layers/lstm/cell/vars is missing",
    ),
}


@pytest.mark.parametrize(("change", "message"), ARRAYS.values(), ids=ARRAYS)
def test_weights(change, message, path):
    assert message in with_weights(path, change)


FILES = {
    "version": ({"metadata.json": b'{"keras_version": "2.15.0"}'}, "keras_version '2.15.0': must"),
    "no version": ({"metadata.json": b"[]"}, "metadata.json: [], must be a JSON object"),
    "no JSON": ({"config.json": b"{"}, "not a readable model file"),
    "deep JSON": ({"config.json": b"[" * 100_000}, "not a readable model file"),
    "no text": ({"config.json": b"\xff\xfe\xff"}, "not a readable model file"),
    "no HDF5": ({WEIGHTS: b"weights"}, "model.weights.h5: damaged (OSError("),
    "no weights": ({WEIGHTS: None}, "model.weights.h5 is missing; not a model file of Keras 3"),
}


@pytest.mark.parametrize(("changes", "message"), FILES.values(), ids=FILES)
def test_files(changes, message, path):
    found = {**members("plain"), **changes}
    assert message in refused(written(path, {n: d for n, d in found.items() if d is not None}))


WORKERS = {
    "loops": ("while True: pass", "damaged (not read within 1 s by the HDF5 library)"),
    "crashes": ("import os; os.abort()", "damaged (the HDF5 library gave up, status -6)"),
}


@pytest.mark.parametrize(("program", "message"), WORKERS.values(), ids=WORKERS)
def test_a_library_that_does_not_come_back(program, message, monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text(program)
    monkeypatch.setattr(hdf5, "WORKER", worker)
    monkeypatch.setattr(hdf5, "SECONDS", 1.0)
    assert message in refused(DATA / "keras_plain.keras")


def test_weights_that_make_the_library_loop(monkeypatch, path):
    """The second object in the heap of names claims another size."""
    monkeypatch.setattr(hdf5, "SECONDS", 3.0)
    found = members("deep")
    weights = bytearray(found[WEIGHTS])
    weights[weights.index(b"GCOL") + 56] = 255
    assert "not read within 3 s" in refused(written(path, {**found, WEIGHTS: bytes(weights)}))


def test_no_zip(path):
    path.write_bytes(b"PK weights")
    assert "not a readable model file" in refused(path)


def test_a_member_that_is_there_twice(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("config.json", "[]")
    assert "'config.json' is in it twice" in refused(path)


def test_a_bomb_is_not_unpacked(path):
    bomb = {**members("plain"), WEIGHTS: bytes(50 << 20)}
    data = zipped(bomb, zipfile.ZIP_DEFLATED)
    assert not read_or_refused(path, data, most=5 << 20)
    assert "unpacks to 5243" in refused(path)


def test_a_file_that_was_packed_again_is_read(path):
    assert read_or_refused(path, zipped(members("deep"), zipfile.ZIP_DEFLATED))


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert refused(DATA / "keras_plain.keras") == (
        "reading .keras needs h5py: pip install 'carousel[import]'"
    )


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(data, tmp_path_factory):
    """The zip cut short, or bytes of it or of what it holds other: a network or a `ModelError`."""
    path = tmp_path_factory.mktemp("f") / "a.keras"
    found = members("plain")
    name = data.draw(st.sampled_from((*found, None)))
    whole = zipped(found) if name is None else found[name]
    broken = bytearray(whole[: data.draw(st.integers(len(whole) * 3 // 4, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    read_or_refused(path, bytes(broken) if name is None else zipped({**found, name: bytes(broken)}))


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_any_value_anywhere_in_the_config_is_read_or_refused(data, tmp_path_factory):
    """One place of the config holds something else."""
    path = tmp_path_factory.mktemp("f") / "a.keras"
    found = members(data.draw(st.sampled_from(("deep", "functional"))))
    config = copy.deepcopy(json.loads(found["config.json"]))
    place = config
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(
        st.sampled_from((None, True, 0, -1, 1 << 70, 0.5, float("nan"), "", "x\n", [], [[]], {}))
    )
    with pytest.MonkeyPatch.context() as patch:  # sound weights need no process of their own
        patch.setattr(hdf5, "read", lambda what, data, question: in_process(data, question))
        read_or_refused(path, zipped({**found, "config.json": json.dumps(config).encode()}))


def in_process(data: bytes, question: Any) -> dict[str, np.ndarray]:
    try:
        return hdf5_worker.arrays(data, question)
    except hdf5_worker.RefusedError as error:
        raise ModelError(str(error)) from None

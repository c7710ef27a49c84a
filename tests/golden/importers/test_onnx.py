"""ONNX files: what onnxruntime computes from them is what the network computes, or a refusal."""

import sys

import numpy as np
import pytest
from onnx import helper

import fixedpoint
import golden
import sim
from golden import ModelError
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import DATA, SAMPLES, node, plain

BOUND = 1e-5  # float32 of onnxruntime against float64


def check_random(seed, tmp_path, twin=False):
    built, x = onnx_models.random_model(seed, twin)
    model, arranged, batch_first = built[0]
    want = onnx_models.run(model, x if batch_first else x.transpose(1, 0, 2))
    net = load_onnx(onnx_models.save(built[-1][0], tmp_path / "random.onnx"))
    arrangement = {"time3": (1, 0, 2), "batch3": (0, 1, 2)}.get(arranged)
    out = net.run(x).out
    if arrangement is None:
        want = want.reshape(len(x), -1)
        out = out[:, -1]
    else:
        want = want.transpose(arrangement)
    assert out.shape == want.shape
    assert np.abs(out - want).max() < BOUND


@pytest.mark.parametrize("seed", range(32))
def test_random_models_are_what_onnxruntime_computes(seed, tmp_path):
    check_random(seed, tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_layout_1_is_what_onnxruntime_computes_of_the_twin_of_layout_0(seed, tmp_path):
    check_random(seed, tmp_path, twin=True)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_pytorch_exports_is_what_pytorch_computes(path):
    net = load_onnx(path)
    with np.load(path.with_suffix(".npz")) as sample:
        x, y = sample["x"], sample["y"]
    out = net.run(x).out
    assert net.name == path.stem
    assert net.made_by == f"imported from {path.name}"
    assert np.abs((out[:, -1] if "last" in path.stem else out) - y).max() < 1e-6


def test_the_samples_are_of_both_exporters():
    assert len(SAMPLES) == 18
    assert sum("dynamo" in path.stem for path in SAMPLES) == 9


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_random_models_soak(seed, tmp_path):
    check_random(seed, tmp_path, twin=seed % 5 == 0)


def built(tmp_path, name="net.onnx", **parts):
    return load_onnx(onnx_models.save(plain(**parts), tmp_path / name))


def test_rows_are_i_o_f_c_and_the_two_biases_are_added(tmp_path):
    b = np.arange(24.0)[None]
    layer = built(tmp_path, arrays={"B": b}).layers[0]
    for k, kind in enumerate("iofg"):
        assert layer.biases[kind].tolist() == (b[0, 3 * k :][:3] + b[0, 12 + 3 * k :][:3]).tolist()


def test_a_missing_b_is_zero(tmp_path):
    layer = built(tmp_path, inputs=["x", "W", "R"]).layers[0]
    assert not any(values.any() for values in layer.biases.values())


@pytest.mark.parametrize("parts", [["", "zero"], ["", "zero", "zero"], ["", "", "zero", ""]])
def test_initial_states_that_are_zero_are_none(parts, tmp_path):
    same = built(tmp_path, inputs=["x", "W", "R", "B", *parts])
    x = np.ones((4, 2))
    assert (same.run(x).out == built(tmp_path).run(x).out).all()


def test_an_initial_state_of_an_open_size_is_zero_or_refused(tmp_path):
    for value, good in ((0, True), (1, False)):
        parts = {
            "before": [
                node("Shape", "x", to="sizes"),
                node("Gather", "sizes", "one_", to="n"),
                node("Concat", "one_", "n", "three", to="shape", axis=0),
                node("Expand", "value", "shape", to="h"),
            ],
            "whole": {"one_": np.array([1]), "three": np.array([3])},
            "arrays": {"value": np.array(value)},
            "inputs": ["x", "W", "R", "B", "", "h", "h"],
            "shape": ["t", "n", 2],
        }
        if good:
            built(tmp_path, **parts)
            continue
        with pytest.raises(ModelError, match="LSTM node 'cell': initial_h is not zero"):
            built(tmp_path, **parts)


def test_a_clip_of_zero_is_none(tmp_path):
    assert len(built(tmp_path, lstm={"clip": 0.0}).layers) == 1


def test_final_states_may_be_further_outputs(tmp_path):
    assert built(tmp_path, outputs=["y", "y_h", "y_c"]).readout is None


@pytest.mark.parametrize(("index", "layers"), [(-1, 2), (1, 2), (0, 1)])
def test_the_h_of_one_layer_is_picked_from_those_of_all(index, layers, tmp_path):
    after = [
        node("Squeeze", "y", "k", to="s", name="m"),
        helper.make_node("LSTM", ["s", "R", "R"], ["", "second"], name="l", hidden_size=3),
        node("Concat", "y_h", "second", to="all", name="c", axis=0),
        node("Gather", "all", "at", axis=0),
    ]
    whole = {"k": np.array([1]), "at": np.int64(index)}
    parts = {"after": after, "whole": whole, "shape": [5, 2, 2], "outputs": ["out"]}
    net = built(tmp_path, **parts)
    x = np.random.default_rng(3).standard_normal((2, 5, 2)).astype(np.float32)
    assert len(net.layers) == layers
    want = onnx_models.run(plain(**parts, alone=True), x.transpose(1, 0, 2))
    assert np.abs(net.run(x).out[:, -1] - want).max() < BOUND


@pytest.mark.parametrize(
    ("file", "name"),
    [("a b.onnx", "a_b"), ("-.x.onnx", "x"), ("\n\u00e9.onnx", "__"), ("..onnx", "network")],
)
def test_the_name_is_the_files_made_safe(file, name, tmp_path):
    net = built(tmp_path, file)
    assert net.name == name
    assert net.made_by.isprintable()


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = onnx_models.save(plain(), tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError) as caught:
        golden.load(path)
    assert str(caught.value) == (
        f"{path}: reading .onnx needs onnx: pip install 'carousel[import]'"
    )


def test_from_the_file_to_the_gateware():
    net = golden.load(DATA / "torch_dynamo_1_batch.onnx")
    with np.load(DATA / "torch_dynamo_1_batch.npz") as sample:
        x, y = sample["x"], sample["y"]
    qnet = fixedpoint.quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    assert np.abs(qnet.run(codes).real().out - y).max() < 3e-4
    hardware = sim.simulate(qnet, codes[:1], lanes=8, build_dir=DATA.parents[1] / "build" / "sim")
    assert sim.check(qnet, codes[:1], hardware).ok

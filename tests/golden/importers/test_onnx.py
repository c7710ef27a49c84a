"""ONNX files: what onnxruntime or the framework computes is what the network computes."""

import sys
from collections import Counter

import numpy as np
import pytest
from onnx import helper

import fixedpoint
import golden
import sim
from golden import ModelError
from golden.decision import DECISIONS
from golden.importers.onnx import load_onnx
from golden.version import install
from golden.window import Window
from tests.golden.importers import onnx_models, random_onnx
from tests.golden.importers.onnx_models import DATA, SAMPLES, node, plain

BOUND = 1e-5  # float32 of onnxruntime against float64
SEEDS = range(300)


def random_network(seed, tmp_path):
    model, x = random_onnx.random_model(seed)
    return load_onnx(onnx_models.save(model, tmp_path / "random.onnx")), model, x


def difference(seed, tmp_path) -> float:
    """The largest from what onnxruntime computes."""
    net, model, x = random_network(seed, tmp_path)
    want = random_onnx.expected(model, x)
    behind = DECISIONS.get(net.reading.behind, lambda out: out)
    out = behind(net.run(random_onnx.sequences(model, x, net)).out)
    assert out.shape == want.shape
    return np.abs(out - want).max()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_models_are_what_onnxruntime_computes(seed, tmp_path):
    assert difference(seed, tmp_path) < BOUND


def test_the_random_models_have_every_option(tmp_path):
    """Counted over all seeds, so that none of the comparisons above is of plain cells only."""
    seen = Counter()
    for seed in SEEDS:
        net, model, _ = random_network(seed, tmp_path)
        seen.update([f"output {net.output}", f"opset {model.opset_import[0].version}"])
        seen.update(f"operator {op}" for op in {entry.op_type for entry in model.graph.node})
        nodes = [entry for entry in model.graph.node if entry.op_type == "LSTM"]
        seen.update(f"attribute {a.name}" for entry in nodes for a in entry.attribute)
        seen.update(f"squash {stage.squash}" for stage in net.head)
        seen["no readout"] += net.readout is None
        seen[f"axes {net.reading.axes}"] += 1
        seen["indices"] += net.reading.indices
        seen["mean"] += net.reading.steps > 0
        seen["window"] += net.reading.window != Window()
        seen["stem"] += bool(net.stem)
        seen.update(["reads input"] if any(-1 in read for read in net.reads[1:]) else [])
        seen.update(["several read"] if any(len(read) > 1 for read in net.reads) else [])
        seen[f"behind {net.reading.behind}"] += 1
        folded = [what for _, what in net.reading.stages if what.startswith("folded")]
        seen["layer folded into"] += any("LSTM" in what for what in folded)
        seen["readout folded into"] += any("LSTM" not in what for what in folded)
        for layer in net.layers:
            seen.update([f"gate {layer.gate}", f"g {layer.g}", f"h {layer.h}"])
            for name in ("coupled", "peepholes", "clip", "reverse", "beside"):
                seen[name] += bool(getattr(layer, name))
            seen.update(f"initial {name}" for name in layer.initial)
    squashes = ["sigma", "tanh", "g1997", "h1997", "identity", "hard"]
    assert all(seen[f"{part} {squash}"] >= 8 for part in "gh" for squash in squashes)
    for name in (
        "output every", "output last", "output final", "gate hard", "coupled", "peepholes", "clip",
        "reverse", "beside", "initial s", "initial y", "squash identity", "squash sigma",
        "no readout", "attribute layout", "attribute activation_alpha", "operator Split",
        "operator Expand", "operator ConstantOfShape", "operator Flatten",
        "operator DequantizeLinear", "operator BatchNormalization", "operator Conv", "operator Neg",
        "operator Div", "operator Sub", "operator Mul", "squash tanh", "squash hard", "indices",
        "layer folded into", "readout folded into", "axes NTD", "axes TND", "stem", "reads input",
        "several read", "mean", "window", "behind softmax", "behind log_softmax", "behind argmax",
        *(f"operator {op}" for op in random_onnx.POOLS),
        *(f"opset {opset}" for opset in random_onnx.OPSETS),
    ):  # fmt: skip
        assert seen[name] >= 5, name


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 3000))
def test_random_models_soak(seed, tmp_path):
    assert difference(seed, tmp_path) < BOUND


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_a_framework_exports_is_what_it_computes(path):
    net = load_onnx(path)
    with np.load(path.with_suffix(".npz")) as sample:
        x, y = sample["x"], sample["y"]
    out = net.run(x).out
    if y.ndim == 2:
        assert net.output in ("last", "final")
        out = out[:, 0]
    assert net.name == path.stem
    states = "; initial states h0, c0 are given at run time" if "states" in path.stem else ""
    assert net.made_by == f"imported from {path.name}{states}"
    assert out.shape == y.shape
    assert np.abs(out - y).max() < 1e-6


def test_the_samples_are_of_every_exporter():
    kinds = ("torch_dynamo_", "torch_script_", "tf2onnx_")
    made = {kind: sum(path.stem.startswith(kind) for path in SAMPLES) for kind in kinds}
    assert made == {"torch_dynamo_": 16, "torch_script_": 16, "tf2onnx_": 6}


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


def open_state(value):
    """Parts of a model of open sizes whose initial states are `value` for every sequence."""
    return {
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


def test_an_initial_state_for_any_number_of_sequences_is_the_layers_own(tmp_path):
    layer = built(tmp_path, **open_state([[[1.0, 2.0, 3.0]]])).layers[0]
    assert layer.initial["s"].tolist() == layer.initial["y"].tolist() == [1, 2, 3]
    assert built(tmp_path, **open_state(0.0)).layers[0].initial == {}


def test_initial_states_that_are_inputs_leave_the_network_to_start_from_zero(tmp_path):
    net = built(tmp_path, "net.onnx", inputs=["x", "W", "R", "B", "", "h0", "h0"])
    assert net.made_by == "imported from net.onnx; initial states h0 are given at run time"
    assert net.layers[0].initial == {}


def run_with_activations(tmp_path, names, alphas=(), betas=()):
    """The network's and onnxruntime's outputs; alphas and betas that are empty are left out."""
    lstm = {"activations": names}
    lstm |= {"activation_alpha": alphas} if alphas else {}
    lstm |= {"activation_beta": betas} if betas else {}
    x = np.random.default_rng(1).standard_normal((6, 1, 2)).astype(np.float32)
    net = built(tmp_path, lstm=lstm)
    out = net.run(x.transpose(1, 0, 2)).out.transpose(1, 0, 2)
    return net, np.abs(out - onnx_models.run(plain(lstm=lstm, alone=True), x)[:, 0]).max()


@pytest.mark.parametrize(
    ("names", "alphas", "betas"),
    [
        (["HardSigmoid", "Tanh", "Tanh"], [], []),
        (["HardSigmoid", "Tanh", "Tanh"], [0.3], []),
        (["HardSigmoid", "Tanh", "Tanh"], [], [0.3]),
        (["HardSigmoid", "Affine", "Tanh"], [0.3, 0.7], [0.4]),
        (["HardSigmoid", "ScaledTanh", "ScaledTanh"], [0.3, 2.0, 1.0], [0.4, 0.7, 0.5]),
        (["Sigmoid", "HardSigmoid", "ScaledTanh"], [-0.3, 2.0], [0.6, 0.5]),
    ],
)
def test_alphas_and_betas_go_in_order_to_those_that_take_them(names, alphas, betas, tmp_path):
    _, error = run_with_activations(tmp_path, names, alphas, betas)
    assert error < 1e-6


def test_a_hard_sigmoids_slope_and_offset_are_in_the_rows_and_the_limits(tmp_path):
    lstm = {"activations": ["HardSigmoid", "Tanh", "Tanh"], "clip": 2.0}
    lstm |= {"activation_alpha": [-0.25], "activation_beta": [0.75]}
    plain_layer, layer = built(tmp_path).layers[0], built(tmp_path, lstm=lstm).layers[0]
    assert layer.gate == "hard"
    assert (layer.weights["f"] == -0.25 * plain_layer.weights["f"]).all()
    assert (layer.biases["o"] == -0.25 * plain_layer.biases["o"] + 0.75).all()
    assert layer.clip == {"gate": (0.25, 1.25), "g": (-2.0, 2.0)}


def test_the_weights_of_f_are_ignored_where_f_is_one_minus_i(tmp_path):
    b = np.where(np.arange(24) // 3 % 4 == 2, np.nan, 0.1)[None]  # rows of f are not even numbers
    layer = built(tmp_path, arrays={"B": b}, lstm={"input_forget": 1}).layers[0]
    assert layer.coupled
    assert set(layer.weights) == {"i", "o", "g"}


def test_one_direction_that_is_picked_is_a_layer_of_its_own(tmp_path):
    """As in `h[-1]` of a bidirectional nn.LSTM, which is the reverse layer's last state."""
    rng = np.random.default_rng(2)
    arrays = {
        "W": rng.standard_normal((2, 12, 2)),
        "R": rng.standard_normal((2, 12, 3)),
        "B": rng.standard_normal((2, 24)),
    }
    parts = {"arrays": arrays, "lstm": {"direction": "bidirectional"}, "outputs": ["out"]}
    parts |= {"after": [node("Gather", "y_h", "k", axis=0)], "whole": {"k": np.int64(-1)}}
    net = built(tmp_path, **parts)
    assert [layer.reverse for layer in net.layers] == [True]
    assert not net.layers[0].beside
    assert net.output == "final"
    x = rng.standard_normal((5, 1, 2)).astype(np.float32)
    want = onnx_models.run(plain(**parts, alone=True), x)
    assert np.abs(net.run(x.transpose(1, 0, 2)).out[:, 0] - want).max() < BOUND


def test_a_projection_that_the_exporter_left_out_is_not_read_without_it():
    with pytest.raises(ModelError, match=r"initial_c of shape \(1, 2, 6\), must be"):
        load_onnx(DATA / "projection.onnx")


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
    assert net.output == "last"
    assert np.abs(net.run(x).out[:, 0] - want).max() < BOUND


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
    assert str(caught.value) == (f"{path}: reading .onnx needs onnx: {install('import')}")


def test_from_the_file_to_the_gateware():
    net = golden.load(DATA / "torch_dynamo_1_batch.onnx")
    with np.load(DATA / "torch_dynamo_1_batch.npz") as sample:
        x, y = sample["x"], sample["y"]
    qnet = fixedpoint.quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    assert np.abs(qnet.run(codes).real().out - y).max() < 3e-4
    hardware = sim.simulate(qnet, codes[:1], lanes=8, build_dir=DATA.parents[1] / "build" / "sim")
    assert sim.check(qnet, codes[:1], hardware).ok

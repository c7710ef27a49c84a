"""What stands around the LSTMs of an ONNX file: folded exactly, or refused with the way out."""

import re

import numpy as np
import onnx
import pytest
from onnx import helper

from golden import ModelError
from golden.decision import DECISIONS
from golden.importers.assembly import LOGITS
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import behind, node, plain

PLAIN = ["x", "W", "R", "B"]

REFUSALS = {
    "elu": (
        behind(node("Elu", "y")),
        "Elu node 'n': not supported on what flows through the network; cut the file: "
        "onnx.utils.extract_model(FILE, NEW, ['x'], ['y'])",
    ),
    "clipped elsewhere": (
        behind(
            node("Clip", "y", "one_", "two_"), whole={"one_": np.float32(2), "two_": np.float32(1)}
        ),
        "Clip node 'n': to 2..1, which is no range",
    ),
    "softmax in between": (
        behind(
            node("Softmax", "y", axis=-1, to="a"),
            node("Mul", "a", "two"),
            arrays={"two": np.full(1, 2.0)},
        ),
        "Softmax node 'n': softmax is not supported, only sigma, ",
    ),
    "softmax of steps": (
        behind(node("Softmax", "y", axis=0)),
        "Softmax node 'n': not over the values of a step",
    ),
    "last of the largest": (
        behind(node("ArgMax", "y", axis=-1, select_last_index=1)),
        "ArgMax node 'n': select_last_index: of equal values the first one counts",
    ),
    "norm in front": (
        {"before": [node("LayerNormalization", "x", "one", to="g")], "inputs": ["g", *PLAIN[1:]]},
        "LayerNormalization node 'n': a normalisation over values of the same step, not supported; "
        "cut the file: onnx.utils.extract_model(FILE, NEW, ['g'], ['y'])",
    ),
    "gru": (behind(node("GRU", "y", "W", "R")), "GRU node 'n': a GRU, not supported; the cells"),
    "rnn": (behind(node("RNN", "y", "W", "R")), "RNN node 'n': a plain RNN, not supported; the"),
    "loop": (behind(node("Loop", "k", "", "y")), "Loop node 'n': a loop over the steps, not"),
    "scan": (behind(node("Scan", "y")), "Scan node 'n': a loop over the steps, not supported; "),
    "if": (behind(node("If", "k")), "If node 'n': a branch of the program, not supported; export"),
    "quantised": (
        behind(
            helper.make_node("DynamicQuantizeLSTM", ["x"], ["out"], "n", domain="com.microsoft")
        ),
        "DynamicQuantizeLSTM node 'n': quantised already, not supported; give the float model",
    ),
    "unrolled": (
        behind(node("MatMul", "zero", "D")),
        "MatMul node 'n': of what no LSTM operator made, as in an LSTM that is unrolled",
    ),
    "two results": (
        behind(node("Add", "y", "y_h")),
        "Add node 'n': of two that have not the same input and steps; cut the file: onnx.utils.",
    ),
    "times x": (
        behind(node("Mul", "y", "x")),
        "Mul node 'n': a product or quotient of two that flow, not",
    ),
    "along steps": (
        behind(node("Mul", "y", "m"), arrays={"m": np.ones((3, 1, 1, 1))}, shape=[3, 1, 2]),
        "Mul node 'n': a constant that differs along another axis than that of the values",
    ),
    "divides": (behind(node("Div", "one", "y")), "Div node 'n': divides by what flows; not"),
    "zero divides": (
        behind(node("Div", "y", "zero")),
        "Div node 'n': its numbers are not all finite",
    ),
    "wide convolution": (
        behind(
            node("Squeeze", "y", "k", to="a"),
            node("Transpose", "a", perm=[1, 2, 0], to="b"),
            node("Conv", "b", "C"),
            arrays={"C": np.ones((2, 3, 2))},
            whole={"k": np.array([1])},
        ),
        "Conv node 'n': over time, which is supported only in front of all LSTM layers; cut",
    ),
    "training norm": (
        behind(
            node("Squeeze", "y_h", "k", to="a"),
            node("BatchNormalization", "a", "B3", "B3", "B3", "B3", training_mode=1),
            arrays={"B3": np.ones(3)},
            whole={"k": np.array([0])},
        ),
        "BatchNormalization node 'n': training_mode is not supported; export the model after",
    ),
    "far too many": (
        {
            "before": [node("MatMul", "x", "E", to="a"), node("MatMul", "a", "F", to="g")],
            "inputs": ["g", *PLAIN[1:]],
            "shape": ["t", 1, 90000],
            "arrays": {
                "E": np.ones((90000, 1)),
                "F": np.ones((1, 90000)),
                "W": np.ones((1, 12, 90000)),
            },
        },
        "MatMul node 'n': folded into MatMul node 'n' it makes 8100000000 numbers, allowed are",
    ),
    "dense first": (
        {"before": [node("MatMul", "x", "D", to="d")], "inputs": ["d", "W", "R"]},
        "MatMul node 'n': weights of 3 values, what flows has 2",
    ),
    "gemm rank": (behind(node("Gemm", "y", "D")), "Gemm node 'n': its first input must have two"),
    "dense shape": (
        behind(node("MatMul", "y", "E"), arrays={"E": np.eye(2)}),
        "MatMul node 'n': weights of 2 values, what flows has 3",
    ),
    "bias shape": (
        behind(node("MatMul", "y", "D", to="d"), node("Add", "d", "b"), arrays={"b": np.ones(3)}),
        "Add node 'n': a constant of shape (3,), must be one number for each value",
    ),
}


def refusal(parts, tmp_path) -> str:
    """The one line that refuses a model."""
    with pytest.raises(ModelError) as caught:
        load_onnx(onnx_models.save(plain(**parts), tmp_path / "bad.onnx"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("parts", "message"), REFUSALS.values(), ids=REFUSALS)
def test_what_the_network_cannot_say_is_refused_by_what_it_is(parts, message, tmp_path):
    assert message in refusal(parts, tmp_path)


@pytest.mark.parametrize("name", ["elu", "norm in front"])
def test_the_cut_that_is_proposed_can_be_read(name, tmp_path):
    """The call in the message is done as it stands."""
    parts = REFUSALS[name][0]
    said = re.search(r"extract_model\(FILE, NEW, (\[.*?\]), (\[.*?\])\)", refusal(parts, tmp_path))
    assert said
    inputs, outputs = (re.findall(r"'(.*?)'", names) for names in said.groups())
    model = onnx.shape_inference.infer_shapes(plain(**parts))
    cut = onnx.utils.Extractor(model).extract_model(inputs, outputs)
    net = load_onnx(onnx_models.save(cut, tmp_path / "cut.onnx"))
    assert [layer.shape.cells for layer in net.layers] == [3]


def test_dense_layers_behind_a_function_are_stages_of_the_head(tmp_path):
    """MatMul and Tanh, then MatMul, Add and Sigmoid, then a factor: three stages."""
    after = [
        node("MatMul", "y", "D", to="a", name="a"),
        node("Tanh", "a", to="b", name="b"),
        node("MatMul", "b", "E", to="c", name="c"),
        node("Add", "c", "shift", to="d", name="d"),
        node("Sigmoid", "d", to="e", name="e"),
        node("Mul", "e", "two", name="f"),
    ]
    rng = np.random.default_rng(7)
    arrays = {"E": rng.standard_normal((2, 3)), "shift": np.ones(3), "two": np.full(1, 2.0)}
    parts = {"arrays": arrays, **behind(*after)}
    net = load_onnx(onnx_models.save(plain(**parts), tmp_path / "net.onnx"))
    assert [stage.squash for stage in net.head] == ["tanh", "sigma", "identity"]
    assert [what for _, what in net.reading.stages if "folded" not in what] == [
        "layer 0", "dense 0", "dense 1", "readout",
    ]  # fmt: skip
    x = rng.standard_normal((5, 1, 2)).astype(np.float32)
    want = onnx_models.run(plain(**parts, alone=True), x)[:, 0, 0]
    assert np.abs(net.run(x[:, 0]).out - want).max() < 1e-6


def test_a_mean_over_the_steps_is_what_open_cells_hold(tmp_path):
    """Of as many steps as the file says; of an open number it is refused with the way out."""

    def model(steps):
        after = [
            node("Squeeze", "y", "k", to="s", name="s"),
            node("ReduceMean", "s", axes=[0], keepdims=0, to="m"),
            node("MatMul", "m", "D", name="d"),
        ]
        parts = {"whole": {"k": np.array([1])}, "shape": [steps, 1, 2], "alone": True}
        return plain(**behind(*after, **parts))

    net = load_onnx(onnx_models.save(model(9), tmp_path / "net.onnx"))
    assert (net.output, net.reading.steps) == ("last", 9)
    assert net.reading.stages[1] == ("ReduceMean node 'n'", "layer 1")
    x = np.random.default_rng(7).standard_normal((9, 1, 2)).astype(np.float32)
    assert np.abs(net.run(x[:, 0]).out - onnx_models.run(model(9), x)).max() < 1e-6
    with pytest.raises(ModelError, match="ReduceMean node 'n': a mean over an open number of st"):
        load_onnx(onnx_models.save(model("t"), tmp_path / "open.onnx"))


def test_several_outputs_are_side_by_side(tmp_path):
    after = [
        node("Squeeze", "y", "k", to="s", name="s"),
        node("MatMul", "s", "D", to="policy", name="p"),
        node("MatMul", "s", "E", to="e", name="e"),
        node("Tanh", "e", to="value", name="v"),
    ]
    arrays = {"E": np.random.default_rng(6).standard_normal((3, 1))}
    parts = {"arrays": arrays, "whole": {"k": np.array([1])}, "alone": True, "after": after}

    def model(*outputs):
        return plain(**parts, outputs=list(outputs))

    net = load_onnx(onnx_models.save(model("policy", "value", "y_h"), tmp_path / "net.onnx"))
    assert net.reading.heads == (("policy", 2), ("value", 1))
    x = np.random.default_rng(7).standard_normal((5, 1, 2)).astype(np.float32)
    want = np.concatenate([onnx_models.run(model(name), x) for name, _ in net.reading.heads], -1)
    assert np.abs(net.run(x[:, 0]).out - want[:, 0]).max() < 1e-6


CAST = helper.make_node("Cast", ["m"], ["out"], "cast", to=1)


@pytest.mark.parametrize(
    ("nodes", "name"),
    {
        "Softmax": ([node("Softmax", "d", axis=-1, name="n")], "softmax"),
        "LogSoftmax": ([node("LogSoftmax", "d", axis=-1, name="n")], "log_softmax"),
        "ArgMax": ([node("ArgMax", "d", axis=-1, to="m"), CAST], "argmax"),
        "both": (
            [
                node("Softmax", "d", axis=-1, to="s", name="s"),
                node("ArgMax", "s", axis=-1, keepdims=0, to="m"),
                CAST,
            ],
            "argmax",
        ),
    }.values(),
)
def test_decisions_are_left_to_the_reader_of_logits(nodes, name, tmp_path):
    """The network gives what is before them; what they make of it is what onnxruntime gives."""
    parts = behind(node("MatMul", "y", "D", to="d", name="d"), *nodes)
    net = load_onnx(onnx_models.save(plain(**parts), tmp_path / "net.onnx"))
    assert net.reading.behind == name
    last = next(one for one in nodes if one.name == "n")
    assert net.reading.stages[-1] == (f"{last.op_type} node 'n'", LOGITS)
    assert net.readout and net.readout.squash == "identity"
    x = np.random.default_rng(7).standard_normal((5, 1, 2)).astype(np.float32)
    want = onnx_models.run(plain(**parts, alone=True), x)[:, 0, 0]
    found = DECISIONS[name](net.run(x[:, 0]).out)
    assert np.abs(found.reshape(want.shape) - want).max() < 1e-6


def test_what_became_of_each_stage_is_told(tmp_path):
    before = [node("Mul", "x", "two", to="a", name="scale"), node("Neg", "a", to="b", name="turn")]
    after = [
        node("MatMul", "y", "D", to="c", name="dense"),
        node("Add", "c", "one_", name="shift"),
    ]
    arrays = {"two": np.full(1, 2.0), "one_": np.ones(2)}
    parts = {"before": before, "inputs": ["b", *PLAIN[1:]], "arrays": arrays, **behind(*after)}
    net = load_onnx(onnx_models.save(plain(**parts), tmp_path / "net.onnx"))
    assert net.reading.stages == (
        ("Mul node 'scale'", "folded into LSTM node 'cell'"),
        ("Neg node 'turn'", "folded into LSTM node 'cell'"),
        ("LSTM node 'cell'", "layer 0"),
        ("MatMul node 'dense'", "folded into Add node 'shift'"),
        ("Add node 'shift'", "readout"),
    )
    alone = load_onnx(onnx_models.save(plain(), tmp_path / "alone.onnx")).layers[0]
    layer = net.layers[0]
    assert (layer.weights["i"][:, :2] == -2 * alone.weights["i"][:, :2]).all()
    assert (layer.weights["i"][:, 2:] == alone.weights["i"][:, 2:]).all()

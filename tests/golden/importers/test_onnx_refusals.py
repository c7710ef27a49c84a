"""ONNX files that cannot be read: refused by name, whatever is broken in one readable line."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golden import ModelError
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import behind, node, plain


def acts(*names, **scales):
    return {"lstm": {"activations": list(names), **scales}}


def external():
    tensor = numpy_helper.from_array(np.zeros((1, 12, 2), np.float32), "W")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def vast():
    tensor = numpy_helper.from_array(np.zeros((1, 12, 2), np.float32), "W")
    tensor.dims[:] = [1, 1 << 40, 1 << 20]
    return tensor


BAD_B = np.where(np.arange(24) == 7, np.nan, 0)[None]
BAD_W = np.full((1, 12, 2), np.inf)
CELL = "LSTM node 'cell': "
SECOND = "LSTM node 'second': "
PLAIN = ["x", "W", "R", "B"]
BACK = {"from": np.array([-1]), "to": np.array([-(1 << 62)]), "at": np.array([0])}
PART = {"from": np.array([0]), "to": np.array([1])}


def second(x, states=(), before=(), after=()):
    """A second LSTM, of three cells, behind the first one's outputs s, or beside it."""
    inputs = [x, "W" if x == "x" else "R", "R", "", "", *states]
    squeeze = node("Squeeze", "y", "k", to="s", name="m")
    lstm = helper.make_node("LSTM", inputs, ["z", "z_h"], name="second")
    whole = {"k": np.array([1]), "minus": np.array([-1]), "open": np.array([1 << 40])}
    return {"after": [squeeze, *before, lstm, *after], "outputs": ["z"], "whole": whole}


REFUSALS = {
    "direction": (
        {"lstm": {"direction": "sideways"}},
        CELL + "direction 'sideways' is not supported; supported: forward, reverse, bidirectional",
    ),
    "directions": (
        {"lstm": {"direction": "bidirectional"}},
        CELL + "W of shape (1, 12, 2), must be (2, 4 * cells, inputs)",
    ),
    "P": (
        {"inputs": [*PLAIN, "", "", "", "P"], "arrays": {"P": np.zeros((1, 12))}},
        CELL + "P of shape (1, 12), must be (1, 9)",
    ),
    "P flows": ({"inputs": [*PLAIN, "", "", "", "h0"]}, CELL + "P is not a constant"),
    "clip": ({"lstm": {"clip": -1.0}}, CELL + "clip -1, must be above 0"),
    "h0 computed": (
        second("s", states=["y_h"]),
        SECOND + "initial_h is computed by other layers; supported are constants and graph inputs",
    ),
    "h0 differs": (
        {"inputs": [*PLAIN, "", "h"], "arrays": {"h": np.arange(6.0).reshape(1, 2, 3)}},
        CELL + "initial_h differs between sequences; supported is one for all of them",
    ),
    "h0 width": (
        {"inputs": [*PLAIN, "", "", "x"]},
        CELL + "initial_c has sizes [None, 1, 2], the last must be 3",
    ),
    "h0 of x": (
        {
            "inputs": [*PLAIN, "", "x"],
            "shape": [1, 1, 3],
            "arrays": {"W": np.zeros((1, 12, 3))},
        },
        "input 'x' is both a sequence and an initial state",
    ),
    "softplus": (
        acts("Sigmoid", "Softplus", "Tanh"),
        CELL + "activation Softplus is not supported; supported: Sigmoid, Tanh, HardSigmoid, "
        "ScaledTanh, Affine",
    ),
    "gates": (
        acts("Tanh", "Tanh", "Tanh"),
        CELL + "activation Tanh of the gates is not supported; supported: Sigmoid and HardSigmoid",
    ),
    "flat gates": (
        acts("HardSigmoid", "Tanh", "Tanh", activation_alpha=[0.0]),
        CELL + "activation HardSigmoid with alpha 0, beta 0.5 of the gates is not supported",
    ),
    "scaled": (
        acts("Sigmoid", "ScaledTanh", "Tanh", activation_alpha=[3.0], activation_beta=[1.0]),
        CELL + "activation ScaledTanh with alpha 3, beta 1 of the cell input is not supported; ",
    ),
    "affine": (
        acts("Sigmoid", "Tanh", "Affine", activation_alpha=[1.0], activation_beta=[0.5]),
        CELL + "activation Affine with alpha 1, beta 0.5 of the cell output is not supported",
    ),
    "hard h": (
        acts("Sigmoid", "Tanh", "HardSigmoid"),
        CELL + "activation HardSigmoid with alpha 0.2, beta 0.5 of the cell output is not",
    ),
    "alphas": (
        acts("Sigmoid", "ScaledTanh", "Tanh", activation_alpha=[0.0, 2.0, 0.0]),
        CELL + "3 values of activation_alpha, the activations take 1",
    ),
    "no alpha": (
        acts("HardSigmoid", "Affine", "Tanh", activation_alpha=[0.3]),
        CELL + "activation_alpha has no value for activation Affine",
    ),
    "no beta": (
        acts("Sigmoid", "ScaledTanh", "Tanh", activation_alpha=[2.0]),
        CELL + "activation_beta has no value for activation ScaledTanh",
    ),
    "step": (
        behind(node("Gather", "y", "k", axis=0), whole={"k": np.int64(2)}),
        "Gather node 'n': picks from 2 to 3 of axis 0: only the first or last step of the outputs",
    ),
    "first step": (
        behind(node("Gather", "y", "k", axis=0), whole={"k": np.int64(0)}),
        "output 'out' has other steps than every one, the last, or the last that each direction",
    ),
    "step of x": (
        {
            "before": [node("Slice", "x", "from", "to", to="g")],
            "whole": {"from": np.array([-1]), "to": np.array([1 << 40])},
            "inputs": ["g", *PLAIN[1:]],
        },
        "Slice node 'n': picks from -1 to the end of axis 0: supported is only to pick of an LSTM",
    ),
    "half": (
        behind(
            node("Slice", "y", "from", "to", "at"),
            whole={"from": np.array([0]), "to": np.array([2]), "at": np.array([3])},
        ),
        "Slice node 'n': picks from 0 to 2 of axis 3: only the first or last step of the outputs",
    ),
    "turned": (
        behind(node("Slice", "y", "from", "to", "at", "from"), whole=BACK),
        "output 'out': its steps are in reversed order; not supported",
    ),
    "turned sequences": (
        behind(
            node("Slice", "y", "from", "to", "at", "from"),
            whole={**BACK, "at": np.array([2])},
            shape=[4, 2, 2],
        ),
        "Slice node 'n': reverses an axis other than that of the steps",
    ),
    "turned in part": (
        {
            "before": [node("ReverseSequence", "x", "n", to="g")],
            "whole": {"n": np.array([3])},
            "inputs": ["g", *PLAIN[1:]],
        },
        "ReverseSequence node 'n': sequences that are not reversed as a whole are not supported",
    ),
    "reverse first": (
        {
            **second("x", after=[node("Concat", "y", "z", axis=3)]),
            "outputs": ["out"],
            "lstm": {"direction": "reverse"},
        },
        "output 'out' joins outputs of LSTMs; supported is a forward one, then a reverse one",
    ),
    "last step as sequence": (
        second("l", before=[node("Slice", "s", "minus", "open", to="l")]),
        SECOND + "X is not every step of the layer before, in the order that layout says",
    ),
    "step as second output": (
        {"outputs": ["y", "out"], "after": [node("Slice", "y", "from", "to")], "whole": PART},
        "Concat node 'outputs': of two that have not the same input and steps",
    ),
    "lengths": (
        {"inputs": ["x", "W", "R", "B", "n"], "whole": {"n": np.array([3], np.int32)}},
        CELL + "sequences of different lengths (sequence_lens, as of pack_padded_sequence) are not",
    ),
    "lengths at run time": (
        {"inputs": ["x", "W", "R", "B", "h0"]},
        CELL + "sequences of different lengths (sequence_lens, as of pack_padded_sequence) are not",
    ),
    "layout": ({"lstm": {"layout": 2}}, CELL + "layout 2 is not supported"),
    "attribute": ({"lstm": {"peephole": 1}}, CELL + "attribute 'peephole' is not supported"),
    "attribute type": ({"lstm": {"clip": 1}}, CELL + "attribute 'clip' is of the wrong type"),
    "hidden_size": ({"lstm": {"hidden_size": 4}}, CELL + "hidden_size does not fit W of shape"),
    "h0 shape": (
        {"inputs": ["x", "W", "R", "B", "", "W"]},
        CELL + "initial_h of shape (1, 12, 2), must be (1, sequences, 3)",
    ),
    "six": (acts(*["Sigmoid", "Tanh", "Tanh"] * 2), CELL + "6 activations, must be 3"),
    "nan": ({"arrays": {"B": BAD_B}}, CELL + "biases f[1]"),
    "inf": ({"arrays": {"W": BAD_W}}, CELL + "weights i[0, 0]: inf is not a finite number"),
    "W": ({"arrays": {"W": np.zeros((2, 12, 2))}}, CELL + "W of shape (2, 12, 2), must be (1, 4"),
    "R": ({"arrays": {"R": np.zeros((1, 12, 2))}}, CELL + "R of shape (1, 12, 2), must be (1, 12"),
    "B": ({"arrays": {"B": np.zeros((1, 12))}}, CELL + "B of shape (1, 12), must be (1, 24)"),
    "W flows": ({"inputs": ["x", "x", "R"]}, CELL + "W is not a constant"),
    "R missing": ({"inputs": ["x", "W"]}, CELL + "R is missing"),
    "X constant": ({"inputs": ["W", "W", "R"]}, CELL + "X comes neither from the graph's input"),
    "X width": ({"shape": ["t", 1, 5]}, CELL + "W has 2 inputs, X has 5 values"),
    "X rank": ({"shape": [1, 2]}, CELL + "X has 2 axes, must have 3"),
    "external": (
        {"arrays": {"W": external()}},
        "initializer 'W': location '/etc/passwd', must be a file in the model's folder",
    ),
    "vast": (
        {"arrays": {"W": vast()}},
        "initializer 'W': shape (1, 1099511627776, 1048576) does not fit its 96 bytes",
    ),
    "opset 6": ({"opset": 6}, "opset 6: supported are 7 to 22"),
    "opset 23": ({"opset": 23}, "opset 23: supported are 7 to 22"),
    "no opset": ({"opsets": [helper.make_opsetid("mine", 1)]}, "0 opset versions are named"),
    "domain": (
        behind(helper.make_node("LSTM", ["y"], ["out"], name="n", domain="mine")),
        "LSTM node 'n': domain 'mine' is not supported",
    ),
    "cycle": (
        {"before": [node("Identity", "y", to="b")], "inputs": ["b", "W", "R"]},
        "Identity node 'n': input 'y' is made by nothing before it that is supported",
    ),
    "twice": (behind(node("Identity", "y", to="y_h")), "output 'y_h' is there already"),
    "unknown": (behind(node("Nonsense", "W")), "Nonsense node 'n': this operator is not"),
    "concat": (behind(node("Concat", "y", "y", axis=0)), "Concat node 'n': joining what flows"),
    "half precision": (
        behind(helper.make_node("Cast", ["y"], ["out"], name="n", to=TensorProto.FLOAT16)),
        "Cast node 'n': to data type 10; what flows may only be float or double",
    ),
    "mixing": (
        behind(node("Reshape", "y", "s"), whole={"s": np.array([3, -1])}),
        "Reshape node 'n': the new shape (3, -1) mixes axes or cannot be followed",
    ),
    "squeeze": (
        behind(node("Squeeze", "y", "k"), whole={"k": np.array([0])}),
        "Squeeze node 'n': axis 0 is not known to be of size 1",
    ),
    "squeeze all": (behind(node("Squeeze", "y")), "Squeeze node 'n': without axes, what goes"),
    "perm": (behind(node("Transpose", "y", perm=[0, 0, 1, 2])), "Transpose node 'n': perm"),
    "cells not last": (behind(node("Transpose", "y")), "output 'out': its last axis must be"),
    "training": (
        behind(node("Dropout", "y", "", "yes"), whole={"yes": np.array(True)}),
        "Dropout node 'n': training_mode is not supported",
    ),
    "bomb": (
        {"before": [node("Expand", "W", "s", to="v")], "whole": {"s": np.array([1 << 40, 12, 2])}},
        "its constants unfold to more than",
    ),
    "constant of shape": (
        {"before": [node("ConstantOfShape", "s", to="v")], "whole": {"s": np.array([1 << 60])}},
        "its constants unfold to more than",
    ),
    "two outputs": ({"outputs": ["y", "y"]}, "output 'y' is there twice"),
    "state out": ({"outputs": ["y_c"]}, "output 'y_c': made by no LSTM whose outputs it could be"),
    "input out": ({"outputs": ["x"]}, "output 'x': made by no LSTM whose outputs it could be"),
    "no such output": ({"outputs": ["z"]}, "output 'z' is made by no node"),
    "empty axis": ({"shape": [0, 1, 2]}, "input 'x': sizes [0, 1, 2], must be at least 1"),
    "stack turned": (
        behind(
            node("Transpose", "y", perm=[2, 0, 1, 3], to="a"),
            node("Squeeze", "a", "two", to="b"),
            helper.make_node("LSTM", ["b", "R", "R"], ["out"], name="second"),
            whole={"two": np.array([2])},
            shape=["t", "n", 2],
        ),
        "LSTM node 'second': X is not every step of the layer before, in the order that layout",
    ),
}


@pytest.mark.parametrize(("parts", "message"), REFUSALS.values(), ids=REFUSALS)
def test_what_the_network_cannot_say_is_refused_by_name(parts, message, tmp_path):
    with pytest.raises(ModelError) as caught:
        load_onnx(onnx_models.save(plain(**parts), tmp_path / "bad.onnx"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("directory", "is not a file"),
        ("missing", "no such file"),
        ("empty", "not an ONNX model: 0 opset versions are named"),
        ("pickle", "not a readable ONNX file"),
    ],
)
def test_what_is_no_onnx_file(kind, message, tmp_path):
    path = tmp_path / "no.onnx"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"\x80\x04\x95cposix\nsystem\n")
    with pytest.raises(ModelError, match=message):
        load_onnx(path)


def test_constants_that_double_again_and_again_are_refused(tmp_path):
    before = [node("Identity", "W", to="c0")]
    before += [node("Concat", f"c{k}", f"c{k}", to=f"c{k + 1}", axis=0) for k in range(60)]
    with pytest.raises(ModelError, match="its constants unfold to more than"):
        load_onnx(onnx_models.save(plain(before=before), tmp_path / "bomb.onnx"))

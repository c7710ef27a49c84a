"""ONNX files that cannot be read: refused by name, whatever is broken in one readable line."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from golden import ModelError
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import node, plain


def behind(*nodes, **parts):
    """`nodes` after the LSTM, of which the last makes the output "out"."""
    return {"after": list(nodes), "outputs": ["out"], **parts}


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
REFUSALS = {
    "peepholes": (
        {"inputs": ["x", "W", "R", "B", "", "", "", "P"], "arrays": {"P": np.zeros((1, 9))}},
        CELL + "peepholes (input P) are not supported",
    ),
    "lengths": (
        {"inputs": ["x", "W", "R", "B", "n"], "whole": {"n": np.array([3], np.int32)}},
        CELL + "sequences of different lengths (input sequence_lens) are not supported",
    ),
    "reverse": (
        {"lstm": {"direction": "reverse"}},
        CELL + "direction 'reverse' is not supported; supported: 'forward'",
    ),
    "both": (
        {"lstm": {"direction": "bidirectional"}},
        CELL + "direction 'bidirectional' is not supported",
    ),
    "coupled": ({"lstm": {"input_forget": 1}}, CELL + "coupled gates (input_forget=1) are not"),
    "clip": ({"lstm": {"clip": 3.0}}, CELL + "clip is not supported"),
    "layout": ({"lstm": {"layout": 2}}, CELL + "layout 2 is not supported"),
    "attribute": ({"lstm": {"peephole": 1}}, CELL + "attribute 'peephole' is not supported"),
    "attribute type": ({"lstm": {"clip": 1}}, CELL + "attribute 'clip' is of the wrong type"),
    "hidden_size": ({"lstm": {"hidden_size": 4}}, CELL + "hidden_size does not fit W of shape"),
    "h0 input": (
        {"inputs": ["x", "W", "R", "B", "", "h0"]},
        CELL + "initial_h is an input of the graph or computed; supported is only zero",
    ),
    "h0": (
        {"inputs": ["x", "W", "R", "B", "", "one"]},
        CELL + "initial_h is not zero; supported is only zero",
    ),
    "c0": (
        {"inputs": ["x", "W", "R", "B", "", "zero", "one"]},
        CELL + "initial_c is not zero; supported is only zero",
    ),
    "h0 shape": (
        {"inputs": ["x", "W", "R", "B", "", "W"]},
        CELL + "initial_h of shape (1, 12, 2), must be (1, sequences, 3)",
    ),
    "softplus": (
        acts("Sigmoid", "Softplus", "Tanh"),
        CELL + "activation Softplus is not supported; supported: Sigmoid, Tanh, ScaledTanh",
    ),
    "hard": (acts("HardSigmoid", "Tanh", "Tanh"), CELL + "activation HardSigmoid is not supported"),
    "gates": (
        acts("Tanh", "Tanh", "Tanh"),
        CELL + "activation Tanh of the gates is not supported; supported: Sigmoid",
    ),
    "scaled": (
        acts("Sigmoid", "ScaledTanh", "Tanh", activation_alpha=[3.0], activation_beta=[1.0]),
        CELL + "activation ScaledTanh with alpha 3, beta 1 is not supported; supported: ",
    ),
    "affine": (
        acts("Sigmoid", "Tanh", "Affine", activation_alpha=[1.0], activation_beta=[0.5]),
        CELL + "activation Affine with alpha 1, beta 0.5 is not supported",
    ),
    "alphas": (
        acts("Sigmoid", "ScaledTanh", "Tanh", activation_alpha=[0.0, 2.0, 0.0]),
        CELL + "3 values of activation_alpha and 0 of activation_beta, Sigmoid, ScaledTanh, Tanh",
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
    "external": ({"arrays": {"W": external()}}, "initializer 'W' lies in an external file"),
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
    "relu": (behind(node("Relu", "y")), "Relu node 'n': not supported on what flows"),
    "unknown": (behind(node("Nonsense", "W")), "Nonsense node 'n': this operator is not"),
    "residual": (
        behind(node("Add", "y", "y_h")),
        "Add node 'n': supported is only what flows and a constant",
    ),
    "scale": (behind(node("Mul", "y", "one")), "Mul node 'n': not supported on what flows"),
    "concat": (behind(node("Concat", "y", "y", axis=0)), "Concat node 'n': joining what flows"),
    "sigmoid": (behind(node("Sigmoid", "y")), "Sigmoid node 'n': not supported without a Gemm"),
    "bias alone": (behind(node("Add", "y", "one")), "Add node 'n': not supported without a Gemm"),
    "dense first": (
        {"before": [node("MatMul", "x", "D", to="d")], "inputs": ["d", "W", "R"]},
        "MatMul node 'n': not behind an LSTM",
    ),
    "two dense": (
        behind(node("MatMul", "y", "D", to="d"), node("MatMul", "d", "E"), arrays={"E": np.eye(2)}),
        "MatMul node 'n': a second dense layer is not supported",
    ),
    "behind sigmoid": (
        behind(
            node("MatMul", "y", "D", to="a"),
            node("Sigmoid", "a", to="b"),
            node("Add", "b", "bias"),
            arrays={"bias": np.ones(2)},
        ),
        "Add node 'n': not supported behind Sigmoid",
    ),
    "gemm rank": (behind(node("Gemm", "y", "D")), "Gemm node 'n': its first input must have two"),
    "dense shape": (
        behind(node("MatMul", "y", "E"), arrays={"E": np.eye(2)}),
        "MatMul node 'n': weights of shape (2, 2), must be (3, units)",
    ),
    "bias shape": (
        behind(node("MatMul", "y", "D", to="d"), node("Add", "d", "b"), arrays={"b": np.ones(3)}),
        "Add node 'n': bias of shape (3,), must be (2,)",
    ),
    "step": (
        behind(node("Gather", "y", "k", axis=0), whole={"k": np.int64(0)}),
        "Gather node 'n': picks 0 of axis 0: only the last step of the outputs can be",
    ),
    "step of x": (
        {"before": [node("Gather", "x", "k", to="g")], "whole": {"k": np.int64(-1)}},
        "Gather node 'n': picks -1 of axis 0: supported is only the last step of the outputs",
    ),
    "half": (
        behind(
            node("Slice", "y", "from", "to", "at"),
            whole={"from": np.array([0]), "to": np.array([2]), "at": np.array([3])},
        ),
        "Slice node 'n': starts 0, ends 2 of axis 3: only the last step can be",
    ),
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
    "two outputs": ({"outputs": ["y", "y"]}, "output 'y': a second output is not supported"),
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


def survives(data, path):
    """Whatever the bytes are: a network, or a `ModelError` of one line."""
    path.write_bytes(data)
    try:
        net = load_onnx(path)
    except ModelError as error:
        assert "\n" not in str(error)
        return False
    assert all(np.isfinite(layer.weights["i"]).all() for layer in net.layers)
    return True


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx") / "fuzz.onnx"


WHOLE = [path.read_bytes() for path in onnx_models.SAMPLES if path.stat().st_size < 9000]
FUZZ = settings(max_examples=400, deadline=None, derandomize=True, database=None)


@FUZZ
@given(which=st.integers(0, len(WHOLE) - 1), cut=st.floats(0, 1, exclude_max=True))
def test_truncated_files(which, cut, scratch):
    survives(WHOLE[which][: int(cut * len(WHOLE[which]))], scratch)


@FUZZ
@given(
    which=st.integers(0, len(WHOLE) - 1),
    flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 7)), min_size=1, max_size=6),
)
def test_flipped_bits(which, flips, scratch):
    data = bytearray(WHOLE[which])
    for at, bit in flips:
        data[at % len(data)] ^= 1 << bit
    survives(bytes(data), scratch)


@FUZZ
@given(data=st.binary(max_size=300))
def test_random_bytes(data, scratch):
    survives(data, scratch)


@FUZZ
@given(seed=st.integers(0, 1 << 30), count=st.integers(1, 3))
def test_mutated_graphs(seed, count, scratch):
    rng = np.random.default_rng(seed)
    models = onnx_models.random_model(int(rng.integers(64)))[0]
    model = onnx.ModelProto.FromString(models[0][0].SerializeToString())
    for _ in range(count):
        mutate(model.graph, rng)
    survives(model.SerializeToString(), scratch)


def mutate(graph, rng):
    """Change one thing that a graph may have differently."""
    pick = graph.node[rng.integers(len(graph.node))]
    names = [name for other in graph.node for name in (*other.input, *other.output)]
    way = rng.integers(9)
    if way == 0 and pick.input:
        pick.input[rng.integers(len(pick.input))] = str(rng.choice(names))
    elif way == 1:
        pick.op_type = str(rng.choice([other.op_type for other in graph.node]))
    elif way == 2:
        graph.node.remove(pick)
        graph.node.append(pick)
    elif way == 3 and pick.attribute:
        attribute = pick.attribute[rng.integers(len(pick.attribute))]
        attribute.i = int(rng.integers(-(1 << 62), 1 << 62))
        attribute.ints[:] = rng.integers(-9, 9, len(attribute.ints)).tolist()
    elif way == 4 and pick.attribute:
        pick.attribute[rng.integers(len(pick.attribute))].name = "axes"
    elif way == 5 and pick.input:
        del pick.input[int(rng.integers(len(pick.input)))]
    elif graph.initializer:
        stored = graph.initializer[rng.integers(len(graph.initializer))]
        if way == 6:
            stored.dims[:] = rng.integers(-2, 1 << int(rng.integers(2, 62)), len(stored.dims))
        elif way == 7:
            stored.data_type = int(rng.integers(0, 24))
        else:
            data = rng.bytes(len(stored.raw_data))
            stored.raw_data = data


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

"""Convolutions over time in front of the LSTMs of ONNX files: what onnxruntime gives."""

from typing import Any

import numpy as np
import pytest
from onnx import helper

import golden
from golden.window import Window
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import INPUTS, node, plain
from tests.golden.importers.support import refused

RNG = np.random.default_rng(3)
WIDE = {"C": RNG.standard_normal((INPUTS, INPUTS, 3)), "c": RNG.standard_normal(INPUTS)}
TWICE = {**WIDE, "E": RNG.standard_normal((INPUTS, INPUTS, 2))}
IN = helper.make_node("Transpose", ["x"], ["a"], "in", perm=[1, 2, 0])
BACK = helper.make_node("Transpose", ["b"], ["g"], "back", perm=[2, 0, 1])
PADS = {"two": np.array([0, 0, 2, 0, 0, 0]), "ends": np.array([1 << 40]), "last": np.array([2])}
CHOP = {"zero_": np.array([0]), "less": np.array([-2]), "last": np.array([2])}


def model(*nodes: Any, arrays: Any = WIDE, steps: int | str = "t", whole: Any = None):
    """A model of a plain LSTM behind these nodes, from "a" to "b", (sequences, values, steps)."""
    parts = {"inputs": ["g", "W", "R", "B"], "alone": True, "shape": [steps, 1, INPUTS]}
    return plain(before=[IN, *nodes, BACK], arrays=arrays, whole=whole or {}, **parts)


def conv(at="a", to="b", weights="C", **attributes):
    return node("Conv", at, weights, *["c"] * (weights == "C"), to=to, name=to, **attributes)


SCALE = helper.make_node("Mul", ["a", "half"], ["s"], "scale")
RELU = helper.make_node("Relu", ["d"], ["b"], "relu")
MODELS = {
    "valid": (model(conv()), Window((0, 1, 2))),
    "valid of known steps": (model(conv(), steps=11), Window((0, 1, 2))),
    "strides": (model(conv(strides=[2])), Window((0, 1, 2), 2)),
    "same": (model(conv(pads=[1, 1])), Window((0, 1, 2), 1, 1, 1)),
    "causal": (model(conv(to="d", pads=[2, 0]), RELU), Window((0, 1, 2), 1, 2, 0)),
    "dilated": (model(conv(dilations=[3], pads=[6, 0])), Window((0, 3, 6), 1, 6, 0)),
    "strides and zeros": (model(conv(strides=[3], pads=[1, 2])), Window((0, 1, 2), 3, 1, 2)),
    "a pad": (model(node("Pad", "a", "two", to="p", name="p"), conv("p"), whole=PADS),
              Window((0, 1, 2), 1, 2, 0)),
    "cut behind": (
        model(
            conv(to="d", pads=[2, 2]),
            node("Slice", "d", "zero_", "less", "last", to="b", name="chop"),
            whole=CHOP,
        ),
        Window((0, 1, 2), 1, 2, 0),
    ),
    "scaled": (
        model(SCALE, conv("s"), arrays={**WIDE, "half": np.full((INPUTS, 1), 0.5)}),
        Window((0, 1, 2)),
    ),
    "two": (
        model(
            conv(to="d", strides=[2]),
            node("Relu", "d", to="e", name="e"),
            conv("e", weights="E", dilations=[2]),
            arrays=TWICE,
        ),
        Window((0, 1, 2, 4, 5, 6), 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("graph", "window"), MODELS.values(), ids=MODELS)
def test_a_convolution_is_a_dense_stage_over_windows(graph, window, tmp_path):
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    assert net.reading.window == window
    x = np.random.default_rng(7).standard_normal((11, 1, INPUTS)).astype(np.float32)
    want = np.asarray(onnx_models.run(graph, x))[:, 0, 0]
    seen = net.reading.window.of(x[:, 0].astype(np.float64), net.inputs)
    assert seen.shape == (window.steps(11), len(window.offsets) * INPUTS)
    assert np.abs(net.run(seen).out - want).max() < 1e-6


def test_a_step_is_picked_of_what_an_lstm_gives_behind_a_convolution(tmp_path):
    graph = model(conv(), whole={"end": np.array(-1)})
    graph.graph.node.append(node("Gather", "y", "end", axis=0, to="last", name="last"))
    graph.graph.output[0].name = "last"
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    x = np.random.default_rng(7).standard_normal((11, 1, INPUTS)).astype(np.float32)
    want = np.asarray(onnx_models.run(graph, x))[0]
    seen = net.reading.window.of(x[:, 0].astype(np.float64), net.inputs)
    assert net.output == "last"
    assert np.abs(net.run(seen).out - want).max() < 1e-6


REFUSED = {
    "groups": (model(conv(group=2)), "a convolution with groups or auto_pad is not supported"),
    "auto": (model(conv(auto_pad="SAME_UPPER")), "with groups or auto_pad is not supported"),
    "far": (model(conv(pads=[9, 0])), "pads [9, 0] of a window of 3 steps"),
    "short": (model(conv(), steps=2), "a window of 3 steps of 2"),
    "zeros of a scale": (
        model(SCALE, conv("s", pads=[1, 1]), arrays={**WIDE, "half": np.full((INPUTS, 1), 0.5)}),
        "Conv node 'b': zeros at the ends of what other stages made, not supported; do without",
    ),
    "of values": (
        plain(
            before=[
                helper.make_node("Transpose", ["x"], ["a"], perm=[1, 0, 2]),
                conv(pads=[1, 1]),
                helper.make_node("Transpose", ["b"], ["g"], perm=[1, 0, 2]),
            ],
            inputs=["g", "W", "R", "B"],
            arrays={"C": np.ones((5, 5, 3)), "c": np.ones(5)},
            alone=True,
            shape=[5, 1, INPUTS],
        ),
        "LSTM node 'cell'",
    ),
}


@pytest.mark.parametrize(("graph", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_window_can_say_is_refused(graph, message, tmp_path):
    assert message in refused(onnx_models.save(graph, tmp_path / "bad.onnx"))

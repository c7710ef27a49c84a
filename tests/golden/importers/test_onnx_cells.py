"""Cells written out for one step, as streaming models have them: what onnxruntime gives step by
step, its states given back."""

import re
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import golden
from tests.golden.importers import onnx_models
from tests.golden.importers.support import refused

CELLS = 4


class Cells(onnx_models.Graph):
    """A graph of cells of one step; `x` is the name of what flows."""

    def __init__(self, opset: int = 17) -> None:
        super().__init__(np.random.default_rng(9), opset)
        self.states: list[str] = []
        self.ends: list[str] = []

    def matrix(self, *shape: int) -> str:
        return self.store(self.rng.standard_normal(shape).astype(np.float32))

    def cell(self, x: str, width: int, kind: str, order: str = "ifgo", h: str = "", c: str = ""):
        """h' of one cell, as torch ("gemm") or tf2onnx ("matmul") writes it."""
        if not h:
            h, c = f"h{len(self.states)}", f"c{len(self.states)}"
            self.states += [h, c]
        if kind == "gemm":
            parts = [
                self.node(
                    "Gemm", at, self.matrix(4 * CELLS, size), self.matrix(4 * CELLS), transB=1
                )
                for at, size in ((h, CELLS), (x, width))
            ]
            net = self.node("Add", *parts)
        else:
            parts = [
                self.node("MatMul", at, self.matrix(size, 4 * CELLS))
                for at, size in ((x, width), (h, CELLS))
            ]
            net = self.node("Add", self.node("Add", *parts), self.matrix(4 * CELLS))
        found = dict(zip(order, self.split(net, 1, [CELLS] * 4), strict=True))
        gates = {k: self.node("Tanh" if k == "g" else "Sigmoid", v) for k, v in found.items()}
        kept, entered = self.node("Mul", gates["f"], c), self.node("Mul", gates["i"], gates["g"])
        c_new = self.node("Add", kept, entered)
        h_new = self.node("Mul", self.node("Tanh", c_new), gates["o"])
        self.ends += [h_new, c_new]
        return h_new

    def made(self, width: int, out: str, ends: bool = True) -> onnx.ModelProto:
        def value(name: str, size: int | None) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size or name])

        inputs = [value("x", width), *(value(name, CELLS) for name in self.states)]
        outputs = [value(name, None) for name in (out, *(self.ends if ends else []))]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.stored)
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, ir_version=8, opset_imports=opsets)


def streamed(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """What onnxruntime gives for each step, the states handed on."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [entry.name for entry in session.get_inputs()]
    states, found = [np.zeros((1, CELLS), np.float32) for _ in names[1:]], []
    for values in x:
        given = dict(zip(names, [values[None], *states], strict=True))
        out, *states = session.run(None, given)
        found.append(np.asarray(out)[0])
    return np.array(found)


def two(kind: str) -> onnx.ModelProto:
    graph = Cells()
    above = graph.cell(graph.cell("x", 3, kind), CELLS, kind)
    return graph.made(3, graph.node("Tanh", graph.node("MatMul", above, graph.matrix(CELLS, 2))))


def single(opset: int, width: int, kind: str, order: str = "ifgo") -> onnx.ModelProto:
    graph = Cells(opset)
    above = graph.cell("x", width, kind, order)
    return graph.made(width, graph.node("MatMul", above, graph.matrix(CELLS, 2)))


MODELS = {
    "torch": single(17, 3, "gemm"),
    "tensorflow": single(11, 3, "matmul", "igfo"),
    "as many inputs as cells": single(17, CELLS, "gemm"),
    "two layers": two("gemm"),
    "two layers of tensorflow": two("matmul"),
}


@pytest.mark.parametrize("graph", MODELS.values(), ids=MODELS)
def test_a_cell_of_one_step_is_an_lstm(graph, tmp_path):
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    assert (net.output, "given at run time" in net.made_by) == ("every", True)
    x = np.random.default_rng(7).standard_normal((9, net.inputs)).astype(np.float32)
    assert np.abs(net.run(x).out - streamed(graph, x)).max() < 1e-6


def normalised() -> onnx.ModelProto:
    """A mask of a denoiser: a normalisation in front, and a product with what is before it."""
    graph = Cells()
    scale, shift = (graph.store(np.full(3, value, np.float32)) for value in (1.2, 0.1))
    front = graph.node("LayerNormalization", "x", scale, shift)
    above = graph.cell(front, 3, "matmul")
    mask = graph.node("Sigmoid", graph.node("MatMul", above, graph.matrix(CELLS, 3)))
    return graph.made(3, graph.node("Mul", mask, "x"))


def test_the_cut_that_is_proposed_keeps_all_that_can_be_read(tmp_path):
    """The call in the message is done as it stands."""
    said = refused(onnx_models.save(normalised(), tmp_path / "net.onnx"))
    assert said.startswith("LayerNormalization node")
    lists = re.search(r"extract_model\(FILE, NEW, (\[.*?\]), (\[.*?\])\)", said)
    assert lists
    names = [re.findall(r"'(.*?)'", each) for each in lists.groups()]
    assert names[0][1:] == ["h0", "c0"]
    new = tmp_path / "cut.onnx"
    onnx.utils.extract_model(tmp_path / "net.onnx", new, *names)
    net = golden.load(new)
    assert [stage.squash for stage in net.head] == ["sigma"]
    x = np.random.default_rng(7).standard_normal((9, 3)).astype(np.float32)
    model = onnx.load(new)
    want = streamed(model, x)
    assert np.abs(net.run(x).out - want).max() < 1e-6


def test_a_sequence_that_is_unrolled_into_its_steps_is_refused(tmp_path):
    graph = Cells()
    graph.cell("x", 3, "matmul")
    graph.cell("x", 3, "matmul", h=graph.ends[0], c=graph.ends[1])
    path = onnx_models.save(graph.made(3, graph.ends[2], ends=False), tmp_path / "net.onnx")
    assert "as in an LSTM that is unrolled into its steps; export it as one operator" in refused(
        path
    )

"""ONNX graphs built node by node, and onnxruntime, which says what they compute."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

DATA = Path(__file__).parents[2] / "data"
SAMPLES = sorted([*DATA.glob("torch_*.onnx"), *DATA.glob("tf2onnx_*.onnx")])
CELLS, INPUTS = 3, 2  # of `plain`


@dataclass
class Flow:
    """What flows while a graph grows: a tensor's name, its axes' names, how many features."""

    name: str
    axes: list[str]
    width: int

    def at(self, axis):
        return self.axes.index(axis)


class Graph:
    """A graph that grows: nodes and initializers, names made as they are needed."""

    def __init__(self, rng, opset):
        self.rng, self.opset = rng, opset
        self.nodes, self.stored, self.count = [], [], 0

    def name(self, word="v"):
        self.count += 1
        return f"{word}{self.count}"

    def store(self, values, word="w"):
        self.stored.append(numpy_helper.from_array(np.asarray(values), self.name(word)))
        return self.stored[-1].name

    def ints(self, *values):
        return self.store(np.array(values, np.int64), "n")

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [self.name(op.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def squeeze(self, x, *axes, op="Squeeze"):
        if self.opset < 13:
            return self.node(op, x, axes=list(axes))
        return self.node(op, x, self.ints(*axes))

    def slice(self, x, start, end, axis):
        if self.opset < 10:
            return self.node("Slice", x, starts=[start], ends=[end], axes=[axis])
        return self.node("Slice", x, self.ints(start), self.ints(end), self.ints(axis))

    def weight(self, values):
        """A float32 constant behind one of the things that exporters leave before it."""
        values = np.asarray(values, np.float32)
        ways = ["stored", "constant", "identity", "cast", "transpose", "slice", "concat"]
        ways += ["unsqueeze", "squeeze", "reshape", "gather", "split"]
        if self.opset >= 13:
            ways += ["dequantize", "channels"]
        way = self.rng.choice(ways)
        last = values.ndim - 1
        if way == "constant":
            return self.node("Constant", value=numpy_helper.from_array(values))
        if way == "identity":
            return self.node("Identity", self.store(values))
        if way == "cast":
            return self.node("Cast", self.store(values.astype(np.float64)), to=TensorProto.FLOAT)
        if way == "transpose":
            perm = [int(k) for k in self.rng.permutation(values.ndim)]
            turned = np.ascontiguousarray(np.transpose(values, np.argsort(perm)))
            return self.node("Transpose", self.store(turned), perm=perm)
        if way == "slice":
            wide = np.concatenate([values, values[..., :2] + 1], axis=last)
            return self.slice(self.store(wide), 0, values.shape[last], last)
        if way == "split":
            wide = self.store(np.concatenate([values, values + 1], axis=last))
            sizes = [values.shape[last]] * 2
            return self.split(wide, last, sizes)[0]
        if way == "concat":
            half = values.shape[last] // 2 or 1
            parts = [p for p in (values[..., :half], values[..., half:]) if p.size]
            return self.node("Concat", *map(self.store, parts), axis=last)
        if way == "unsqueeze" and values.shape[0] == 1:
            return self.squeeze(self.store(values[0]), 0, op="Unsqueeze")
        if way == "squeeze":
            return self.squeeze(self.store(values[..., None]), values.ndim)
        if way == "reshape":
            return self.node("Reshape", self.store(values.reshape(-1)), self.ints(*values.shape))
        if way == "gather":
            order = self.rng.permutation(values.shape[last])
            where = self.store(np.argsort(order))
            return self.node("Gather", self.store(values[..., order]), where, axis=last)
        if way in ("dequantize", "channels"):
            codes = self.rng.integers(-128, 128, values.shape).astype(np.int8)
            width = values.shape[last] if way == "channels" else None
            scale = np.asarray(self.rng.uniform(0.002, 0.006, width), np.float32)
            zero = np.asarray(self.rng.integers(-9, 9, width), np.int8)
            parts = [self.store(codes), self.store(scale), self.store(zero)]
            return self.node("DequantizeLinear", *parts, axis=last)
        return self.store(values)

    def split(self, x, axis, sizes):
        if self.opset < 13:
            return self.node("Split", x, outputs=len(sizes), axis=axis, split=sizes)
        return self.node("Split", x, self.ints(*sizes), outputs=len(sizes), axis=axis)

    def model(self, x, y):
        """The model of inputs and outputs as `value` makes them."""
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.stored)
        return helper.make_model(
            graph, ir_version=8, opset_imports=[helper.make_opsetid("", self.opset)]
        )


def value(name, sizes, words, kind=TensorProto.FLOAT):
    """An input or output whose axes have names: the denotation of each is a word."""
    found = helper.make_tensor_value_info(name, kind, sizes)
    for dim, word in zip(found.type.tensor_type.shape.dim, words, strict=True):
        dim.denotation = word
    return found


def run(model, x):
    """The first output of a model of one input x."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # optimised, a MatMul behind DequantizeLinear would round its activations to 8 bits
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def save(model, path):
    path.write_bytes(model.SerializeToString())
    return path


def plain(opset=17, **parts):
    """A model of one LSTM, Squeeze and Gemm; `parts` replaces inputs, attributes or nodes."""
    rng = np.random.default_rng(5)
    arrays = {
        "W": rng.standard_normal((1, 4 * CELLS, INPUTS)),
        "R": rng.standard_normal((1, 4 * CELLS, CELLS)),
        "B": rng.standard_normal((1, 8 * CELLS)),
        "D": rng.standard_normal((CELLS, 2)),
        "zero": np.zeros((1, 1, CELLS)),
        "one": np.ones((1, 1, CELLS)),
    } | parts.get("arrays", {})
    stored = [
        values
        if isinstance(values, onnx.TensorProto)
        else numpy_helper.from_array(np.asarray(values, np.float32), name)
        for name, values in arrays.items()
    ]
    stored += [numpy_helper.from_array(np.array(v), k) for k, v in parts.get("whole", {}).items()]
    lstm = helper.make_node(
        "LSTM",
        parts.get("inputs", ["x", "W", "R", "B"]),
        ["y", "y_h", "y_c"],
        name="cell",
        **({"hidden_size": CELLS} | parts.get("lstm", {})),
    )
    nodes = parts.get("before", []) + [lstm] + parts.get("after", [])
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, parts.get("shape", ["t", 1, 2]))
    ]
    if "alone" not in parts:
        inputs += [helper.make_tensor_value_info("h0", TensorProto.FLOAT, [1, 1, CELLS])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in parts.get("outputs", ["y"])
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, ir_version=8, opset_imports=parts.get("opsets", opsets))


def node(op, *inputs, to=None, name="n", **attributes):
    return helper.make_node(op, list(inputs), [to or "out"], name=name, **attributes)


def behind(*nodes, **parts):
    """Parts of a model with `nodes` after the LSTM, of which the last makes the output "out"."""
    return {"after": list(nodes), "outputs": ["out"], **parts}

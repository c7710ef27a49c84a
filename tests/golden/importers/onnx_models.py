"""Random ONNX models of all that is read, and onnxruntime, which says what they compute."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

DATA = Path(__file__).parents[2] / "data"
SAMPLES = sorted(DATA.glob("torch_*.onnx"))
CELLS, INPUTS = 3, 2  # of `plain`


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
        ways += ["unsqueeze", "squeeze", "reshape", "gather"]
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

    def model(self, x, y, shape):
        inputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)]
        outputs = [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.stored)
        return helper.make_model(
            graph, ir_version=8, opset_imports=[helper.make_opsetid("", self.opset)]
        )


G_AND_H = {
    "default": None,
    "plain": (["Sigmoid", "Tanh", "Tanh"], [], []),
    "1997": (["Sigmoid", "ScaledTanh", "ScaledTanh"], [2.0, 1.0], [0.5, 0.5]),
    "sigma": (["Sigmoid", "Sigmoid", "Tanh"], [], []),
    "identity h": (["Sigmoid", "Tanh", "Affine"], [1.0], [0.0]),
    "scaled tanh": (["Sigmoid", "ScaledTanh", "Tanh"], [1.0], [1.0]),
}


def random_model(seed, batch_first_lstm=False):
    """A random supported model; the model, x (N, T, D), and how its output is arranged.

    With `batch_first_lstm` the second model returned uses layout 1, which onnxruntime does not
    run; the first is its twin of layout 0, with the same numbers.
    """
    rng = np.random.default_rng([303, seed])
    opset = int(rng.choice([7, 9, 11, 12, 13, 14, 17, 21, 22]))
    if batch_first_lstm:
        opset = int(rng.choice([14, 22]))
    batch, steps, inputs = (int(n) for n in rng.integers(1, [4, 12, 6]))
    layers = int(rng.integers(1, 4))
    open_sizes = bool(rng.integers(2))
    numbers, built = rng.integers(1 << 30), []
    for layout in (0, 1) if batch_first_lstm else (0,):
        built.append(_random_graph(np.random.default_rng(numbers), opset, batch, steps, inputs,
                                   layers, open_sizes, layout))  # fmt: skip
    x = rng.standard_normal((batch, steps, inputs)).astype(np.float32)
    return built, x


def _random_graph(rng, opset, batch, steps, inputs, layers, open_sizes, layout):
    graph = Graph(rng, opset)
    batch_first = bool(rng.integers(2))
    shape = [batch, steps, inputs] if batch_first else [steps, batch, inputs]
    if open_sizes:
        shape[:2] = ["a", "b"]
    flow, given = "x", inputs
    if batch_first != bool(layout):
        flow = graph.node("Transpose", flow, perm=[1, 0, 2])
    for k in range(layers):
        cells = int(rng.integers(1, 7))
        flow, kept = _random_lstm(graph, flow, given, cells, batch, layout, k == layers - 1)
        given = cells
    rank, last = (2, True) if kept != "Y" else (3, False)
    if kept == "Y" and bool(layout) != batch_first:
        flow, layout = graph.node("Transpose", flow, perm=[1, 0, 2]), int(batch_first)
    time = 1 if layout else 0
    if kept == "Y" and rng.integers(2):
        last = True
        if rng.integers(2):
            flow, rank = graph.node("Gather", flow, graph.store(np.int64(-1)), axis=time), 2
        else:
            flow = graph.slice(flow, -1, (1 << 31) - 1, time)
    if rng.integers(3):
        units = int(rng.integers(1, 4))
        weights = rng.standard_normal((given, units)).astype(np.float32)
        if rank == 2 and rng.integers(2):
            turned = bool(rng.integers(2))
            w = graph.weight(weights.T if turned else weights)
            bias = graph.weight(rng.standard_normal(units))
            scales = {"alpha": 0.5, "beta": 2.0} if rng.integers(2) else {}
            flow = graph.node("Gemm", flow, w, bias, transB=int(turned), **scales)
        else:
            flow = graph.node("MatMul", flow, graph.weight(weights))
            if rng.integers(2):
                parts = [flow, graph.weight(rng.standard_normal(units))]
                flow = graph.node("Add", *(parts if rng.integers(2) else parts[::-1]))
        if rng.integers(2):
            flow = graph.node("Sigmoid", flow)
    arranged = ("last" if last else "batch" if layout else "time") + str(rank)
    return graph.model("x", flow, shape), arranged, batch_first


def _random_lstm(graph, x, inputs, cells, batch, layout, is_last):
    """One LSTM and what brings its output back to three axes; the flow, and which output it is."""
    rng = graph.rng
    w = graph.weight(0.7 * rng.standard_normal((1, 4 * cells, inputs)))
    r = graph.weight(0.5 * rng.standard_normal((1, 4 * cells, cells)))
    b = graph.weight(rng.standard_normal((1, 8 * cells))) if rng.integers(3) else ""
    parts = [x, w, r, b]
    if rng.integers(3) == 0:
        shape = (batch, 1, cells) if layout else (1, batch, cells)
        zero = graph.store(np.zeros(shape, np.float32))
        parts += ["", zero, zero]
    attributes = {"hidden_size": cells}
    chosen = G_AND_H[str(rng.choice(list(G_AND_H)))]
    if chosen:
        names, alpha, beta = chosen
        attributes |= {"activations": names}
        attributes |= {"activation_alpha": alpha, "activation_beta": beta} if alpha else {}
    if layout:
        attributes["layout"] = 1
    y, y_h, _ = graph.node("LSTM", *parts, outputs=3, **attributes)
    final, way = rng.integers(3) == 0, rng.integers(3)
    if is_last and final:
        return graph.squeeze(y_h, 1 if layout else 0), "Y_h"
    if layout:
        return graph.squeeze(y, 2), "Y"
    if way == 0:
        return graph.squeeze(y, 1), "Y"
    if way == 1:
        turned = graph.node("Transpose", y, perm=[0, 2, 1, 3])
        return graph.node("Reshape", turned, graph.ints(0, 0, -1)), "Y"
    return graph.squeeze(graph.node("Transpose", y, perm=[0, 2, 1, 3]), 2), "Y"


def run(model, x):
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

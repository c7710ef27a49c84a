"""Seeded random ONNX networks over everything that is read, and what onnxruntime computes of them.

The axes of a model's input and output carry their names as denotations: "time", "batch",
"directions", "features" and "one" (of size 1). `sequences` and `expected` go by them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from golden.reading import vectors
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import Flow, Graph, value
from tests.golden.importers.random_dense import around, bent, embedded, mingled, readout

OPSETS = [7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 21, 22]
OPEN_END = (1 << 31) - 1
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
POOLS = [
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool",
]  # fmt: skip
GATES = ["Sigmoid", "Sigmoid", "HardSigmoid", "hardsigmoid"]
OF_G = ["Tanh", "Tanh", "Sigmoid", "HardSigmoid", "Affine", "ScaledTanh", "ScaledTanh"]
OF_H = [
    ("Tanh", 0, 0), ("tanh", 0, 0), ("Sigmoid", 0, 0), ("Affine", 1, 0), ("ScaledTanh", 1, 1),
    ("ScaledTanh", 1, 0.5), ("ScaledTanh", 2, 0.5), ("HardSigmoid", 1, 0),
]  # fmt: skip


class Builder(Graph):
    """A graph of LSTMs: `batch` is None where the number of sequences is left open."""

    def __init__(self, rng, opset, batch, layout):
        super().__init__(rng, opset)
        self.batch, self.layout, self.ends = batch, layout, []
        self.order = ["batch", "time"] if layout else ["time", "batch"]

    def chance(self, part):
        return bool(self.rng.random() < part)

    def pick(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def transposed(self, flow, axes):
        if flow.axes == axes:
            return flow
        perm = [flow.at(axis) for axis in axes]
        return Flow(self.node("Transpose", flow.name, perm=perm), axes, flow.width)

    def turned(self, flow):
        """The steps in reversed order."""
        parts = [self.ints(-1), self.ints(-(1 << 62)), self.ints(flow.at("time")), self.ints(-1)]
        return Flow(self.node("Slice", flow.name, *parts), flow.axes, flow.width)

    def index(self, flow, axis, start, end=None):
        """One index of an axis, which goes away."""
        at, axes = flow.at(axis), [name for name in flow.axes if name != axis]
        if self.chance(0.5):
            return Flow(
                self.node("Gather", flow.name, self.store(np.int64(start)), axis=at),
                axes,
                flow.width,
            )
        kept = self.slice(flow.name, start, start + 1 or OPEN_END, at)
        return Flow(self.squeeze(kept, at), axes, flow.width)

    def state(self, directions, cells, x):
        """An initial state, the same for every sequence, in one of the ways to say it."""
        scale = self.pick([0, 0.5, 1])
        rows = (scale * self.rng.standard_normal((directions, 1, cells))).astype(np.float32)
        if self.layout:
            rows = rows.transpose(1, 0, 2)
        if self.batch is not None and self.chance(0.5):
            return self.store(np.repeat(rows, self.batch, 0 if self.layout else 1))
        sizes = self.node("Shape", x.name)
        batch = self.node("Gather", sizes, self.ints(x.at("batch")), axis=0)
        around = [batch, self.ints(directions)] if self.layout else [self.ints(directions), batch]
        shape = self.node("Concat", *around, self.ints(cells), axis=0)
        if not rows.any() and self.opset >= 9:
            return self.node("ConstantOfShape", shape)
        if self.opset >= 8:
            return self.node("Expand", self.weight(rows), shape)
        return ""


def activations(b, directions):
    """Attributes, and whether every state stays bounded."""
    if b.chance(0.25):
        return {}, True
    names, alphas, betas, bounded = [], [], [], True
    for _ in range(directions):
        gate, g, (h, *scales) = b.pick(GATES), b.pick(OF_G), b.pick(OF_H)
        sign = b.pick([-1, 1, 1])
        given = {"hardsigmoid": (sign * b.rng.uniform(0.1, 0.6), b.rng.uniform(0.2, 0.8))}
        given["affine"] = (sign * b.rng.uniform(0.2, 0.9), b.rng.uniform(-0.3, 0.3))
        given["scaledtanh"] = (b.pick([1, 2]), b.pick([0.5, 1, sign * b.rng.uniform(0.2, 1.5)]))
        for name, own in ((gate, None), (g, None), (h, scales)):
            names.append(name)
            if name.lower() in given:
                alpha, beta = own or given[name.lower()]
                alphas.append(float(alpha))
                betas.append(float(beta))
        bounded &= g != "Affine" and h != "Affine"
    if all(name.lower() not in ("affine", "scaledtanh", "hardsigmoid") for name in names):
        return {"activations": names}, bounded
    if {n.lower() for n in names} <= {"sigmoid", "tanh", "hardsigmoid"} and 1.0 not in alphas:
        keep = int(b.rng.integers(len(alphas) + 1))  # the others are the defaults, 0.2 and 0.5
        alphas, betas = alphas[:keep], betas[:keep]
    scales = {"activation_alpha": alphas, "activation_beta": betas}
    return {"activations": names, **{k: v for k, v in scales.items() if v}}, bounded


def lstm(b, x, direction, cells):
    """One LSTM node of random options: the flows Y and Y_h."""
    rng, ways = b.rng, DIRECTIONS[direction]
    attributes, bounded = activations(b, ways)
    attributes |= {"hidden_size": cells}
    if direction != "forward" or b.chance(0.3):
        attributes["direction"] = direction
    scale = rng.uniform(0.3, 1.0) * (3 if bounded and b.chance(0.15) else 1)
    recurrent = scale / np.sqrt(cells) * (1 if bounded else 0.5)
    w = b.weight(scale / np.sqrt(x.width) * rng.standard_normal((ways, 4 * cells, x.width)))
    r = b.weight(recurrent * rng.standard_normal((ways, 4 * cells, cells)))
    bias = b.weight(0.4 * rng.standard_normal((ways, 8 * cells))) if b.chance(0.75) else ""
    inputs = [x.name, w, r, bias, ""]
    inputs += [b.state(ways, cells, x) if b.chance(0.4) else "" for _ in "hc"]
    if b.chance(0.4):
        strength = 0.5 if bounded else 0.1
        inputs += [b.weight(strength * rng.standard_normal((ways, 3 * cells)))]
    while inputs[-1] == "":
        inputs.pop()
    if b.chance(0.25):
        attributes["input_forget"] = 1
    if b.chance(0.3):
        attributes["clip"] = float(rng.uniform(0.3, 2.5))
    if b.layout:
        attributes["layout"] = 1
    y, y_h, _ = b.node("LSTM", *inputs, outputs=3, **attributes)
    every = ["batch", "time", "directions", "features"]
    every = every if b.layout else ["time", "directions", "batch", "features"]
    last = [name for name in every if name != "time"]
    return Flow(y, every, cells), Flow(y_h, last, cells)


def joined(b, flow, ways):
    """The directions side by side on the last axis."""
    axes = [name for name in flow.axes if name not in ("directions", "features")]
    whole = ways * flow.width
    way = b.pick(["reshape", "reshape", "index", "split"] if ways == 2 else ["reshape", "squeeze"])
    if way == "reshape":
        turned = b.transposed(flow, [*axes, "directions", "features"])
        if len(axes) == 1 and b.opset >= 9 and b.chance(0.5):
            return Flow(b.node("Flatten", turned.name, axis=1), [*axes, "features"], whole)
        shape = b.ints(*[0] * len(axes), -1)
        return Flow(b.node("Reshape", turned.name, shape), [*axes, "features"], whole)
    at = flow.at("directions")
    if way == "squeeze":
        found = Flow(b.squeeze(flow.name, at), [*axes, "features"], whole)
    elif way == "index":
        parts = [b.index(flow, "directions", k) for k in (0, 1)]
        name = b.node("Concat", *(part.name for part in parts), axis=len(axes))
        found = Flow(name, [*axes, "features"], whole)
    else:
        parts = [b.squeeze(part, at) for part in b.split(flow.name, at, [1, 1])]
        found = Flow(b.node("Concat", *parts, axis=len(axes)), [*axes, "features"], whole)
    return found


def stage(b, x, direction, cells, steps):
    """One layer, or two side by side; the flow of `steps` "raw", "every", "last" or "final"."""
    ways = DIRECTIONS[direction]
    if direction == "bidirectional" and b.opset >= 10 and b.chance(0.2):
        return beside(b, x, cells, steps)
    if direction == "reverse" and b.opset >= 10 and steps != "raw" and b.chance(0.3):
        y, y_h = lstm(b, b.turned(x), "forward", cells)
        if steps == "final":
            return joined(b, y_h, 1)
        flow = b.turned(joined(b, y, 1))
        return b.index(flow, "time", -1) if steps == "last" else flow
    y, y_h = lstm(b, x, direction, cells)
    b.ends.append((y_h, ways))
    if steps == "raw":
        return b.pick([y, y_h])
    if steps == "final":
        return final(b, y, y_h, direction)
    if steps == "last" and b.chance(0.5):
        return joined(b, b.index(y, "time", -1), ways)
    flow = joined(b, y, ways)
    return b.index(flow, "time", -1) if steps == "last" else flow


def beside(b, x, cells, steps):
    """A forward and a reverse LSTM of two nodes, joined."""
    flows = [lstm(b, x, direction, cells) for direction in ("forward", "reverse")]
    final_steps = steps in ("raw", "final")
    parts = [joined(b, y_h if final_steps else y, 1) for y, y_h in flows]
    parts = [b.transposed(part, parts[0].axes) for part in parts]
    name = b.node("Concat", *(part.name for part in parts), axis=len(parts[0].axes) - 1)
    flow = Flow(name, parts[0].axes, 2 * cells)
    return b.index(flow, "time", -1) if steps == "last" else flow


def final(b, y, y_h, direction):
    """What each direction ends with, in one of the ways to pick it."""
    ways = DIRECTIONS[direction]
    way = b.pick(["h", "h", "y", "stack"])
    if way == "y":
        steps = {"forward": [-1], "reverse": [0], "bidirectional": [-1, 0]}[direction]
        parts = [b.index(b.index(y, "directions", k), "time", at) for k, at in enumerate(steps)]
        if ways == 1:
            return parts[0]
        name = b.node("Concat", *(part.name for part in parts), axis=1)
        return Flow(name, parts[0].axes, 2 * y.width)
    same = [(flow, n) for flow, n in b.ends if flow.width == y.width]
    if way == "stack" and not b.layout and len(same) > 1:
        name = b.node("Concat", *(flow.name for flow, _ in same), axis=0)
        total = sum(n for _, n in same)
        stack = Flow(name, y_h.axes, y.width)
        parts = [b.index(stack, "directions", total - ways + k) for k in range(ways)]
        name = b.node("Concat", *(part.name for part in parts), axis=1)
        return Flow(name if ways == 2 else parts[0].name, parts[0].axes, ways * y.width)
    return joined(b, y_h, ways)


def over_time(b, flow):
    """The mean over the steps, their sum, the largest or the least; or two of these, or one and
    the last step, joined."""
    ways = [pooled, pooled, pooled, lambda b, flow: b.index(flow, "time", -1)]
    found = b.pick(ways[:3])(b, flow)
    if not b.chance(0.3):
        return found
    other = b.transposed(b.pick(ways)(b, flow), found.axes)
    axes = [axis for axis in found.axes if axis != "features"] + ["features"]
    names = [b.transposed(part, axes).name for part in (found, other)]
    return Flow(b.node("Concat", *names, axis=len(axes) - 1), axes, 2 * flow.width)


def pooled(b, flow):
    """One number for each value of all steps."""
    known = b.batch is not None  # and so is the number of steps, which a mean needs
    op = b.pick([op for op in POOLS if known or op not in ("ReduceMean", "GlobalAveragePool")])
    if op in ("ReduceMax", "ReduceMin", "GlobalMaxPool"):
        flow = Flow(b.node(b.pick(["Tanh", "Sigmoid"]), flow.name), flow.axes, flow.width)
    left = [axis for axis in flow.axes if axis != "time"]
    if op.startswith("Global"):
        flow = b.transposed(flow, ["batch", "features", "time"])
        name = b.squeeze(b.node(op, flow.name), 2)
        return b.transposed(Flow(name, ["batch", "features"], flow.width), left)
    at = flow.at("time")
    if b.opset >= (13 if op == "ReduceSum" else 18):
        name = b.node(op, flow.name, b.ints(at), keepdims=0)
    else:
        name = b.node(op, flow.name, axes=[at], keepdims=0)
    return Flow(name, left, flow.width)


def convolved(b, flow):
    """A convolution over time, with zeros at the ends or without, and perhaps a function."""
    flow = b.transposed(flow, ["batch", "features", "time"])
    width, dilation, units = (int(n) for n in b.rng.integers(1, [4, 3, 6]))
    scale = 1 / np.sqrt(width * flow.width)
    parts = [b.weight(scale * b.rng.standard_normal((units, flow.width, width)))]
    parts += [b.weight(b.rng.standard_normal(units))] if b.chance(0.5) else []
    zeros = (width - 1) * dilation
    pads = b.pick([[0, 0], [zeros, 0], [zeros // 2, zeros - zeros // 2]])
    more = {"pads": pads, "dilations": [dilation], "strides": [b.pick([1, 1, 2])]}
    found = Flow(b.node("Conv", flow.name, *parts, **more), flow.axes, units)
    return Flow(bent(b, found.name), found.axes, units) if b.chance(0.4) else found


def random_model(seed, steps=None):
    """A random supported model and an input for it.

    Parameters
    ----------
    seed : the same seed makes the same model.
    steps : T; 8 to 12 unless said.

    Returns
    -------
    onnx.ModelProto, and float32 x as the model takes it, (T, N, D) or (N, T, D).
    """
    rng = np.random.default_rng([303, seed])
    opset = int(rng.choice(OPSETS))
    layout = int(opset >= 14 and rng.random() < 0.3)
    steps = int(rng.integers(8, 13)) if steps is None else steps
    batch, inputs, layers = (int(n) for n in rng.integers(1, [4, 7, 4]))
    known, decided = bool(rng.integers(2)), False
    b = Builder(rng, opset, batch if known else None, layout)
    axes = [*b.pick([["time", "batch"], ["batch", "time"]]), "features"]
    sizes = {"time": steps, "batch": batch, "features": inputs}
    x = rng.standard_normal([sizes[axis] for axis in axes]).astype(np.float32)
    if not known:
        sizes |= {"time": "t", "batch": "n"}
    flow = Flow("x", axes, inputs)
    if table := b.chance(0.1):
        axes = axes[:-1]
        x = rng.integers(0, inputs, x.shape[:-1])
        flow = embedded(b, Flow("x", axes, inputs), inputs)
    elif b.chance(0.15):
        flow = convolved(b, flow)
    cells, forward, earlier = int(rng.integers(1, 10)), b.chance(0.4), [flow]
    for k in range(layers):
        flow = around(b, flow)
        if forward:
            flow = mingled(b, flow, earlier)
        flow = b.transposed(flow, [*b.order, "features"])
        wanted = b.pick(["raw", "every", "every", "last", "final"]) if k + 1 == layers else "every"
        direction = b.pick(["forward", "forward", "reverse", "bidirectional", "bidirectional"])
        direction = "forward" if forward else direction
        flow = stage(b, flow, direction, cells, wanted)
        cells = cells if b.chance(0.3) else int(rng.integers(1, 10))
        earlier += [flow] if "directions" not in flow.axes else []
    if "directions" not in flow.axes:
        if forward and "time" in flow.axes:
            flow = mingled(b, flow, earlier)
        if len(flow.axes) == 3 and b.chance(0.3):
            flow = b.transposed(flow, [*flow.axes[1::-1], "features"])
        flow = around(b, flow, 0.15)
        if b.chance(0.65):
            flow = b.transposed(flow, [*(a for a in flow.axes if a != "features"), "features"])
            flow = readout(b, flow)
            if forward and "time" in flow.axes:
                flow = mingled(b, flow, earlier)
        flow = b.transposed(flow, [*(a for a in flow.axes if a != "features"), "features"])
        if "time" in flow.axes and b.chance(0.5):
            flow = over_time(b, flow)
        if "time" in flow.axes and b.chance(0.2):
            flow = b.index(flow, "time", -1)
        if b.chance(0.15):
            op = b.pick(["Softmax", "LogSoftmax", "ArgMax"])
            flow = Flow(b.node(op, flow.name, axis=len(flow.axes) - 1), flow.axes, flow.width)
            decided = op == "ArgMax"
    kind = TensorProto.INT64 if decided else TensorProto.FLOAT
    out = value(flow.name, [None] * len(flow.axes), flow.axes, kind)
    kind = TensorProto.INT64 if table else TensorProto.FLOAT
    model = b.model(value("x", [sizes[axis] for axis in axes], axes, kind), out)
    model.graph.doc_string = str(inputs)
    return model, x


def words(info):
    return [dim.denotation for dim in info.type.tensor_type.shape.dim]


def sequences(model, x, net):
    """x (N, T, D), as the network takes it: one at its place of D for a row of a table, windows."""
    axes = words(model.graph.input[0])
    if "features" not in axes:
        x, axes = vectors(x, int(model.graph.doc_string)), [*axes, "features"]
    x = x.transpose([axes.index(name) for name in ("batch", "time", "features")])
    return net.reading.window.of(x, net.inputs)


def expected(model, x):
    """What onnxruntime computes, arranged as golden's `Trace.out`: (N, T or 1, K).

    onnxruntime does not run layout 1; for such a model it runs its twin of layout 0.
    """
    axes, out = words(model.graph.output[0]), onnx_models.run(twin(model), x)
    order = [name for name in ("batch", "time", "directions", "features") if name in axes]
    out = out.transpose([axes.index(name) for name in order])
    return out.reshape(len(out), out.shape[1] if "time" in axes else 1, -1)


def twin(model):
    """The model with every LSTM of layout 1 replaced by one of layout 0 between Transposes."""
    found = onnx.ModelProto.FromString(model.SerializeToString())
    nodes = list(found.graph.node)
    del found.graph.node[:]
    for k, node in enumerate(nodes):
        layout = [entry for entry in node.attribute if entry.name == "layout" and entry.i]
        if not layout:
            found.graph.node.append(node)
            continue
        node.attribute.remove(layout[0])
        for at in (0, 5, 6):
            if at < len(node.input) and node.input[at]:
                name = f"twin{k}in{at}"
                found.graph.node.append(
                    helper.make_node("Transpose", [node.input[at]], [name], perm=[1, 0, 2])
                )
                node.input[at] = name
        perms = dict(zip(node.output, ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2]), strict=False))
        node.output[:] = [f"twin{k}out{n}" for n in range(len(node.output))]
        found.graph.node.append(node)
        for (name, perm), inner in zip(perms.items(), node.output, strict=True):
            found.graph.node.append(helper.make_node("Transpose", [inner], [name], perm=perm))
    return found

"""Random stages around the LSTMs of `random_onnx`: linear ones, and a readout."""

import numpy as np

from tests.golden.importers.onnx_models import Flow


def scaled(b, flow):
    """One number for each value, or for all: a factor or a shift."""
    size = b.pick([1, flow.width])
    values = np.asarray(b.rng.uniform(0.4, 1.5, size) * b.pick([-1, 1]), np.float32)
    at = flow.at("features")
    shape = b.pick([[1] * at + [size], [size]]) + [1] * (len(flow.axes) - 1 - at)
    if size == 1 and b.chance(0.3):
        shape = []
    parts = [flow.name, b.weight(values.reshape(shape)) if shape else b.store(values.reshape(()))]
    op = b.pick(["Add", "Sub", "Mul", "Div", "Neg"])
    parts = parts[::-1] if op in ("Add", "Sub", "Mul") and b.chance(0.4) else parts
    return Flow(b.node(op, *parts[: 1 if op == "Neg" else 2]), flow.axes, flow.width)


def second_axis(flow):
    """The order of axes in which the values are the second one."""
    others = [name for name in flow.axes if name != "features"]
    return [others[0], "features", *others[1:]]


def normalised(b, flow):
    """BatchNormalization of the values."""
    flow = b.transposed(flow, second_axis(flow))
    parts = [b.rng.uniform(0.5, 1.5, flow.width), b.rng.standard_normal(flow.width)]
    parts = [b.weight(values) for values in (*parts, b.rng.standard_normal(flow.width))]
    variance = b.store(np.float32(b.rng.uniform(0.3, 2, flow.width)))
    name = b.node("BatchNormalization", flow.name, *parts, variance, epsilon=1e-3)
    return Flow(name, flow.axes, flow.width)


def mixed(b, flow):
    """A dense layer, or a convolution of width 1, without a function."""
    units = int(b.rng.integers(1, 6))
    weights = b.rng.standard_normal((flow.width, units)) / np.sqrt(flow.width)
    if len(flow.axes) == 3 and b.chance(0.5):
        flow = b.transposed(flow, second_axis(flow))
        parts = [flow.name, b.weight(weights.T[:, :, None])]
        parts += [b.weight(b.rng.standard_normal(units))] if b.chance(0.5) else []
        return Flow(b.node("Conv", *parts, kernel_shape=[1]), flow.axes, units)
    axes = [*(name for name in flow.axes if name != "features"), "features"]
    name = b.node("MatMul", b.transposed(flow, axes).name, b.weight(weights))
    if b.chance(0.5):
        name = b.node("Add", name, b.weight(b.rng.standard_normal(units)))
    return Flow(name, axes, units)


def around(b, flow, part=0.25):
    """Linear stages of what flows, or none."""
    while b.chance(part):
        flow = b.pick([scaled, scaled, normalised, mixed])(b, flow)
    return flow


def mingled(b, flow, earlier):
    """Now and then a function, and something earlier added, subtracted or joined, the input too."""
    if b.chance(0.25):
        flow = Flow(bent(b, flow.name), flow.axes, flow.width)
    other = b.pick(earlier)
    if b.chance(0.5) or other.name == flow.name:
        return flow
    other = around(b, b.transposed(other, flow.axes))
    other = b.transposed(other, flow.axes)
    ops = ["Add", "Sub", "Concat"] if other.width in (1, flow.width) else ["Concat"]
    op, parts = b.pick(ops), [flow, other]
    parts = parts[::-1] if other.width == flow.width and b.chance(0.3) else parts
    if op == "Concat":
        axes = [*(name for name in flow.axes if name != "features"), "features"]
        names = [b.transposed(part, axes).name for part in parts]
        return Flow(b.node(op, *names, axis=len(axes) - 1), axes, flow.width + other.width)
    return Flow(b.node(op, *(part.name for part in parts)), flow.axes, flow.width)


def embedded(b, flow, words):
    """The rows of a table that the input's numbers pick."""
    width = int(b.rng.integers(1, 6))
    table = b.weight(b.rng.standard_normal((words, width)))
    return Flow(b.node("Gather", table, flow.name, axis=0), [*flow.axes, "features"], width)


def readout(b, flow):
    """Dense layers, one behind the other."""
    flow = layer(b, flow)
    while b.chance(0.25):
        flow = layer(b, flow)
    return flow


def layer(b, flow):
    """A dense layer, with a function or without."""
    flow = b.transposed(flow, [*(a for a in flow.axes if a != "features"), "features"])
    rng, units = b.rng, int(b.rng.integers(1, 4))
    weights = rng.standard_normal((flow.width, units)) / np.sqrt(flow.width)
    if len(flow.axes) == 2 and b.chance(0.5):
        turned = b.chance(0.5)
        parts = [b.weight(weights.T if turned else weights), b.weight(rng.standard_normal(units))]
        scales = {"alpha": 0.5, "beta": 2.0} if b.chance(0.5) else {}
        name = b.node("Gemm", flow.name, *parts, transB=int(turned), **scales)
    else:
        name = b.node("MatMul", flow.name, b.weight(weights))
        if b.chance(0.5):
            parts = [name, b.weight(rng.standard_normal(units))]
            name = b.node("Add", *(parts if b.chance(0.5) else parts[::-1]))
    flow = Flow(name, flow.axes, units)
    if b.chance(0.5):
        flow = Flow(bent(b, name), flow.axes, units)
    return around(b, flow)


def bent(b, name):
    """A function."""
    op = b.pick(["Sigmoid", "Tanh", "HardSigmoid", "Relu", "LeakyRelu", "Clip"])
    if op == "LeakyRelu":
        return b.node(op, name, alpha=float(b.rng.uniform(0, 0.5)))
    if op != "Clip":
        return b.node(op, name)
    low, high = b.pick([(-1, 1), (0, 6), (0, 1), (-0.4, 0.9), (-0.3, None), (None, 0.3)])
    if b.opset < 11:
        given = {"min": low, "max": high}
        return b.node(op, name, **{k: float(v) for k, v in given.items() if v is not None})
    ends = ["" if end is None else b.store(np.float32(end)) for end in (low, high)]
    return b.node(op, name, *(ends if ends[1] else ends[:1]))

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
        function = b.pick(["Sigmoid", "Tanh", "HardSigmoid", "Relu"])
        flow = Flow(b.node(function, name), flow.axes, units)
    return around(b, flow)

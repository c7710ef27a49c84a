"""What is computed of every step around the LSTMs: linear maps by constants, and functions.

Each node becomes a `stages.Dense` of its own; `stages` folds the linear ones. The constant of an
elementwise one may differ along the axis of the values only, which before the first LSTM is the one
along which the first such constant differs.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from golden.importers.onnx_graph import Node
from golden.importers.onnx_join import added
from golden.importers.onnx_values import Group, Signal, named, size_of
from golden.importers.onnx_windows import convolved
from golden.importers.stages import LEAKY, Cut, Dense, normalisation
from golden.squash import SQUASHES, Array

BEHIND = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}
FUNCTIONS = {"Sigmoid": "sigma", "Tanh": "tanh", "Relu": "relu"}
ONE, ZERO = np.ones(()), np.zeros(())
AS_SAID = ("NOTSET", "VALID")  # of auto_pad


def dense(node: Node) -> Signal:
    """The signal behind one node of `DENSE`."""
    return DENSE[node.op](node)


def takes(node: Node) -> bool:
    """Whether a node that takes a signal is one of these."""
    return node.op in DENSE and (node.op != "Gather" or isinstance(node.value(1), Signal))


def _flow(node: Node) -> Signal:
    """The first input, which must be what flows."""
    signal = node.value(0)
    if not isinstance(signal, Signal):
        node.refuse("supported is only what flows and a constant, in this order")
    return signal


def _appended(
    node: Node,
    signal: Signal,
    weights: Array,
    biases: Array,
    function: str = "identity",
    slope: Array | None = None,
    what: str = "",
) -> Signal:
    """The signal behind a dense stage; `what` it does, if it is one of several."""
    if signal.whole:
        node.refuse("of whole numbers, which pick no rows of a table; not supported")
    if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
        node.refuse("its numbers are not all finite")
    cut = Cut(node.cut_before(), node.cut_behind())
    name = f"{node.label}, {what}" if what else node.label
    stage = Dense(name, weights, biases, function, cut, slope)
    return replace(signal, behind=(*signal.behind, stage))


def _elementwise(node: Node) -> Signal:
    """Add, Sub, Mul and Div of what flows and a constant, or of two that flow."""
    flows = [value for value in node.values if isinstance(value, Signal)]
    if len(flows) > 1:
        return added(node, flows)
    at = 0 if isinstance(node.value(0), Signal) else 1
    if at and node.op == "Div":
        node.refuse("divides by what flows; not supported")
    found = node.constant(1 - at, "the constant").astype(np.float64)
    values, features = _along(node, flows[0], found)
    signal = replace(flows[0], features=features)
    if node.op == "Mul":
        return _appended(node, signal, values, ZERO)
    if node.op == "Div":
        with np.errstate(divide="ignore", over="ignore"):  # refused by name by whoever takes it
            return _appended(node, signal, 1 / values, ZERO)
    if node.op == "Sub":
        return _appended(node, signal, -ONE if at else ONE, values if at else -values)
    return _appended(node, signal, ONE, values)


def _along(node: Node, signal: Signal, values: Array) -> tuple[Array, Group]:
    """A constant as (D,), or () if it is one number, and the axis of the values."""
    rank = len(signal.axes)
    if values.ndim > rank:
        node.refuse(f"a constant of shape {values.shape} and {rank} axes of what flows")
    shape = (1,) * (rank - values.ndim) + values.shape
    wide = [k for k, size in enumerate(shape) if size != 1]
    if not wide:
        return values.reshape(()), signal.features
    (k, *more), group = wide, signal.axes[wide[0]]
    if more or size_of(group) not in (None, shape[k]) or not group:
        node.refuse(f"a constant of shape {values.shape}, must be one number for each value")
    if (signal.parts or signal.features) and group != signal.features:
        node.refuse("a constant that differs along another axis than that of the values")
    return values.reshape(-1), group


def _negative(node: Node) -> Signal:
    return _appended(node, _flow(node), -ONE, ZERO)


def _product(node: Node) -> Signal:
    """Gemm and MatMul."""
    signal = _flow(node)
    weights, scale = node.constant(1, "the weights").astype(np.float64), 1.0
    if node.op == "Gemm":
        if node.take("transA", 2, 0) or len(signal.axes) != 2:
            node.refuse("its first input must have two axes and transA=0")
        weights = weights.T if node.take("transB", 2, 0) else weights
        weights, scale = weights * node.take("alpha", 1, 1.0), node.take("beta", 1, 1.0)
    if weights.ndim != 2 or not weights.size:
        node.refuse(f"weights of shape {weights.shape}, must be (values, units)")
    biases = ZERO
    if node.op == "Gemm" and node.value(2) is not None:
        bias = node.constant(2, "the bias").astype(np.float64)
        if bias.size != (last := bias.shape[-1] if bias.ndim else 1) or last not in (
            1,
            weights.shape[1],
        ):
            node.refuse(f"bias of shape {bias.shape}, must be ({weights.shape[1]},)")
        biases = scale * np.broadcast_to(bias.reshape(-1), (weights.shape[1],))
    return _mixed(node, signal, len(signal.axes) - 1, np.ascontiguousarray(weights.T), biases)


def _mixed(node: Node, signal: Signal, axis: int, weights: Array, biases: Array) -> Signal:
    """The signal behind weights (K, D) along one of its axes."""
    group = signal.axes[axis] if signal.axes else ()
    if (signal.parts or signal.features) and group != signal.features:
        node.refuse("not on the axis of the values")
    if size_of(group) not in (None, weights.shape[1]):
        node.refuse(f"weights of {weights.shape[1]} values, what flows has {size_of(group)}")
    made = named(f"units of {node.label}", len(weights))
    axes = (*signal.axes[:axis], made, *signal.axes[axis + 1 :])
    return _appended(node, replace(signal, axes=axes, features=made), weights, biases)


def _convolution(node: Node) -> Signal:
    """A convolution over time: a dense stage along axis 1, over windows if it is wider than 1."""
    signal, weights = _flow(node), node.constant(1, "the weights").astype(np.float64)
    sides, dims = node.take("pads", 7), weights.ndim - 2
    node.take("kernel_shape", 7)
    if weights.ndim < 3 or weights.ndim != len(signal.axes) or not weights.size:
        node.refuse(f"weights of shape {weights.shape} for {len(signal.axes)} axes")
    if node.take("group", 2, 1) != 1 or node.take("auto_pad", 3, "NOTSET") not in AS_SAID:
        node.refuse("a convolution with groups or auto_pad is not supported")
    biases = ZERO
    if node.value(2) is not None:
        biases = node.constant(2, "the bias").astype(np.float64)
        if biases.shape != (len(weights),):
            node.refuse(f"bias of shape {biases.shape}, must be ({len(weights)},)")
    if size_of(signal.axes[1]) not in (None, weights.shape[1]):
        node.refuse(
            f"weights of {weights.shape[1]} values, what flows has {size_of(signal.axes[1])}"
        )
    plain = node.attributes.get("strides") is None or set(node.attributes["strides"].ints) == {1}
    if set(weights.shape[2:]) == {1} and plain and not any(sides or ()):
        node.attributes.clear()
        return _mixed(node, signal, 1, weights.reshape(weights.shape[:2]), biases)
    if dims != 1:
        node.refuse(f"a convolution over {dims} axes, supported is one over the steps")
    signal = convolved(node, signal, weights, list(sides or (0, 0)))
    rows = weights.transpose(0, 2, 1).reshape(len(weights), -1)
    return _mixed(node, signal, 1, np.ascontiguousarray(rows), biases)


def _normalised(node: Node) -> Signal:
    """BatchNormalization at inference: a factor and a shift for each value, along axis 1."""
    signal = _flow(node)
    epsilon = node.take("epsilon", 1, 1e-5)
    node.take("momentum", 1)
    if node.take("training_mode", 2, 0) or node.take("spatial", 2, 1) != 1:
        node.refuse("training_mode is not supported; export the model after model.eval()")
    names = ("scale", "B", "mean", "var")
    parts = [node.constant(k + 1, name).astype(np.float64) for k, name in enumerate(names)]
    group = signal.axes[1] if len(signal.axes) > 1 else ()
    sizes = {part.shape for part in parts}
    if len(sizes) != 1 or parts[0].ndim != 1 or size_of(group) not in (None, len(parts[0])):
        node.refuse(f"parameters of shapes {sorted(sizes)[:4]} do not fit {size_of(group)} values")
    if (signal.parts or signal.features) and group != signal.features:
        node.refuse("not on the axis of the values")
    scale, shift, mean, variance = parts
    with np.errstate(all="ignore"):  # what is not finite is refused by name by whoever takes it
        found = normalisation(scale, shift, mean, variance + epsilon)
    return _appended(node, replace(signal, features=group), *found)


def _function(node: Node) -> Signal:
    return _appended(node, _flow(node), ONE, ZERO, FUNCTIONS[node.op])


def _hard(node: Node) -> Signal:
    """HardSigmoid: the identity between 0 and 1, with a factor and a shift before it."""
    alpha, beta = node.take("alpha", 1, 0.2), node.take("beta", 1, 0.5)
    return _appended(node, _flow(node), np.array(alpha), np.array(beta), "hard")


def _leaky(node: Node) -> Signal:
    """LeakyRelu and PRelu."""
    signal = _flow(node)
    if node.op == "LeakyRelu":
        slope = np.array(node.take("alpha", 1, 0.01))
    else:
        found = node.constant(1, "the slope").astype(np.float64)
        slope, features = _along(node, signal, found)
        signal = replace(signal, features=features)
    return _appended(node, signal, ONE, ZERO, LEAKY, slope)


def _clipped(node: Node) -> Signal:
    """Clip: attributes before opset 11, then inputs. What no function has as limits is one that is
    shifted and scaled."""
    ends = []
    for k, (name, default) in enumerate((("min", -np.inf), ("max", np.inf))):
        if node.opset < 11:
            ends.append(float(node.take(name, 1, default)))
        else:
            given = node.value(k + 1) is not None
            ends.append(float(node.constant(k + 1, name).reshape(-1)[0]) if given else default)
    found = [name for name, squash in SQUASHES.items() if squash.linear and squash.ends == (*ends,)]
    signal, (low, high) = _flow(node), ends
    if found:
        return _appended(node, signal, ONE, ZERO, found[0])
    if not low < high:
        node.refuse(f"to {low:g}..{high:g}, which is no range")
    if np.isfinite(low) and np.isfinite(high):
        size, at, function = high - low, low, "hard"
    else:  # from low on, or high - relu(high - a)
        size, at = (1.0, low) if np.isfinite(low) else (-1.0, high)
        function = "relu"
    signal = _appended(node, signal, np.array(1 / size), np.array(-at / size), what="its limits")
    signal = _appended(node, signal, ONE, ZERO, function)
    return _appended(node, signal, np.array(size), np.array(at), what="back from its limits")


def _decided(node: Node) -> Signal:
    """Softmax and LogSoftmax over the values of a step."""
    signal = _flow(node)
    rank = len(signal.axes)
    axis = node.take("axis", 2, -1 if node.opset >= 13 else 1)
    # of an opset before 13 over that axis and all behind it
    if axis % rank != rank - 1 or not signal.parts or signal.axes[-1] != signal.features:
        node.refuse("not over the values of a step")
    return _appended(node, signal, ONE, ZERO, BEHIND[node.op])


def _largest(node: Node) -> Signal:
    """ArgMax over the values of a step: the axis of the values becomes one of size 1, or none."""
    signal = _flow(node)
    rank = len(signal.axes)
    axis, keep = node.take("axis", 2, 0) % rank, node.take("keepdims", 2, 1)
    if node.take("select_last_index", 2, 0):
        node.refuse("select_last_index: of equal values the first one counts")
    if not signal.parts or signal.axes[axis] != signal.features:
        node.refuse("not over the values of a step")
    found = _appended(node, signal, ONE, ZERO, "argmax")
    axes = (*signal.axes[:axis], *[()] * keep, *signal.axes[axis + 1 :])
    return replace(found, axes=axes, features=())


def _embedded(node: Node) -> Signal:
    """Gather of rows of a table, whose numbers are the input."""
    table, signal = node.constant(0, "the table").astype(np.float64), node.value(1)
    if not isinstance(signal, Signal) or not signal.whole or signal.behind or signal.index:
        node.refuse("picks by something else than the network's input; not supported")
    if node.take("axis", 2, 0) not in (0, -table.ndim) or table.ndim != 2 or not table.size:
        node.refuse(f"a table of shape {table.shape}, of which rows must be picked")
    made = named(f"values of {node.label}", table.shape[1])
    picked = replace(signal, axes=(*signal.axes, made), features=made, whole=False, index=True)
    return _appended(node, picked, np.ascontiguousarray(table.T), ZERO)


DENSE: dict[str, Callable[[Node], Signal]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _elementwise),
    **dict.fromkeys(("Gemm", "MatMul"), _product),
    **dict.fromkeys(FUNCTIONS, _function),
    "Neg": _negative,
    "HardSigmoid": _hard,
    "Clip": _clipped,
    **dict.fromkeys(("LeakyRelu", "PRelu"), _leaky),
    "BatchNormalization": _normalised,
    "Conv": _convolution,
    "Gather": _embedded,
    **dict.fromkeys(BEHIND, _decided),
    "ArgMax": _largest,
}

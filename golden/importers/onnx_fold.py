"""Constant folding: what exporters leave between a stored array and the operator that takes it.

Memory is bounded: a result's size is known before it is built, and all results together may hold
no more than a `ByteBudget` allows.
"""

import math
from collections.abc import Callable

import numpy as np

from golden.importers.onnx_graph import DTYPES, ByteBudget, Node, cuts, pieces, position, tensor
from golden.importers.onnx_sizes import OPERATORS, elementwise, reduced
from golden.importers.onnx_spread import expanded, joined, of_spread, tiled
from golden.importers.onnx_values import Size, Spread, Value


def fold(node: Node, budget: ByteBudget) -> list[Value]:
    """What a node makes of constants alone."""
    if node.op == "Split":
        return _split(node)
    if node.op not in FOLDS:
        node.refuse("this operator is not supported")
    first = node.value(0)
    if isinstance(first, Spread) and node.op not in OPENING:
        return [of_spread(node, first)]
    result = FOLDS[node.op](node, budget)
    if isinstance(result, np.ndarray):
        budget.spend(result.size, result.itemsize)
    return [result]


def _concat(node: Node, budget: ByteBudget) -> Value:
    axis, values = node.take("axis", 2), node.values
    if axis is None or not values:
        node.refuse("axis or inputs are missing")
    arrays = [v.values if isinstance(v, Spread) else v for v in values]
    arrays = [v if isinstance(v, np.ndarray) else node.refuse("input is missing") for v in arrays]
    budget.spend(sum(array.size for array in arrays), max(array.itemsize for array in arrays))
    if any(isinstance(value, Spread) for value in values):
        return joined(node, values, axis)
    return np.concatenate(arrays, axis)


def _split(node: Node) -> list[Value]:
    values = node.constant(0, "input")
    axis = position(node, node.take("axis", 2, 0), values.ndim)
    before = (slice(None),) * axis
    return [values[(*before, slice(start, end))] for start, end in pieces(node, values.shape[axis])]


def _constant(node: Node, budget: ByteBudget) -> Value:
    for name, kind, dtype in (
        ("value_float", 1, np.float32),
        ("value_int", 2, np.int64),
        ("value_floats", 6, np.float32),
        ("value_ints", 7, np.int64),
    ):
        if name in node.attributes:
            return np.array(node.take(name, kind), dtype)
    proto = node.take("value", 4)
    if proto is None:
        node.refuse("supported are value, value_float, value_floats, value_int and value_ints")
    return tensor(proto, node.label)


def _identity(node: Node, budget: ByteBudget) -> Value:
    return node.constant(0, "input")


def _transpose(node: Node, budget: ByteBudget) -> Value:
    return np.transpose(node.constant(0, "input"), node.take("perm", 7))


def _reshape(node: Node, budget: ByteBudget) -> Value:
    values, shape = node.constant(0, "input"), node.integers(1, "the new shape")
    if not node.take("allowzero", 2):
        for k in range(min(len(shape), values.ndim)):
            shape[k] = shape[k] or values.shape[k]
    return np.reshape(values, shape)


def _squeeze(node: Node, budget: ByteBudget) -> Value:
    axes = node.axes_given()
    return np.squeeze(node.constant(0, "input"), None if axes is None else tuple(axes))


def _unsqueeze(node: Node, budget: ByteBudget) -> Value:
    axes = node.axes_given()
    if axes is None or len(axes) > 8:
        node.refuse("axes are missing, or more than 8")
    return np.expand_dims(node.constant(0, "input"), tuple(axes))


def _slice(node: Node, budget: ByteBudget) -> Value:
    values = node.constant(0, "input")
    index = [slice(None)] * values.ndim
    for axis, (start, end, step) in cuts(node, values.ndim).items():
        index[axis] = slice(start, end, step)
    return values[tuple(index)]


def _gather(node: Node, budget: ByteBudget) -> Value:
    values, at = node.constant(0, "input"), node.constant(1, "indices")
    axis = position(node, node.take("axis", 2, 0), values.ndim)
    if at.dtype.kind not in "iu":
        node.refuse("indices must be whole numbers")
    count = at.size * math.prod(n for k, n in enumerate(values.shape) if k != axis)
    budget.spend(count, values.itemsize)
    result = np.take(values, at, axis)
    return result if isinstance(result, np.ndarray) else np.array(result, dtype=values.dtype)


def _cast(node: Node, budget: ByteBudget) -> Value:
    values, to = node.constant(0, "input"), node.take("to", 2)
    node.take("saturate", 2)
    if to not in DTYPES:
        node.refuse(f"to data type {to} is not supported")
    if values.dtype == object:  # sizes stay sizes
        return values
    budget.spend(values.size, np.dtype(DTYPES[to]).itemsize)
    return values.astype(DTYPES[to])


def _dequantize(node: Node, budget: ByteBudget) -> Value:
    values, scale = node.constant(0, "input"), node.constant(1, "scale")
    axis = node.take("axis", 2, 1)
    if node.take("block_size", 2, 0) or node.take("output_dtype", 2, 0):
        node.refuse("block_size and output_dtype are not supported")
    if values.dtype.kind not in "iu" or scale.dtype.kind != "f":
        node.refuse("must have whole numbers and a float scale")
    zero = np.zeros_like(scale) if node.value(2) is None else node.constant(2, "zero point")
    shape = ()
    if scale.ndim and scale.size != 1:
        axis = position(node, axis, values.ndim)
        shape = tuple(values.shape[axis] if k == axis else 1 for k in range(values.ndim))
    if zero.size != scale.size or scale.size != math.prod(shape):
        node.refuse(f"scale of shape {scale.shape}, zero point of shape {zero.shape} do not fit")
    budget.spend(3 * values.size, 8)
    whole = values.astype(np.int64) - zero.reshape(shape).astype(np.int64)
    return whole.astype(scale.dtype) * scale.reshape(shape)


def _expand(node: Node, budget: ByteBudget) -> Value:
    return expanded(node, node.value(0), _sizes(node, 1), budget)


def _tile(node: Node, budget: ByteBudget) -> Value:
    return tiled(node, node.value(0), _sizes(node, 1), budget)


def _constant_of_shape(node: Node, budget: ByteBudget) -> Value:
    proto = node.take("value", 4)
    value = np.zeros(1, np.float32) if proto is None else tensor(proto, node.label)
    if value.size != 1:
        node.refuse("value must be one number")
    return expanded(node, value.reshape(()), _sizes(node, 0), budget)


def _sizes(node: Node, k: int) -> list[int | Size]:
    """Input k, an array of sizes."""
    found = node.constant(k, "the shape").reshape(-1).tolist()
    if not all(type(size) is int or isinstance(size, Size) for size in found):
        node.refuse("the shape must be constant whole numbers or sizes")
    return found


def _shape(node: Node, budget: ByteBudget) -> Value:
    values = node.constant(0, "input")
    start, end = node.take("start", 2, 0), node.take("end", 2, values.ndim)
    return np.array(values.shape[start:end], np.int64)


OPENING = ("Expand", "Tile", "Concat")  # take constants of an open size by themselves
FOLDS: dict[str, Callable[[Node, ByteBudget], Value]] = {
    "Concat": _concat,
    "Constant": _constant,
    "Identity": _identity,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Gather": _gather,
    "Cast": _cast,
    "DequantizeLinear": _dequantize,
    "Expand": _expand,
    "Tile": _tile,
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "ReduceProd": reduced,
    **dict.fromkeys(OPERATORS, elementwise),
}

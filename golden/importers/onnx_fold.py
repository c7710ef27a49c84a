"""Constant folding: what exporters leave between a stored array and the operator that takes it.

Memory is bounded: a result's size is known before it is built, and all results together may hold
no more than `Budget` allows, a small multiple of the file's size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from golden.errors import ModelError
from golden.importers.onnx_graph import (
    DTYPES,
    Ends,
    Filled,
    Group,
    Node,
    Signal,
    Size,
    Value,
    cuts,
    position,
    tensor,
)

ROOM = 1 << 20  # bytes that folding may use besides
TIMES = 16  # ... this many times the file's size
PASSING = ("Identity", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Cast")  # on final states


class Budget:
    """How many bytes may still be made."""

    def __init__(self, size: int) -> None:
        self.left = self.all = TIMES * size + ROOM

    def spend(self, count: int, itemsize: int) -> None:
        self.left -= count * itemsize
        if self.left < 0:
            raise ModelError(f"its constants unfold to more than {self.all} bytes, refused")


def fold(node: Node, budget: Budget) -> Value:
    """The value of a node of which no input is a signal."""
    values = [value for value in node.values if value is not None]
    if any(isinstance(value, Ends) for value in values):
        return _ends(node)
    if any(isinstance(value, Filled) for value in values):
        return _filled(node, values)
    if node.op not in FOLDS:
        node.refuse("this operator is not supported")
    result = FOLDS[node.op](node, budget)
    if isinstance(result, np.ndarray):
        budget.spend(result.size, result.itemsize)
    return result


def join(node: Node, budget: Budget) -> Value:
    """Concat, of constants, or of final states that are only an output."""
    axis, values = node.take("axis", 2), node.values
    if any(isinstance(value, Signal | Ends) for value in values):
        return _joined(node, axis, values)
    if any(isinstance(value, Filled) for value in values):
        return _filled(node, values)
    arrays = [node.constant(k, f"input {k}") for k in range(len(values))]
    if axis is None or not arrays:
        node.refuse("axis or inputs are missing")
    budget.spend(sum(array.size for array in arrays), max(array.itemsize for array in arrays))
    return np.concatenate(arrays, axis)


def _joined(node: Node, axis: int | None, values: Sequence[Value]) -> Ends:
    """Concat of final states: an output, or the h of one of the layers is picked from it."""
    parts = tuple(value for value in values if isinstance(value, Signal) and value.last)
    if len(parts) + sum(isinstance(value, Ends) for value in values) != len(values):
        node.refuse("joining what flows through the network is not supported")
    if axis is None or len(parts) != len(values):
        return Ends()
    at = {position(node, axis, len(part.axes)) for part in parts}
    single = len(at) == 1 and not any(part.axes[k] for part in parts for k in at)
    return Ends(parts, at.pop()) if single else Ends()


def _ends(node: Node) -> Value:
    value = node.value(0)
    if node.op == "Gather" and isinstance(value, Ends) and value.parts:
        at, axis = node.integers(1, "indices"), node.take("axis", 2, 0)
        rank, count = len(value.parts[0].axes), len(value.parts)
        if len(at) == 1 and -count <= at[0] < count and position(node, axis, rank) == value.axis:
            part, kept = value.parts[at[0]], node.constant(1, "indices").ndim
            return part if kept else replace(part, axes=_without(part.axes, value.axis))
    if node.op not in PASSING:
        node.refuse("not supported on final states, of which one layer's h can be picked")
    node.attributes.clear()
    return value if node.op == "Identity" else Ends()


def _without(axes: tuple[Group, ...], k: int) -> tuple[Group, ...]:
    return axes[:k] + axes[k + 1 :]


def _filled(node: Node, values: Sequence[Value]) -> Value:
    first, others = values[0], values[1:]
    if node.op not in (*PASSING, "Expand", "Slice", "Gather", "Concat"):
        node.refuse("this operator is not supported on a constant of an open size")
    if node.op == "Concat":
        same = all(isinstance(value, Filled) and value == first for value in others)
        if not same:
            node.refuse("joins different constants of an open size")
    node.attributes.clear()
    return first if isinstance(first, Filled) else node.refuse("a size is not whole numbers")


def _constant(node: Node, budget: Budget) -> Value:
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


def _identity(node: Node, budget: Budget) -> Value:
    return node.constant(0, "input")


def _transpose(node: Node, budget: Budget) -> Value:
    return np.transpose(node.constant(0, "input"), node.take("perm", 7))


def _reshape(node: Node, budget: Budget) -> Value:
    values, shape = node.constant(0, "input"), node.integers(1, "the new shape")
    if not node.take("allowzero", 2):
        for k in range(min(len(shape), values.ndim)):
            shape[k] = shape[k] or values.shape[k]
    return np.reshape(values, shape)


def _squeeze(node: Node, budget: Budget) -> Value:
    axes = node.axes_given()
    return np.squeeze(node.constant(0, "input"), None if axes is None else tuple(axes))


def _unsqueeze(node: Node, budget: Budget) -> Value:
    axes = node.axes_given()
    if axes is None or len(axes) > 8:
        node.refuse("axes are missing, or more than 8")
    return np.expand_dims(node.constant(0, "input"), tuple(axes))


def _slice(node: Node, budget: Budget) -> Value:
    values = node.constant(0, "input")
    index = [slice(None)] * values.ndim
    for axis, (start, end, step) in cuts(node, values.ndim).items():
        index[axis] = slice(start, end, step)
    return values[tuple(index)]


def _gather(node: Node, budget: Budget) -> Value:
    values, at = node.constant(0, "input"), node.constant(1, "indices")
    axis = position(node, node.take("axis", 2, 0), values.ndim)
    if at.dtype.kind not in "iu":
        node.refuse("indices must be whole numbers")
    count = at.size * math.prod(n for k, n in enumerate(values.shape) if k != axis)
    budget.spend(count, values.itemsize)
    result = np.take(values, at, axis)
    return result if isinstance(result, np.ndarray) else np.array(result, dtype=values.dtype)


def _cast(node: Node, budget: Budget) -> Value:
    values, to = node.constant(0, "input"), node.take("to", 2)
    node.take("saturate", 2)
    if to not in DTYPES:
        node.refuse(f"to data type {to} is not supported")
    if values.dtype == object:  # sizes stay sizes
        return values
    budget.spend(values.size, np.dtype(DTYPES[to]).itemsize)
    return values.astype(DTYPES[to])


def _dequantize(node: Node, budget: Budget) -> Value:
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


def _expand(node: Node, budget: Budget) -> Value:
    values, sizes = node.constant(0, "input"), node.constant(1, "the new shape")
    if sizes.dtype == object and any(isinstance(size, Size) for size in sizes.reshape(-1)):
        return _uniform(node, values)
    shape = np.broadcast_shapes(values.shape, tuple(int(size) for size in sizes.reshape(-1)))
    budget.spend(math.prod(shape), values.itemsize)
    return np.broadcast_to(values, shape)


def _constant_of_shape(node: Node, budget: Budget) -> Value:
    proto, sizes = node.take("value", 4), node.constant(0, "the shape")
    value = np.zeros(1, np.float32) if proto is None else tensor(proto, node.label)
    if value.size != 1:
        node.refuse("value must be one number")
    if sizes.dtype == object and any(isinstance(size, Size) for size in sizes.reshape(-1)):
        return _uniform(node, value)
    shape = tuple(int(size) for size in sizes.reshape(-1))
    budget.spend(math.prod(shape), value.itemsize)
    return np.broadcast_to(value.reshape(()), shape)


def _uniform(node: Node, values: np.ndarray) -> Value:
    if values.dtype.kind not in "fiu" or not values.size or (values != values.flat[0]).any():
        node.refuse("an open size is supported only for a constant of one value")
    return Filled(float(values.flat[0]))


def _product(node: Node, budget: Budget) -> Value:
    """Mul, of sizes only."""
    sizes = [node.constant(k, f"input {k}") for k in (0, 1)]
    if any(size.size != 1 or size.ndim > 1 for size in sizes):
        node.refuse("supported is only the product of two sizes")
    a, b = (size.reshape(-1).tolist()[0] for size in sizes)
    if 1 in (a, b):
        result = b if a == 1 else a
    elif isinstance(a, Size) and isinstance(b, Size):
        result = Size(a.group + b.group)
    elif type(a) is int and type(b) is int:
        result = a * b
    else:
        node.refuse("supported is only the product of two sizes")
    found = np.empty(1, dtype=object)
    found[0] = result
    return found.reshape(np.broadcast_shapes(*(size.shape for size in sizes)))


def _shape(node: Node, budget: Budget) -> Value:
    values = node.constant(0, "input")
    start, end = node.take("start", 2, 0), node.take("end", 2, values.ndim)
    return np.array(values.shape[start:end], np.int64)


FOLDS: dict[str, Callable[[Node, Budget], Value]] = {
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
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "Mul": _product,
}

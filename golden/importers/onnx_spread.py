"""Constants along axes of open size: initial states for any number of sequences.

PyTorch and tf2onnx expand a state to as many sequences as there are: its other axes stay known, and
nothing is copied along those that are open.
"""

import math
from collections.abc import Sequence

import numpy as np

from golden.importers.onnx_graph import ByteBudget, Node, cuts, position
from golden.importers.onnx_values import Size, Spread, Value


def expanded(
    node: Node, value: Value, sizes: list[int | Size], budget: ByteBudget
) -> np.ndarray | Spread:
    """An array or a `Spread` at the shape `sizes`, by the rules of Expand; nothing is copied."""
    values, held = spread(node, value)
    rank = max(values.ndim, len(sizes))
    values = values.reshape((1,) * (rank - values.ndim) + values.shape)
    open_ends = [None] * (rank - len(held)) + list(held)
    shape, wanted = list(values.shape), [1] * (rank - len(sizes)) + sizes
    for k, size in enumerate(wanted):
        if isinstance(size, Size) and open_ends[k] in (None, size) and shape[k] == 1:
            open_ends[k] = size
        elif isinstance(size, int) and size >= 0 and (open_ends[k] is None or size == 1):
            shape[k] = np.broadcast_shapes((shape[k],), (size,))[0]
        else:
            node.refuse("expands an axis to a size that is not known to fit")
    budget.spend(math.prod(shape), values.itemsize)  # what follows may copy it
    values = np.broadcast_to(values, shape)
    return Spread(values, tuple(open_ends)) if any(open_ends) else values


def tiled(
    node: Node, value: Value, repeats: list[int | Size], budget: ByteBudget
) -> np.ndarray | Spread:
    """Tile of axes of size 1, which is to expand them; others may be repeated once only."""
    values, held = spread(node, value)
    if len(repeats) != values.ndim:
        node.refuse(f"{len(repeats)} repeats of {values.ndim} axes")
    for k, count in enumerate(repeats):
        if count != 1 and (values.shape[k] != 1 or held[k] is not None):
            node.refuse(f"repeats axis {k}, which is not of size 1")
    sizes = [count if count != 1 else held[k] or values.shape[k] for k, count in enumerate(repeats)]
    return expanded(node, value, sizes, budget)


def spread(node: Node, value: Value) -> tuple[np.ndarray, tuple[Size | None, ...]]:
    """Values and open sizes of a constant."""
    if isinstance(value, np.ndarray):
        return value, (None,) * value.ndim
    if not isinstance(value, Spread):
        node.refuse("input is not a constant")
    return value.values, value.sizes


def of_spread(node: Node, value: Spread) -> Value:
    """What a node makes of a constant with an open size."""
    values, sizes = value.values, value.sizes
    if node.op in ("Identity", "Cast"):
        node.attributes.clear()
        return value
    if node.op == "Transpose":
        order = node.take("perm", 7, list(range(values.ndim))[::-1])
        return Spread(values.transpose(order), tuple(sizes[k] for k in order))
    if node.op == "Unsqueeze":
        axes = node.axes_given() or []
        full = values.ndim + len(axes)
        new, old = {position(node, axis, full) for axis in axes}, iter(sizes)
        ends = tuple(None if k in new else next(old) for k in range(full))
        return Spread(np.expand_dims(values, tuple(new)), ends)
    if node.op == "Squeeze":
        axes = node.axes_given()
        if axes is None or any(sizes[position(node, axis, values.ndim)] for axis in axes):
            node.refuse("an axis is not known to be of size 1")
        gone = {position(node, axis, values.ndim) for axis in axes}
        ends = tuple(size for k, size in enumerate(sizes) if k not in gone)
        return Spread(np.squeeze(values, tuple(gone)), ends)
    if node.op in ("Slice", "Gather"):
        return _picked(node, value)
    node.refuse("this operator is not supported on a constant of an open size")


def _picked(node: Node, value: Spread) -> Spread:
    """Slice and Gather along known axes."""
    values, sizes = value.values, value.sizes
    if node.op == "Slice":
        index: list[slice] = [slice(None)] * values.ndim
        for axis, (start, end, step) in cuts(node, values.ndim).items():
            if sizes[axis] is not None:
                node.refuse("cuts an axis of an open size")
            index[axis] = slice(start, end, step)
        return Spread(values[tuple(index)], sizes)
    axis, at = position(node, node.take("axis", 2, 0), values.ndim), node.constant(1, "indices")
    if sizes[axis] is not None or at.size != 1 or at.dtype.kind not in "iu":
        node.refuse("supported is one index of an axis of known size")
    found = np.take(values, at, axis)
    return Spread(found, (*sizes[:axis], *(None,) * at.ndim, *sizes[axis + 1 :]))


def joined(node: Node, values: Sequence[Value], axis: int) -> Spread:
    """Concat of constants of the same open sizes, along a known axis."""
    parts = [spread(node, value) for value in values]
    first, sizes = parts[0]
    axis = position(node, axis, first.ndim)
    if any(held != sizes for _, held in parts) or sizes[axis] is not None:
        node.refuse("joins constants of different open sizes")
    return Spread(np.concatenate([array for array, _ in parts], axis), sizes)

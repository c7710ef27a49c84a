"""Arithmetic of sizes: what exporters compute from `Shape` before a Reshape, Slice or Expand.

Sizes are whole numbers; one that depends on the input is a `Size`, of which is known that it is at
least 1, and which may be multiplied.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from golden.importers.onnx_graph import ByteBudget, Node
from golden.importers.onnx_values import Size

MOST = 8  # open axes in one product
KINDS = "iubO"  # of arrays: whole numbers, bool, sizes


def elementwise(node: Node, budget: ByteBudget) -> np.ndarray:
    """Add, Sub, Mul, Div, Equal or Where of sizes."""
    operator = OPERATORS[node.op]
    arrays = [_sizes(node, k) for k in range(3 if node.op == "Where" else 2)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    if len(shape) > 1:
        node.refuse("supported is only arithmetic of sizes")
    budget.spend(int(np.prod(shape)), 8)
    rows = [np.broadcast_to(array, shape).reshape(-1).tolist() for array in arrays]
    found = np.empty(len(rows[0]), dtype=object)
    for k, entries in enumerate(zip(*rows, strict=True)):
        value = operator(*entries)
        if value is None:
            node.refuse("cannot be said of a size that depends on the input")
        found[k] = value
    return found.reshape(shape)


def reduced(node: Node, budget: ByteBudget) -> np.ndarray:
    """ReduceProd of an array of sizes."""
    sizes, axes = _sizes(node, 0), node.axes_reduced()
    nothing = node.take("noop_with_empty_axes", 2, 0) and axes is None
    if nothing or sizes.ndim != 1 or axes not in (None, [0], [-1]):
        node.refuse("supported is only the product of an array of sizes")
    product = reduce(lambda a, b: None if a is None else _times(a, b), sizes.tolist(), 1)
    if product is None:
        node.refuse("cannot be said of a size that depends on the input")
    found = np.empty((1,) if node.take("keepdims", 2, 1) else (), dtype=object)
    found[...] = product
    return found


def _sizes(node: Node, k: int) -> np.ndarray:
    array = node.constant(k, f"input {k}")
    if array.dtype.kind not in KINDS:
        node.refuse("supported is only arithmetic of sizes")
    return array


def _times(a: Any, b: Any) -> Any:
    if not isinstance(a, Size) and not isinstance(b, Size):
        return a * b
    one, other = (v if isinstance(v, Size) else Size((), v) for v in (a, b))
    if one.known * other.known < 1 or len(one.open_axes + other.open_axes) > MOST:
        return None
    axes = sorted(one.open_axes + other.open_axes, key=lambda axis: axis.name)
    return Size(tuple(axes), one.known * other.known)


def _equal(a: Any, b: Any) -> bool | None:
    if isinstance(a, Size) != isinstance(b, Size):
        known = b if isinstance(a, Size) else a
        return False if known < 1 else None
    return a == b or (None if isinstance(a, Size) else False)


def _known(operator: Callable[[int, int], int | None]) -> Callable[[Any, Any], int | None]:
    """An operator of numbers alone."""
    return lambda a, b: None if isinstance(a, Size) or isinstance(b, Size) else operator(a, b)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Mul": _times,
    "Add": _known(lambda a, b: a + b),
    "Sub": _known(lambda a, b: a - b),
    "Div": _known(lambda a, b: a // b if a >= 0 and b > 0 else None),
    "Equal": _equal,
    "Where": lambda which, a, b: a if which else b,
}

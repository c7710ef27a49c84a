"""Nodes that give what flows another arrangement: its named axes are followed, value by value."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from golden.importers import shown
from golden.importers.onnx_graph import Node, position
from golden.importers.onnx_refusals import WHY
from golden.importers.onnx_values import Group, Signal, Size, Spread, Value, measure, size_of
from golden.importers.onnx_windows import pad


def arrange(node: Node, signal: Signal) -> Value:
    """What a Transpose, Reshape, Squeeze, Cast, Shape, ... makes of a signal."""
    if node.op not in ARRANGING:
        why = WHY.get(node.op, "not supported on what flows through the network")
        node.refuse(f"{why}; {node.cut_before()}" if signal.parts else why)
    return ARRANGING[node.op](node, signal)


def _identity(node: Node, signal: Signal) -> Value:
    return signal


def _dropout(node: Node, signal: Signal) -> Value:
    if node.opset >= 12:
        node.take("seed", 2)
        training = node.value(2)
        if training is not None and (not isinstance(training, np.ndarray) or training.any()):
            node.refuse("training_mode is not supported")
    node.take("ratio", 1)
    return signal


def _cast(node: Node, signal: Signal) -> Value:
    node.take("saturate", 2)
    to = node.take("to", 2)
    decided = any(getattr(each, "function", "") == "argmax" for each in signal.behind[-1:])
    if (signal.whole or decided) and to in (6, 7):
        return signal
    if signal.whole and to in (1, 11) and not signal.index:
        return replace(signal, whole=False)
    if to not in (1, 11):
        node.refuse(f"to data type {to}; what flows may only be float or double")
    return signal


def _transpose(node: Node, signal: Signal) -> Value:
    rank = len(signal.axes)
    order = node.take("perm", 7, list(range(rank))[::-1])
    if sorted(order) != list(range(rank)):
        node.refuse(f"perm {order} does not fit {rank} axes")
    return replace(signal, axes=tuple(signal.axes[k] for k in order))


def _reshape(node: Node, signal: Signal) -> Value:
    entries = node.constant(1, "the new shape").reshape(-1).tolist()
    zero = bool(node.take("allowzero", 2))
    axes = _traced(signal.axes, entries)
    if axes is None:
        return replace(signal, axes=tuple(regrouped(node, signal.axes, entries, zero)))
    known = {axis.name: axis for group in signal.axes for axis in group}
    groups = regrouped(node, axes, entries, zero)
    return replace(signal, axes=tuple(tuple(known[axis.name] for axis in g) for g in groups))


def _traced(axes: tuple[Group, ...], entries: list[Any]) -> tuple[Group, ...] | None:
    """The axes with the size that the one open axis had when the file was made, or None.

    PyTorch writes the number of steps of its example into a Reshape's shape, and declares the axis
    open all the same; all entries together say how many steps they were.
    """
    if not all(isinstance(entry, Size) or entry > 0 for entry in entries):
        return None
    total = math.prod(e.known if isinstance(e, Size) else e for e in entries)
    said = {axis.name for e in entries if isinstance(e, Size) for axis in e.open_axes}
    every = [axis for group in axes for axis in group]
    left = [axis for axis in every if axis.size is None and axis.name not in said]
    known = math.prod(axis.size for axis in every if axis.size is not None)
    if len(left) != 1 or total % known or total == known:
        return None
    size = total // known
    return tuple(
        tuple(replace(axis, size=size) if axis == left[0] else axis for axis in group)
        for group in axes
    )


def _flatten(node: Node, signal: Signal) -> Value:
    """Two axes: those before `axis`, and the others."""
    rank = len(signal.axes)
    at = node.take("axis", 2, 1)
    if not -rank <= at <= rank:
        node.refuse(f"axis {at} of {rank}")
    at += rank if at < 0 else 0
    halves = signal.axes[:at], signal.axes[at:]
    return replace(signal, axes=tuple(tuple(axis for g in half for axis in g) for half in halves))


def _squeeze(node: Node, signal: Signal) -> Value:
    axes, given = signal.axes, node.axes_given()
    gone = {position(node, axis, len(axes)) for axis in given or ()}
    if given is None:
        if any(size_of(group) is None for group in axes):
            node.refuse("without axes, what goes depends on the input's size")
        gone = {k for k in range(len(axes)) if not axes[k]}
    for k in gone:
        if axes[k]:
            node.refuse(f"axis {k} is not known to be of size 1")
    return replace(signal, axes=tuple(axes[k] for k in range(len(axes)) if k not in gone))


def _unsqueeze(node: Node, signal: Signal) -> Value:
    given = node.axes_given() or []
    full = len(signal.axes) + len(given)
    new = {position(node, axis, full) for axis in given}
    if len(new) != len(given):
        node.refuse("an axis is there twice")
    old = iter(signal.axes)
    return replace(signal, axes=tuple(() if k in new else next(old) for k in range(full)))


def _shape(node: Node, signal: Signal) -> Value:
    """The sizes, of type object: int or `Size`."""
    rank = len(signal.axes)
    start, end = node.take("start", 2, 0), node.take("end", 2, rank)
    sizes = np.empty(rank, dtype=object)
    for k, group in enumerate(signal.axes):
        sizes[k] = measure(group)
    return sizes[start:end]


def _reverse(node: Node, signal: Signal) -> Value:
    """ReverseSequence of every whole sequence."""
    time, batch = node.take("time_axis", 2, 0), node.take("batch_axis", 2, 1)
    group = signal.axes[position(node, time, len(signal.axes))]
    position(node, batch, len(signal.axes))
    lengths = node.value(1)
    values = lengths.values if isinstance(lengths, Spread) else lengths
    whole = measure(group)
    if not isinstance(values, np.ndarray) or any(n != whole for n in values.reshape(-1).tolist()):
        node.refuse("sequences that are not reversed as a whole are not supported")
    return turn(node, signal, group)


def turn(node: Node, signal: Signal, group: Group) -> Signal:
    """The signal with the order of one of its axes reversed."""
    if not group:
        return signal
    if signal.kept or signal.turned not in ((), group) or (signal.parts and group != signal.time):
        node.refuse("reverses an axis other than that of the steps; not supported")
    return replace(signal, turned=() if signal.turned else group)


def regrouped(node: Node, axes: tuple[Group, ...], entries: list[Any], zero: bool) -> list[Group]:
    """The same named axes in the same order, in groups of the sizes `entries`."""
    rest = [axis for group in axes for axis in group]

    def cut(k: int, end: int) -> Group:
        """Take the axes of entry k off the left (end 0) or right (end -1) of `rest`."""
        entry = entries[k]
        if entry == 0 and not zero and k < len(axes):
            entry = measure(axes[k])
        found: Group = ()
        while measure(found) != entry:
            if not rest:
                sizes = ", ".join(str(e) if isinstance(e, int) else "?" for e in entries)
                node.refuse(f"the new shape ({sizes}) mixes axes or cannot be followed")
            axis = rest.pop(end)
            found = (axis, *found) if end else (*found, axis)
        return found

    free = entries.index(-1) if -1 in entries else len(entries)
    left = [cut(k, 0) for k in range(free)]
    right = [cut(k, -1) for k in range(len(entries) - 1, free, -1)][::-1]
    if free < len(entries):
        return [*left, tuple(rest), *right]
    if rest:
        node.refuse(f"the new shape has no place for the axis {shown(rest[0].name)}")
    return left


ARRANGING = {
    "Identity": _identity,
    "Dropout": _dropout,
    "Pad": pad,
    "Cast": _cast,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Shape": _shape,
    "ReverseSequence": _reverse,
}

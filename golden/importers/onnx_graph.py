"""ONNX graphs: constants are folded, and the axes of what flows are followed by name.

A value of the graph is one of four:

- a NumPy array: a constant. Sizes that depend on the input (`Shape`) are arrays of type object, in
  which a size that is not known is a `Size`.
- `Filled`: a constant with one value everywhere, whose shape depends on the input.
- `Signal`: the network's input, or what some of its layers made of it. Each of its axes is a group
  of named axes, (): size 1. A Reshape may then group anew but never reorder, a Transpose reorders
  the groups, and whether an LSTM's time axis still is the input's is a comparison of names.
- `Ends`: final states, good for nothing but to be an output.

Protocol-buffer objects come in as they are; nothing here needs the `onnx` package. Operators:
https://onnx.ai/onnx/operators/, opset 7 to 22.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers import shown
from golden.squash import Array

OPEN_END = (1 << 31) - 1  # an `ends` of Slice that is this or more means "to the end"
DTYPES: dict[int, str] = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2",
    11: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}


@dataclass(frozen=True)
class Axis:
    """A named axis; `size` is None where the file leaves it open."""

    name: str
    size: int | None


Group = tuple[Axis, ...]


@dataclass(frozen=True)
class Size:
    """The unknown size of a group of axes, as an entry of an array of sizes."""

    group: Group


@dataclass(frozen=True)
class Filled:
    """A constant of one value everywhere, of a shape that depends on the input."""

    value: float


@dataclass(frozen=True)
class Signal:
    """What flows: `axes` one group an axis, and the chain of layers that made it.

    Attributes
    ----------
    axes : groups of named axes; those of size 1 have no name.
    layers : so far. time, batch, features : groups of the steps, the sequences, the last values.
    last : whether only the last step is left.
    dense : weights (K, C) and biases (K,) of the readout, or None; sigma : whether it is squashed.
    """

    axes: tuple[Group, ...]
    layers: tuple[Layer, ...] = ()
    time: Group = ()
    batch: Group = ()
    features: Group = ()
    last: bool = False
    dense: tuple[Array, Array] | None = None
    sigma: bool = False


@dataclass(frozen=True)
class Ends:
    """Final states of layers; `parts`, where it is known, are the h joined along `axis`."""

    parts: tuple[Signal, ...] = ()
    axis: int = 0


Value = np.ndarray | Filled | Signal | Ends | None


def named(name: str, size: int | None) -> Group:
    return () if size == 1 else (Axis(name, size),)


def size_of(group: Group) -> int | None:
    sizes = [axis.size for axis in group]
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def label(proto: Any) -> str:
    """How a message calls a node: by operator and name or, without one, first output."""
    name = proto.name or (proto.output[0] if proto.output else "")
    return f"{shown(proto.op_type)[1:-1]} node {shown(name)}"


class Node:
    """One node: its inputs' values and its attributes, each asked for once."""

    def __init__(self, proto: Any, values: Sequence[Value], opset: int) -> None:
        self.op, self.opset, self.values = proto.op_type, opset, values
        self.label = label(proto)
        self.attributes: dict[str, Any] = {}
        for attribute in proto.attribute:
            if attribute.name in self.attributes:
                self.refuse(f"attribute {shown(attribute.name)} is there twice")
            if attribute.type not in ATTRIBUTES or attribute.ref_attr_name:
                self.refuse(f"attribute {shown(attribute.name)} is of a kind that is not known")
            self.attributes[attribute.name] = attribute

    def refuse(self, why: str) -> NoReturn:
        raise ModelError(f"{self.label}: {why}")

    def take(self, name: str, kind: int, default: Any = None) -> Any:
        """The value of an attribute of type `kind` (an AttributeType), which is now done with."""
        attribute = self.attributes.pop(name, None)
        if attribute is None:
            return default
        if attribute.type != kind:
            self.refuse(f"attribute {name!r} is of the wrong type")
        value = getattr(attribute, ATTRIBUTES[kind])
        if kind == 3:
            return value.decode()
        if kind == 8:
            return [text.decode() for text in value]
        return list(value) if kind in (6, 7) else value

    def done(self) -> None:
        """Refuse attributes that nobody asked for."""
        for name in self.attributes:
            self.refuse(f"attribute {shown(name)} is not supported")

    def value(self, k: int) -> Value:
        return self.values[k] if k < len(self.values) else None

    def constant(self, k: int, what: str) -> np.ndarray:
        """Input k, which must be a constant."""
        value = self.value(k)
        if not isinstance(value, np.ndarray):
            self.refuse(f"{what} {'is missing' if value is None else 'is not a constant'}")
        return value

    def integers(self, k: int, what: str) -> list[int]:
        """Input k, which must be constant whole numbers."""
        found = self.constant(k, what).reshape(-1).tolist()
        if not all(type(entry) is int for entry in found):
            self.refuse(f"{what} must be constant whole numbers")
        return found

    def axes_given(self) -> list[int] | None:
        """Axes of Squeeze and Unsqueeze: an attribute before opset 13, then an input."""
        if self.opset < 13:
            return self.take("axes", 7)
        return None if self.value(1) is None else self.integers(1, "axes")


def tensor(proto: Any, what: str) -> np.ndarray:
    """A stored tensor as an array; its size is checked with the bytes that are there."""
    if proto.data_location == 1 or len(proto.external_data):
        raise ModelError(f"{what} lies in an external file; not supported, save it in one file")
    if proto.data_type not in DTYPES or proto.HasField("segment"):
        raise ModelError(f"{what}: data type {proto.data_type} is not supported")
    dtype, dims = np.dtype(DTYPES[proto.data_type]), tuple(proto.dims)
    raw = proto.HasField("raw_data")
    data = proto.raw_data if raw else getattr(proto, FIELDS.get(proto.data_type, "int32_data"))
    have = len(data) if raw else len(data) * dtype.itemsize
    if min(dims, default=0) < 0 or math.prod(dims) * dtype.itemsize != have:
        raise ModelError(f"{what}: shape {dims} does not fit its {have} bytes")
    if raw:
        values = np.frombuffer(data, dtype)
    elif dtype == np.float16:  # bit patterns in int32_data
        values = np.array(data, np.uint16).view(np.float16)
    else:
        values = np.array(data, dtype)
    return values.reshape(dims)


def position(node: Node, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        node.refuse(f"axis {axis} of {rank}")
    return axis % rank


def reshaped(node: Node, axes: tuple[Group, ...], entries: list[Any], zero: bool) -> list[Group]:
    """The same named axes in the same order, in groups of the sizes `entries`."""
    rest = [axis for group in axes for axis in group]

    def cut(k: int, end: int) -> Group:
        """Take the axes of entry k off the left (end 0) or right (end -1) of `rest`."""
        entry = entries[k]
        if entry == 0 and not zero and k < len(axes):
            entry = Size(axes[k])
        found: Group = ()
        while (found if isinstance(entry, Size) else size_of(found)) != _wanted(entry):
            if not rest:
                shown = ", ".join(str(e) if isinstance(e, int) else "?" for e in entries)
                node.refuse(f"the new shape ({shown}) mixes axes or cannot be followed")
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


def _wanted(entry: Any) -> Any:
    return entry.group if isinstance(entry, Size) else entry


def cuts(node: Node, rank: int) -> dict[int, tuple[int, int, int]]:
    """Slice's (start, end, step) by axis; attributes before opset 10, then inputs."""
    if node.opset < 10:
        starts, ends = node.take("starts", 7, []), node.take("ends", 7, [])
        axes, steps = node.take("axes", 7, list(range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
        given = node.value(3) is not None
        axes = node.integers(3, "axes") if given else list(range(len(starts)))
        given = node.value(4) is not None
        steps = node.integers(4, "steps") if given else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        node.refuse("starts, ends, axes and steps do not agree")
    return {
        position(node, axis, rank): cut
        for axis, cut in zip(axes, zip(starts, ends, steps, strict=True), strict=True)
    }


def arrange(node: Node, signal: Signal) -> Value:
    """Transpose, Reshape, Squeeze, Unsqueeze, Gather, Slice, Cast, Shape, ... of a signal."""
    axes, rank = list(signal.axes), len(signal.axes)
    if node.op in ("Identity", "Dropout"):
        if node.op == "Dropout" and node.opset >= 12:
            node.take("seed", 2)
            training = node.value(2)
            if training is not None and (not isinstance(training, np.ndarray) or training.any()):
                node.refuse("training_mode is not supported")
        node.take("ratio", 1)
    elif node.op == "Cast":
        node.take("saturate", 2)
        to = node.take("to", 2)
        if to not in (1, 11):
            node.refuse(f"to data type {to}; what flows may only be float or double")
    elif node.op == "Transpose":
        order = node.take("perm", 7, list(range(rank))[::-1])
        if sorted(order) != list(range(rank)):
            node.refuse(f"perm {order} does not fit {rank} axes")
        axes = [axes[k] for k in order]
    elif node.op == "Reshape":
        shape = node.constant(1, "the new shape")
        axes = reshaped(
            node, signal.axes, shape.reshape(-1).tolist(), bool(node.take("allowzero", 2))
        )
    elif node.op == "Squeeze":
        given = node.axes_given()
        gone = {position(node, axis, rank) for axis in given or ()}
        if given is None:
            if any(size_of(group) is None for group in axes):
                node.refuse("without axes, what goes depends on the input's size")
            gone = {k for k in range(rank) if not axes[k]}
        for k in gone:
            if axes[k]:
                node.refuse(f"axis {k} is not known to be of size 1")
        axes = [axes[k] for k in range(rank) if k not in gone]
    elif node.op == "Unsqueeze":
        given = node.axes_given() or []
        full = rank + len(given)
        new = {position(node, axis, full) for axis in given}
        if len(new) != len(given):
            node.refuse("an axis is there twice")
        old = iter(axes)
        axes = [() if k in new else next(old) for k in range(full)]
    elif node.op == "Shape":
        start, end = node.take("start", 2, 0), node.take("end", 2, rank)
        sizes = np.empty(rank, dtype=object)
        for k, group in enumerate(axes):
            known = size_of(group)
            sizes[k] = Size(group) if known is None else known
        return sizes[start:end]  # entries are int or Size
    elif node.op == "Gather":
        return _gathered(node, signal)
    elif node.op == "Slice":
        for axis, (start, end, step) in cuts(node, rank).items():
            size = size_of(axes[axis])
            to_end = step == 1 and end >= (OPEN_END if size is None else size)
            if to_end and start in (-1, OPEN_END if size is None else size - 1) and axes[axis]:
                signal = last_step(node, signal, axis, start)
                axes[axis] = ()
            elif not to_end or start not in (0, 0 if size is None else -size):
                node.refuse(f"starts {start}, ends {end} of axis {axis}: only the last step can be")
    else:
        node.refuse("not supported on what flows through the network")
    return replace(signal, axes=tuple(axes))


def last_step(node: Node, signal: Signal, axis: int, index: int) -> Signal:
    if not signal.time or signal.axes[axis] != signal.time:
        node.refuse(f"picks {index} of axis {axis}: supported is only the last step of the outputs")
    return replace(signal, last=True)


def _gathered(node: Node, signal: Signal) -> Signal:
    axis = position(node, node.take("axis", 2, 0), len(signal.axes))
    at = node.integers(1, "indices")
    size = size_of(signal.axes[axis])
    if len(at) != 1:
        node.refuse(f"{len(at)} indices: supported is only the last step of the outputs")
    if at[0] not in (-1, size - 1 if size else -1):
        node.refuse(f"picks {at[0]} of axis {axis}: only the last step of the outputs can be")
    if signal.axes[axis]:
        signal = last_step(node, signal, axis, at[0])
    kept = [()] if node.constant(1, "indices").ndim else []
    return replace(signal, axes=(*signal.axes[:axis], *kept, *signal.axes[axis + 1 :]))

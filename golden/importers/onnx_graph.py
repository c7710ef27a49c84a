"""ONNX nodes and stored tensors: attributes and inputs asked for by name, sizes checked.

Protocol-buffer objects come in as they are; nothing here needs the `onnx` package. Operators:
https://onnx.ai/onnx/operators/, opset 7 to 22.
"""

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.onnx_values import Signal, Value

DTYPES: dict[int, str] = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2",
    11: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
ROOM = 1 << 20  # bytes that folding may use besides
TIMES = 16  # ... this many times the file's size


class ByteBudget:
    """How many bytes may still be made of constants: a small multiple of the file's size."""

    def __init__(self, size: int) -> None:
        self.left = self.all = TIMES * size + ROOM

    def spend(self, count: int, itemsize: int) -> None:
        self.left -= count * itemsize
        if self.left < 0:
            raise ModelError(f"its constants unfold to more than {self.all} bytes, refused")


def label(proto: Any) -> str:
    """How a message calls a node: by operator and name or, without one, first output."""
    name = proto.name or (proto.output[0] if proto.output else "")
    return f"{shown(proto.op_type)[1:-1]} node {shown(name)}"


class Node:
    """One node: its inputs' values and its attributes, each asked for once."""

    def __init__(
        self,
        proto: Any,
        values: Sequence[Value],
        opset: int,
        ends: tuple[list[str], list[str]] = ([], []),
    ) -> None:
        """`ends` are the inputs and the outputs of the graph."""
        self.op, self.opset, self.values = proto.op_type, opset, values
        self.outputs, self.ends = len(proto.output), ends
        self.names = list(proto.input), list(proto.output)
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

    def cut_before(self) -> str:
        """How to keep what is before this node."""
        pairs = zip(self.names[0], self.values, strict=True)
        flows = [(name, v) for name, v in pairs if isinstance(v, Signal)]
        flows.sort(key=lambda pair: not pair[1].parts)
        name, signal = flows[0]
        return extract([signal.source, *signal.states], [name])

    def cut_behind(self) -> str:
        """How to keep what is behind this node."""
        return extract(self.names[1][:1], self.ends[1])

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
        """Refuse attributes that no reader asked for."""
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
        return self._axes(13)

    def axes_reduced(self) -> list[int] | None:
        """Axes of ReduceProd, ReduceMean, ...: an attribute before opset 18, then an input; of
        ReduceSum before opset 13."""
        return self._axes(13 if self.op == "ReduceSum" else 18)

    def _axes(self, since: int) -> list[int] | None:
        if self.opset < since:
            return self.take("axes", 7)
        return None if self.value(1) is None else self.integers(1, "axes")


def extract(inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """The call that cuts a file."""
    ends = "], [".join(", ".join(map(shown, names)) for names in (inputs, outputs))
    return f"cut the file: onnx.utils.extract_model(FILE, NEW, [{ends}])"


def tensor(proto: Any, what: str) -> np.ndarray:
    """A stored tensor as an array; its size is checked with the bytes that are there."""
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


def pieces(node: Node, size: int | None) -> list[tuple[int, int]]:
    """Split's (start, end) of each output, along an axis of `size`."""
    if node.opset < 13:
        lengths = node.take("split", 7)
    else:
        lengths = None if node.value(1) is None else node.integers(1, "split")
        node.take("num_outputs", 2)  # is the number of outputs, which the node names
    if lengths is None:
        if size is None:
            node.refuse("splits an axis of an open size into equal parts")
        each = -(-size // node.outputs)
        lengths = [each] * (node.outputs - 1) + [size - each * (node.outputs - 1)]
    if len(lengths) != node.outputs or min(lengths) < 0 or size not in (None, sum(lengths)):
        node.refuse(f"parts of sizes {lengths[:9]} do not fit an axis of size {size}")
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    return [(start, start + length) for start, length in zip(starts, lengths, strict=True)]

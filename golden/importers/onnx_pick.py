"""Slice, Gather and Split of what flows: a step, a direction, the order turned; Concat of parts.

What can be picked is the last or the first step of the outputs, the outputs of one direction, and
one layer's h among the final states of several. What can be joined are the outputs of a forward and
a reverse layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from golden.importers.folding import identity
from golden.importers.onnx_arrange import regrouped, turn
from golden.importers.onnx_graph import Node, cuts, pieces, position
from golden.importers.onnx_join import joined
from golden.importers.onnx_values import (
    FinalStates,
    Group,
    LayerOutputs,
    Signal,
    Value,
    named,
    once,
    size_of,
)
from golden.importers.onnx_windows import cropped

OPEN_END = (1 << 31) - 1  # an `ends` of Slice that is this or more means "to the end"
ONLY = "only the first or last step of the outputs, or one direction, can be"


@dataclass(frozen=True)
class AxisRange:
    """From `start` to before `end` of an axis, both counted from its beginning or both negative.

    `end` is None for "to the end"; `back` is the whole axis in reversed order.
    """

    start: int
    end: int | None
    back: bool = False

    def __str__(self) -> str:
        return f"from {self.start} to {'the end' if self.end is None else self.end}"


def sliced(node: Node, signal: Signal) -> Signal:
    """Slice of a signal."""
    for axis, (start, end, step) in cuts(node, len(signal.axes)).items():
        size = size_of(signal.axes[axis])
        if step not in (1, -1):
            node.refuse(f"step {step} of axis {axis} is not supported")
        if size is not None:
            steps = range(*slice(start, end, step).indices(size))
            if not steps or (step == -1 and len(steps) != size):
                node.refuse(f"starts {start}, ends {end}, step {step} of axis {axis}: {ONLY}")
            low, high = sorted((steps[0], steps[-1]))
            cut = replace(_inside(low, high + 1, size), back=step < 0)
        elif step < 0:
            if start not in (-1, OPEN_END) or end > -OPEN_END:
                node.refuse(f"starts {start}, ends {end}, step {step} of axis {axis}: {ONLY}")
            cut = AxisRange(0, None, back=True)
        else:
            cut = AxisRange(start, None if end >= OPEN_END else end)
        signal = _cut(node, signal, axis, cut)
    return signal


def gathered(node: Node, signal: Signal) -> Signal:
    """Gather of one index of a signal."""
    axis, index = _index(node, len(signal.axes))
    size = size_of(signal.axes[axis])
    if size is None:
        cut = AxisRange(index, None if index == -1 else index + 1)
    elif -size <= index < size:
        cut = _inside(index % size, index % size + 1, size)
    else:
        node.refuse(f"picks {index} of axis {axis}, which has {size}")
    signal = _cut(node, signal, axis, cut)
    if node.constant(1, "indices").ndim:
        return signal
    return replace(signal, axes=signal.axes[:axis] + signal.axes[axis + 1 :])


def split(node: Node, signal: Signal) -> list[Value]:
    """Split of a signal: its pieces."""
    axis = position(node, node.take("axis", 2, 0), len(signal.axes))
    size = size_of(signal.axes[axis])
    return [
        _cut(node, signal, axis, _inside(start, end, size)) for start, end in pieces(node, size)
    ]


def _inside(start: int, end: int, size: int | None) -> AxisRange:
    return AxisRange(start, None if end == size else end)


def _index(node: Node, rank: int) -> tuple[int, int]:
    """Gather's axis and its only index."""
    axis, at = position(node, node.take("axis", 2, 0), rank), node.integers(1, "indices")
    if len(at) != 1:
        node.refuse(f"{len(at)} indices: {ONLY}")
    return axis, at[0]


def _cut(node: Node, signal: Signal, axis: int, cut: AxisRange) -> Signal:
    group = signal.axes[axis]
    if cut.back:
        return turn(node, signal, group)
    if (cut.start, cut.end) == (0, None):
        return signal
    if (part := cropped(node, signal, axis, cut.start, cut.end)) is not None:
        return part
    refusal = f"picks {cut} of axis {axis}: supported is only to pick of an LSTM's outputs"
    if not signal.parts:
        end = size_of(group) if cut.end is None else cut.end
        length = None if end is None or cut.start < 0 else end - cut.start
        size, left = size_of(group), named(f"part of {node.label}", length)
        last = cut == AxisRange(-1 if size is None else size - 1, None)
        axes = (*signal.axes[:axis], () if last else left, *signal.axes[axis + 1 :])
        picked = group if last else ()
        return replace(signal, axes=axes, picked=picked, unfit=f"{node.label}: {refusal}")
    if group and group == signal.time and (count := _last(signal, cut)) > 1:
        left = (replace(group[0], size=count),)
        found = replace(signal, time=left, kept=count)
    elif group and group == signal.time:
        found, left = _step(signal, cut), ()
    else:
        found, left = _direction(signal, group, cut)
    if found is None:
        node.refuse(f"picks {cut} of axis {axis}: {ONLY}")
    return replace(found, axes=(*signal.axes[:axis], left, *signal.axes[axis + 1 :]))


def _last(signal: Signal, cut: AxisRange) -> int:
    """How many of the last steps are picked; 0 if others are."""
    size, plain = size_of(signal.time), not signal.turned and len(signal.time) == 1
    start = cut.start if size is None else cut.start - size
    every = all(part.step == "every" for part in signal.parts)
    return -start if plain and every and cut.end is None and start < 0 else 0


def _step(signal: Signal, cut: AxisRange) -> Signal | None:
    """The first or the last step."""
    size = size_of(signal.time)
    last = cut == AxisRange(-1 if size is None else size - 1, None)
    if not last and (signal.kept or (cut.start, cut.end) != (0, 1)):
        return None
    step = "last" if last == (not signal.turned) else "first"
    return replace(
        signal,
        parts=tuple(replace(part, step=step) for part in signal.parts),
        turned=(),
        kept=0,
    )


def _direction(signal: Signal, group: Group, cut: AxisRange) -> tuple[Signal | None, Group]:
    """One part of several, and what is left of the axis that held them."""
    if signal.behind:
        return None, ()
    if group and group == signal.features:
        widths = [part.width for part in signal.parts]
    elif len(signal.features) > 1 and group == signal.features[:1]:
        widths = [1] * len(signal.parts)
    else:
        return None, ()
    for k, part in enumerate(signal.parts):
        start, end = sum(widths[:k]), sum(widths[: k + 1])
        if cut == _inside(start, end, sum(widths)):
            found = replace(signal, parts=(part,), features=part.cells)
            return found, part.cells if group == signal.features else ()
    return None, ()


def join(node: Node, values: Sequence[Value]) -> Value:
    """Concat of what flows along its values, or of final states."""
    axis = node.take("axis", 2)
    signals = [value for value in values if isinstance(value, Signal)]
    if len(values) == 1:
        return values[0]
    if len(signals) == len(values) and axis is not None and signals[0].axes:
        at = position(node, axis, len(signals[0].axes))
        last = at == len(signals[0].axes) - 1
        if last and all(s.axes[at:] in ((s.features,), (s.axes[-1],)) for s in signals):
            return _beside(node, signals) if _ways(signals) else joined(node, signals)
        if all(s.final and _count(s, at) for s in signals):
            return FinalStates(tuple(signals), at)
    if not all(isinstance(v, FinalStates) or (isinstance(v, Signal) and v.final) for v in values):
        node.refuse("joining what flows through the network is not supported")
    return FinalStates()


def _ways(signals: list[Signal]) -> bool:
    """Whether they are the outputs of a forward and a reverse layer, or parts of those."""
    plain = all(signal.parts and not signal.behind for signal in signals)
    fronts = [[identity(stage) for stage in signal.before] for signal in signals]
    return (
        plain
        and all(front == fronts[0] for front in fronts)
        and any(part.layer.reverse for signal in signals for part in signal.parts)
    )


def _beside(node: Node, signals: list[Signal]) -> Signal:
    """Outputs of layers with the same input, joined along their last axis."""
    first = signals[0]
    for other in signals[1:]:
        other_way = (other.axes[:-1], other.source, other.time, other.batch, other.turned)
        if other_way != (
            first.axes[:-1], first.source, first.time, first.batch, first.turned
        ):  # fmt: skip
            node.refuse("joins outputs that have not the same input and steps")
        if other.behind or first.behind:
            node.refuse("joins what dense layers made; not supported")
    parts: tuple[LayerOutputs, ...] = tuple(part for signal in signals for part in signal.parts)
    made = named(f"outputs of {node.label}", sum(part.width for part in parts))
    return replace(
        first,
        axes=(*first.axes[:-1], made),
        parts=parts,
        features=made,
        states=once(name for signal in signals for name in signal.states),
    )


def _count(signal: Signal, axis: int) -> int:
    """How many layers' h lie along an axis; 0 if something else does."""
    if axis >= len(signal.axes):
        return 0
    group = signal.axes[axis]
    if not group:
        return 1
    directions = group == signal.features[:1] and signal.features[1:] == signal.parts[0].cells
    return len(signal.parts) if directions else 0


PASSING = ("Identity", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Cast")


def of_ends(node: Node, value: FinalStates) -> Value:
    """A node on final states: one layer's h is picked, or they stay an output."""
    if node.op == "Gather" and value.parts:
        axis, index = _index(node, len(value.parts[0].axes))
        if axis == value.axis:
            picked = slice(index, index + 1 or None)
            return _of_layer(node, value, picked, bool(node.constant(1, "indices").ndim))
    if node.op == "Slice" and value.parts:
        found = cuts(node, len(value.parts[0].axes))
        start, end, step = found.get(value.axis, (0, 0, 1))
        if len(found) == 1 and value.axis in found and step == 1:
            return _of_layer(node, value, slice(start, end), True)
    if node.op == "Reshape" and value.parts:
        return _layer_by_layer(node, value)
    if node.op not in PASSING:
        node.refuse("not supported on final states, of which one layer's h can be picked")
    node.attributes.clear()
    return value if node.op == "Identity" else FinalStates()


def _layer_by_layer(node: Node, value: FinalStates) -> FinalStates:
    """Reshape of h to (layers, directions, sequences, cells)."""
    entries = node.constant(1, "the new shape").reshape(-1).tolist()
    node.attributes.clear()
    if value.axis or entries[:1] not in ([len(value.parts)], [-1]) or 0 in entries:
        return FinalStates()
    parts = [regrouped(node, part.axes, [1, *entries[1:]], True) for part in value.parts]
    pairs = zip(value.parts, parts, strict=True)
    return FinalStates(tuple(replace(part, axes=tuple(axes)) for part, axes in pairs))


def _of_layer(node: Node, value: FinalStates, picked: slice, keep: bool) -> Signal:
    """One layer's h, or that of one of its directions, of those that are joined."""
    counts = [_count(part, value.axis) for part in value.parts]
    wanted = range(sum(counts))[picked]
    for k, part in enumerate(value.parts):
        start, count = sum(counts[:k]), counts[k]
        if wanted and wanted[0] >= start and wanted[-1] < start + count:
            cut = _inside(wanted[0] - start, wanted[-1] + 1 - start, count)
            found = _cut(node, part, value.axis, cut)
            if keep:
                return found
            return replace(found, axes=found.axes[: value.axis] + found.axes[value.axis + 1 :])
    node.refuse("picks final states that are not those of one layer")

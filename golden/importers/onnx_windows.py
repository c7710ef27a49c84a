"""Convolutions over time in front of the LSTMs, as dense stages over windows of the input.

What stands in front of a convolution is computed for each step of its window. Zeros at the ends
are zeros of the network's input, so that they can only be of the convolution in front.
"""

from dataclasses import replace

import numpy as np

from golden.importers.assembly import ROOM, TIMES
from golden.importers.onnx_graph import Node
from golden.importers.onnx_values import Signal, named, size_of
from golden.importers.stages import Dense
from golden.squash import Array
from golden.window import Window

ZERO = np.zeros(())
ELSEWHERE = "over time, which is supported only in front of all LSTM layers"


def convolved(node: Node, signal: Signal, weights: Array, pads: list[int]) -> Signal:
    """What the convolution's dense stage reads: the windows of what flows, along axis 1.

    Parameters
    ----------
    weights : (K, D, width).
    pads : zeros in front and behind.
    """
    stride, dilation = (node.take(name, 7, [1])[0] for name in ("strides", "dilations"))
    if stride < 1 or dilation < 1:
        node.refuse(f"stride {stride}, dilation {dilation}: must be at least 1")
    own = Window(tuple(dilation * k for k in range(weights.shape[2])), stride)
    if min(pads) < 0 or max(pads) >= own.reach:
        node.refuse(f"pads {pads} of a window of {own.reach} steps")
    signal = padded(node, signal, 2, pads)
    steps = size_of(signal.axes[2])
    left = None if steps is None else own.steps(steps)
    if left is not None and left < 1:
        node.refuse(f"a window of {own.reach} steps of {steps}")
    stages = _copied(node, signal, own, weights.shape[1])
    (axis,) = signal.axes[2]
    wide = named(f"window of {node.label}", weights.shape[1] * weights.shape[2])
    return replace(
        signal,
        axes=(signal.axes[0], wide, (replace(axis, size=left),)),
        features=wide,
        behind=stages,
        window=own.within(signal.window),
    )


def padded(node: Node, signal: Signal, axis: int, pads: list[int]) -> Signal:
    """The signal with zeros in front of its steps and behind them; below 0: with steps less."""
    group = signal.axes[axis]
    fixed = signal.parts or signal.turned or signal.index or signal.whole or signal.unfit
    if fixed or len(group) != 1 or signal.rolled not in ("", group[0].name):
        node.refuse(f"{ELSEWHERE}; {node.cut_before()}")
    window = signal.window
    if max(pads) > 0 and (signal.behind or len(window.offsets) > 1 or window.stride > 1):
        node.refuse(
            "zeros at the ends of what other stages made, not supported; do without padding there, "
            "or cut what is in front off and give its output as the input"
        )
    before, after = pads
    moved = replace(
        window,
        before=window.before + before * window.stride,
        after=window.after + after * window.stride,
    )
    size = None if group[0].size is None else group[0].size + before + after
    axes = (*signal.axes[:axis], (replace(group[0], size=size),), *signal.axes[axis + 1 :])
    return replace(signal, axes=axes, window=moved, rolled=group[0].name)


def pad(node: Node, signal: Signal) -> Signal:
    """Pad with zeros along the steps."""
    rank = len(signal.axes)
    if node.take("mode", 3, "constant") != "constant" or node.opset < 11:
        node.refuse("supported is only a constant of 0, of opset 11 or more")
    if node.value(2) is not None and node.constant(2, "the value").any():
        node.refuse("with another value than 0, not supported")
    given = node.integers(1, "the pads")
    axes = list(range(rank)) if node.value(3) is None else node.integers(3, "axes")
    pairs = zip(given[: len(axes)], given[len(axes) :], strict=True)
    wanted = {axis % rank: list(pair) for axis, pair in zip(axes, pairs, strict=True) if any(pair)}
    if not wanted:
        return signal
    if len(wanted) > 1:
        node.refuse(f"along {len(wanted)} axes, supported are the steps alone")
    ((axis, pads),) = wanted.items()
    return padded(node, signal, axis, pads)


def cropped(node: Node, signal: Signal, axis: int, start: int, end: int | None) -> Signal | None:
    """A part of the steps, from `start` to before `end`; None where it is none of windows."""
    group, size = signal.axes[axis], size_of(signal.axes[axis])
    moved = signal.rolled and not signal.parts and [one.name for one in group] == [signal.rolled]
    if not moved or start < 0:
        return None
    less = 0 if end is None else end if end < 0 else None if size is None else end - size
    if less is None or less > 0:
        return None
    return padded(node, signal, axis, [-start, less])


def _copied(node: Node, signal: Signal, own: Window, width: int) -> tuple[Dense, ...]:
    """The stages in front of a convolution over `own`, for each step of its window."""
    count, before = len(own.offsets), signal.window
    stages = [stage for stage in signal.behind if isinstance(stage, Dense)]
    if len(stages) < len(signal.behind):
        node.refuse("over time, of what is added or joined; not supported")
    inputs = next((stage.inputs for stage in stages if stage.inputs is not None), width)
    values = inputs // len(before.offsets)
    offsets = own.within(before).offsets
    made = count * inputs * len(offsets) * values + sum(s.size * count * count for s in stages)
    if made > TIMES * (sum(stage.size for stage in stages) + count * width) + ROOM:
        node.refuse(f"a window of {own.reach} steps over other stages makes {made} numbers")
    found = [_many(stage, count) for stage in stages]
    if len(before.offsets) == 1:
        return tuple(found)
    seen = [mine * before.stride + its for mine in own.offsets for its in before.offsets]
    picks = [np.kron([each == offset for offset in offsets], np.eye(values)) for each in seen]
    return Dense(f"{node.label}, its window", np.vstack(picks).astype(np.float64), ZERO), *found


def _many(stage: Dense, count: int) -> Dense:
    """So many copies of a dense stage, one beside the other."""

    def tiled(values: Array) -> Array:
        return np.tile(values, count) if values.ndim == 1 else values

    weights = stage.weights
    weights = np.kron(np.eye(count), weights) if weights.ndim == 2 else tiled(weights)
    slope = None if stage.slope is None else tiled(stage.slope)
    return replace(stage, weights=weights, biases=tiled(stage.biases), slope=slope)

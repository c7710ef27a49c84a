"""The sum, the mean, the largest and the least over the steps: cells that are always open.

A mean is a factor behind the sum, for which the number of steps must be known.
"""

from dataclasses import dataclass, replace

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers.onnx_graph import Node, position
from golden.importers.onnx_values import LayerOutputs, Signal, size_of
from golden.importers.over_time import largest, lowest, summed
from golden.importers.stages import Dense, Stage

OVER_TIME = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool",
)  # fmt: skip
MEANS = ("ReduceMean", "GlobalAveragePool")
OPEN = (
    "a mean over an open number of steps, not supported; export the file with the number of steps "
    "that your sequences have, or write it into the file: python -m "
    "onnxruntime.tools.make_dynamic_shape_fixed --dim_param AXIS --dim_value STEPS FILE NEW"
)
ZERO = np.zeros(())


@dataclass(frozen=True)
class _Kept:
    """The cells that see all steps, the stages in front of them, and those behind."""

    layer: Layer
    before: tuple[Stage, ...]
    behind: tuple[Dense, ...] = ()


def accumulated(node: Node, signal: Signal) -> Signal:
    """One of `OVER_TIME` over the steps."""
    rank = len(signal.axes)
    axes, keep = _axes(node, rank)
    of_time = {k for k, group in enumerate(signal.axes) if group and group == signal.time}
    if axes != of_time or not signal.parts:
        node.refuse(
            "over values of the same step, as in a normalisation, not supported; "
            + node.cut_before()
        )
    steps, width = size_of(signal.time), size_of(signal.features)
    if steps is None and node.op in MEANS:
        node.refuse(OPEN)
    if width is None or signal.features not in signal.axes:
        node.refuse(f"of no known number of values, not supported; {node.cut_before()}")
    try:
        before, output = signal.settled()
    except ModelError as error:
        node.refuse(str(error))
    if output != "every" or signal.kept:
        node.refuse(f"of {f'{signal.kept} of all' if signal.kept else output} steps; not supported")
    (at,) = axes
    left = (*signal.axes[:at], *([()] if keep else []), *signal.axes[at + 1 :])
    kept = _kept(node, before, width, steps, signal.index)
    return replace(
        signal,
        axes=left,
        before=kept.before,
        parts=(LayerOutputs(kept.layer, signal.features, node.label, "last"),),
        behind=kept.behind,
        turned=(),
        steps=steps or 0 if node.op in MEANS else signal.steps,
    )


def _axes(node: Node, rank: int) -> tuple[set[int], bool]:
    """The axes that go, and whether they stay with a size of 1."""
    if node.op.startswith("Global"):
        return set(range(2, rank)), True
    given = node.axes_reduced()
    keep = bool(node.take("keepdims", 2, 1))
    node.take("noop_with_empty_axes", 2)
    return {position(node, axis, rank) for axis in given or ()}, keep


def _kept(
    node: Node, before: tuple[Stage, ...], width: int, steps: int | None, index: bool
) -> _Kept:
    if node.op in MEANS:
        mean = Dense(f"1/{steps} of {node.label}", np.array(1 / (steps or 1)), ZERO)
        return _Kept(summed(width), before, (mean,))
    if node.op == "ReduceSum":
        return _Kept(summed(width), before)
    less = Dense(f"minus of {node.label}", np.array(-1.0), ZERO)
    turned = (less,) if node.op == "ReduceMin" else ()
    low = lowest((*before, *turned), width, index)
    if low is None:
        node.refuse(f"of values that have no bound, not supported; {node.cut_before()}")
    return _Kept(largest(low), (*before, *turned), turned)

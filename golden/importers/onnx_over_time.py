"""The sum and the mean over the steps of a sequence: cells that are always open.

    s(t) = s(t-1) + 1 g(t), g the identity        what they hold at the last step is the sum

These are the cells of 1997, whose error carousel is a sum by itself: the input gate's net input is
1 and its function the identity clipped to 0..1. A mean is a factor behind it, for which the number
of steps must be known.
"""

from dataclasses import replace

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers.onnx_graph import Node, position
from golden.importers.onnx_values import LayerOutputs, Signal, size_of
from golden.importers.stages import Dense

OPEN = (
    "over an open number of steps, not supported; export the file with the number of steps that "
    "your sequences have"
)


def accumulated(node: Node, signal: Signal) -> Signal:
    """ReduceMean or ReduceSum over the steps."""
    given, rank = node.axes_reduced(), len(signal.axes)
    keep = node.take("keepdims", 2, 1)
    node.take("noop_with_empty_axes", 2)
    axes = {position(node, axis, rank) for axis in given or ()}
    of_time = {k for k, group in enumerate(signal.axes) if group and group == signal.time}
    if axes != of_time or not signal.parts:
        node.refuse(
            "over values of the same step, as in a normalisation, not supported; "
            + node.cut_before()
        )
    steps, width = size_of(signal.time), size_of(signal.features)
    if steps is None:
        node.refuse(f"a {'mean' if node.op == 'ReduceMean' else 'sum'} {OPEN}")
    if width is None or not signal.ordered:
        node.refuse(f"of no known number of values, not supported; {node.cut_before()}")
    try:
        before, output = signal.settled()
    except ModelError as error:
        node.refuse(str(error))
    if output != "every":
        node.refuse(f"of {output} steps; not supported")
    (at,) = axes
    kept = (*signal.axes[:at], *([()] if keep else []), *signal.axes[at + 1 :])
    part = LayerOutputs(carousels(width), signal.features, node.label, "last")
    mean = Dense(f"1/{steps} of {node.label}", np.array(1 / steps), np.zeros(()))
    behind = (mean,) if node.op == "ReduceMean" else ()
    return replace(signal, axes=kept, before=before, parts=(part,), behind=behind, steps=steps)


def carousels(width: int) -> Layer:
    """So many cells that add up what comes in."""
    none, one = np.zeros((1, 2 * width)), np.ones(1)
    rows = np.hstack([np.eye(width), np.zeros((width, width))])
    weights = {"i": none, "o": none.copy(), "g": rows}
    biases = {"i": one, "o": one.copy(), "g": np.zeros(width)}
    return Layer(weights, biases, width, g="identity", h="identity", gate="hard")

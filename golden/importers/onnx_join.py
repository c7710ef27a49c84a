"""Add, Sub and Concat of two that flow: a `Skip` behind the stages of one of them.

It goes behind the one of more stages, so that an input, or what an earlier layer gave, is added or
joined to what comes later.
"""

from dataclasses import replace

import numpy as np

from golden.errors import ModelError
from golden.importers.onnx_graph import Node
from golden.importers.onnx_values import Signal, named, once, size_of
from golden.importers.stages import Dense, Skip, Stage

ONE, ZERO = np.ones(()), np.zeros(())


def added(node: Node, flows: list[Signal]) -> Signal:
    """The sum of two, or their difference."""
    if node.op not in ("Add", "Sub"):
        node.refuse(f"a product or quotient of two that flow, not supported; {node.cut_before()}")
    first, second = flows
    if node.op == "Sub":
        less = Dense(f"minus of {node.label}", -ONE, ZERO)
        second = replace(second, behind=(*second.behind, less))
    main, other = sorted((first, second), key=_rank, reverse=True)
    at = _values(main, other)
    _check_alike(node, main, other, at)
    here, there = (None if at is None else size_of(s.axes[at]) for s in (main, other))
    if None not in (here, there) and there not in (1, here):
        node.refuse(f"adds {there} values to {here}, not supported")
    skip = Skip(node.label, _settled(node, main, other), inputs=here)
    features = main.features if at is None else main.axes[at]
    return replace(_joined(main, other, skip), features=features)


def joined(node: Node, signals: list[Signal]) -> Signal:
    """Several, one after the other along the last axis, that of their values."""
    at = max(range(len(signals)), key=lambda k: _rank(signals[k]))
    found, sizes = signals[at], [size_of(signal.axes[-1]) for signal in signals]
    widths = [size for size in sizes if size is not None]
    if len(widths) < len(sizes):
        node.refuse("joins what has no known number of values; not supported")
    width = widths[at]
    for k in (*range(at - 1, -1, -1), *range(at + 1, len(signals))):
        _check_alike(node, found, signals[k], len(found.axes) - 1)
        stages, total = _settled(node, signals[at], signals[k]), width + widths[k]
        skip = Skip(node.label, stages, False, k < at, inputs=width, outputs=total)
        found, width = _joined(found, signals[k], skip), total
    made = named(f"outputs of {node.label}", width)
    return replace(found, axes=(*found.axes[:-1], made), features=made)


def _rank(signal: Signal) -> tuple[bool, bool, int]:
    """The more, the later a signal comes: one that says which step it is of layers in reverse, one
    of LSTMs, one of more stages."""
    picked = _reverse(signal) and not all(part.final for part in signal.parts)
    return picked, bool(signal.parts), len(signal.stages)


def _reverse(signal: Signal) -> bool:
    return any(part.layer.reverse for part in signal.parts)


def _values(main: Signal, other: Signal) -> int | None:
    """The axis of the values; None where it need not be known."""
    if main.axes == other.axes:
        return None
    for signal in (main, other):
        if signal.features in signal.axes and signal.features:
            return signal.axes.index(signal.features)
    return len(main.axes) - 1


def _check_alike(node: Node, main: Signal, other: Signal, at: int | None) -> None:
    """Refuse two that are not of one input, its sequences and steps; `at` is the axis of values."""
    alike = main.source == other.source and len(main.axes) == len(other.axes)
    alike = alike and main.turned == other.turned and main.index == other.index
    alike = alike and (main.window, main.kept) == (other.window, other.kept)
    for k, groups in enumerate(zip(main.axes, other.axes, strict=False)):
        alike = alike and (k == at or groups[0] == groups[1])
    for signal in (main, other):
        alike = alike and (at is None or signal.features in ((), signal.axes[at]))
    for one, another in ((main, other), (other, main)):
        alike = alike and one.picked in ((), another.picked, another.time)
    if not main.axes or not alike or main.whole or other.whole:
        node.refuse(f"of two that have not the same input and steps; {node.cut_before()}")


def _settled(node: Node, main: Signal, other: Signal) -> tuple[Stage, ...]:
    """The stages of the other one, which must give the same steps."""
    try:
        (_, steps), (stages, others) = main.settled(), other.settled()
    except ModelError as error:
        node.refuse(str(error))
    ends = {"last", "final"}  # the same, of layers that run forward
    same = {steps, others} <= ends and not _reverse(other)
    same = same and (steps == "last" or not _reverse(main))
    if steps != others and not same:
        node.refuse(f"of {others} steps and {steps} steps; not supported")
    return stages


def _joined(main: Signal, other: Signal, skip: Skip) -> Signal:
    return replace(
        main,
        behind=(*main.behind, skip),
        states=once((*main.states, *other.states)),
        steps=main.steps or other.steps,
        unfit=main.unfit or (other.unfit if not other.picked else ""),
    )

"""What flows through a Keras model, from layer to layer, and the stages that it comes of.

An LSTM that goes backwards gives its steps in the order in which it ran; what follows runs in that
order too, until another one turns it again. A Bidirectional gives both its directions in the order
of its input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.keras_layer import KerasLayer
from golden.importers.keras_options import MERGING, NOTHING, POOLS
from golden.importers.keras_units import Unit, window_of
from golden.importers.onnx_over_time import OPEN
from golden.importers.over_time import largest, lowest, summed
from golden.importers.stages import Cells, Dense, Skip, Stage
from golden.window import Window

ONE, ZERO = np.ones(()), np.zeros(())


@dataclass(frozen=True)
class At:
    """What flows behind a layer.

    Attributes
    ----------
    width : how many values a step has, or numbers of an Embedding.
    length : how many steps, or None.
    index : whether the model's input is one whole number a step.
    window : what a step sees of the input.
    raw : whether it is the model's input as it is.
    last : the last layer of LSTMs, or None.
    every : whether all steps are left.
    backwards : whether they are in reverse order; of a Bidirectional's two LSTMs that is then the
        first one's way, and `Network` has them exchanged.
    swapped : whether Keras joins the two directions of the values the other way round.
    """

    width: int
    length: int | None
    index: bool = False
    window: Window = Window()
    raw: bool = True
    last: KerasLayer | None = None
    every: bool = True
    backwards: bool = False
    swapped: bool = False


@dataclass(frozen=True)
class Step:
    """A layer, the steps that it reads, by number, and what flows behind it.

    Attributes
    ----------
    units : what it computes; of two LSTMs side by side the forward one first.
    steps : over how many it takes the mean, else 0.
    """

    part: KerasLayer
    sources: tuple[int, ...]
    at: At
    units: tuple[Unit, ...] = ()
    steps: int = 0


def plan(parts: Sequence[KerasLayer], version: int) -> list[Step]:
    """The layers as steps; `ModelError` names a layer that cannot stand where it does."""
    steps: list[Step] = []
    for k, part in enumerate(parts):
        given = [steps[source].at for source in part.sources]
        if part.kind == "InputLayer":
            if k:
                raise part.error("must be the first layer")
            steps.append(Step(part, (), _input(part, parts[1:])))
        elif not given:
            raise part.error("no InputLayer before it says how many inputs there are")
        else:
            steps.append(_step(part, given, version))
    if not steps or steps[-1].at.last is None:
        raise ModelError("model: no LSTM is in it")
    _check_end(steps[-1].at, steps[-1].at.last)
    return steps


def _check_end(at: At, last: KerasLayer) -> None:
    if at.backwards and at.every:
        raise last.error(
            "gives every step, the last one first (go_backwards), which is not supported"
        )
    if at.swapped:
        raise last.error(
            "is last and runs on steps in reverse (go_backwards): its outputs would be joined the "
            "other way round, which is supported only before a Dense"
        )


def _input(part: KerasLayer, others: Sequence[KerasLayer]) -> At:
    """The model's input: how many values, or numbers of an Embedding, a step has."""
    shape = part.options.get("batch_shape")
    table = next((one for one in others if one.kind not in NOTHING), None)
    if table is not None and table.kind == "Embedding":
        if not isinstance(shape, list) or len(shape) != 2:
            raise part.error(f"batch_shape {shown(shape)}: must be [batch, steps]")
        return At(table.number("input_dim"), _length(part, shape[1]), index=True)
    if not isinstance(shape, list) or len(shape) != 3 or type(shape[2]) is not int or shape[2] < 1:
        raise part.error(f"batch_shape {shown(shape)}: must be [batch, steps, inputs]")
    return At(shape[2], _length(part, shape[1]))


def _length(part: KerasLayer, said: object) -> int | None:
    if said is not None and (not isinstance(said, int) or said < 1):
        raise part.error(f"batch_shape: {shown(said)} steps, must be at least 1")
    return said


def _step(part: KerasLayer, given: list[At], version: int) -> Step:
    """One layer that is no input, behind what flows to it."""
    at = given[0]
    if part.kind in NOTHING:
        return Step(part, part.sources, at)
    if part.kind in MERGING:
        return Step(part, part.sources, _merged(part, given))
    if part.kind in POOLS:
        return _pooled(part, at)
    if part.kind == "Embedding" and not at.raw:
        raise part.error("is not behind the model's input, which is not supported")
    if part.lstms and not at.every and at.last:
        raise at.last.error("return_sequences must be true before another LSTM")
    if part.kind == "Conv1D" and (seen := window_of(part)) != Window():
        at = _windowed(part, at, seen)
    units = [
        Unit(one, at.width, version, at.backwards != one.flag("go_backwards"), swapped=at.swapped)
        for one in part.lstms or (part,)
    ]
    swapped = at.swapped if not units[0].mixes else len(units) == 2 and units[0].reverse
    units.sort(key=lambda unit: unit.reverse)
    units = [replace(unit, beside=k > 0) for k, unit in enumerate(units)]
    behind = replace(
        at,
        width=sum(unit.outputs for unit in units),
        raw=False,
        last=part if part.lstms else at.last,
        every=part.lstms[0].flag("return_sequences") if part.lstms else at.every,
        backwards=at.backwards != (bool(part.lstms) and part.flag("go_backwards")),
        swapped=swapped,
    )
    return Step(part, part.sources, behind, tuple(units))


def _windowed(part: KerasLayer, at: At, seen: Window) -> At:
    """What a convolution over time sees, which must be the first layer."""
    if not at.raw:
        raise part.error(
            "a convolution over time that is not the first layer is not supported; give ONNX "
            "(tf2onnx), or save what is behind it as a model of its own"
        )
    length = at.length and seen.steps(at.length)
    if length is not None and length < 1:
        raise part.error(f"a window of {seen.reach} steps of {at.length}")
    return replace(at, width=at.width * len(seen.offsets), length=length, window=seen)


def _merged(part: KerasLayer, given: list[At]) -> At:
    """Several, added or joined."""
    found = max(given, key=lambda at: at.last is not None)
    for at in given:
        if (at.window, at.every, at.backwards and at.every) != (
            found.window, found.every, found.backwards and found.every
        ):  # fmt: skip
            raise part.error("of what has not the same steps, which is not supported")
        if at.swapped:
            raise part.error(
                "of a Bidirectional that runs on steps in reverse (go_backwards), which is not "
                "supported"
            )
    widths = [at.width for at in given]
    if part.kind == "Concatenate":
        axis = part.options.get("axis", -1)
        if axis not in (-1, 2 if found.every else 1) or type(axis) is not int:
            raise part.error(f"axis {shown(axis)}: must be that of the values, -1")
        return replace(found, width=sum(widths), raw=False)
    if len(set(widths)) > 1 or (part.kind == "Subtract" and len(widths) != 2):
        raise part.error(f"of {', '.join(map(str, widths[:9]))} values, must be as many of each")
    return replace(found, width=widths[0], raw=False)


def _pooled(part: KerasLayer, at: At) -> Step:
    """The mean or the largest of all steps."""
    if at.last is None or not at.every:
        raise part.error("is not behind every step of an LSTM, which is not supported")
    mean = part.kind == "GlobalAveragePooling1D"
    if mean and at.length is None:
        raise part.error(OPEN)
    steps = (at.length or 0) if mean else 0
    return Step(part, part.sources, replace(at, every=False, backwards=False), steps=steps)


def stages(steps: Sequence[Step], arrays: Mapping[str, np.ndarray]) -> tuple[Stage, ...]:
    """What the model computes, from its input to its output."""
    chains: list[tuple[Stage, ...]] = []
    for step in steps:
        given = [chains[k] for k in step.sources]
        before = given[0] if given else ()
        part = step.part
        if part.kind in MERGING:
            chains.append(_joined(part, given, [steps[k].at.width for k in step.sources]))
        elif part.kind in POOLS:
            chains.append((*before, *_over_time(step, before)))
        else:
            chains.append((*before, *_made(step.units, arrays)))
    return chains[-1]


def _made(units: Sequence[Unit], arrays: Mapping[str, np.ndarray]) -> list[Stage]:
    """The stages of one layer, those of two LSTMs side by side as one."""
    made = [stage for unit in units for stage in unit.stages(arrays)]
    if len(units) < 2:
        return made
    layers = tuple(layer for one in made if isinstance(one, Cells) for layer in one.layers)
    return [Cells(units[0].part.title, layers)]


def _joined(
    part: KerasLayer, given: list[tuple[Stage, ...]], widths: list[int]
) -> tuple[Stage, ...]:
    """A `Skip` for each of several behind the one of the most stages."""
    if part.kind == "Subtract":
        given = [given[0], (*given[1], Dense(f"minus of {part.title}", -ONE, ZERO))]
    at = max(range(len(given)), key=lambda k: len(given[k]))
    found, width, adds = given[at], widths[at], part.kind != "Concatenate"
    for k in (*range(at - 1, -1, -1), *range(at + 1, len(given))):
        total = width if adds else width + widths[k]
        skip = Skip(part.title, given[k], adds, k < at, inputs=width, outputs=total)
        found, width = (*found, skip), total
    if part.kind == "Average":
        found = (*found, Dense(f"{part.title}, a mean", np.array(1 / len(given)), ZERO))
    return found


def _over_time(step: Step, before: Sequence[Stage]) -> list[Stage]:
    width, part = step.at.width, step.part
    if step.steps:
        mean = Dense(f"1/{step.steps} of {part.title}", np.array(1 / step.steps), ZERO)
        return [Cells(part.title, (summed(width),)), mean]
    low = lowest(before, width, step.at.index)
    if low is None:
        raise part.error("of values that have no bound, which is not supported")
    return [Cells(part.title, (largest(low),))]
